"""The model card that is written into the bundled weights."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.bundled.package_pictures import PACKAGES
from benchmarks.bundled.pictures import SHARES
from deep.networks import weights


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


def second_card(first: Path, n_views: int, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card of the first stage's weights, and what the second stage added."""
    found = weights.card(first)
    added = {
        "packages": sorted(name for names in PACKAGES.values() for name in names),
        "pictures": [
            "those of the first stage",
            "Debian packages (main)",
            "scikit-image",
            "parts of aperio_small.svs (CC0) and hamamatsu_dapi.ndpi (CC BY 4.0, M. Stritt)",
            "generated",
        ],
        "teachers": ["SqueezeNet 1.1 (MIT)", "EfficientNet-Lite0 (Apache-2.0)", "the first stage"],
        "views": n_views,
        "plan": dict(plan),
        "script": "python -m benchmarks.bundled.levels",
    }
    return {**found, "second stage": added}
