"""The model card that is written into the bundled weights."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.bundled.pictures import SHARES


def card(data: Path, n_views: int, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the weights were trained on and how, as JSON holds it."""
    with (data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] in SHARES and "NC" not in row["licence"]]
    licences = {
        name: Counter(row["licence"] or "none stated" for row in rows if row["set"] == name)
        for name in SHARES
    }
    return {
        "name": "Semblance bundled embedder",
        "trained on": {
            name: {"pictures": sum(found.values()), "licences": sorted(found)}
            for name, found in licences.items()
        },
        "teachers": ["SqueezeNet 1.1, ImageNet (MIT)", "MobileNetV2 1.0, ImageNet (Apache-2.0)"],
        "views": n_views,
        "plan": dict(plan),
        "script": "python -m benchmarks.bundled",
    }
