"""Results that are kept, so that a second run of the same comparison need not measure again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.comparison.contest import Contest
from retrieval.evaluation import Comparison, Evaluation, Leak
from retrieval.evaluation.calibration import Classified


def save(contest: Contest, path: Path, key: str) -> None:
    """Keep a contest under the key of what it depends on."""
    found = contest.evaluation
    about = {
        "key": key,
        "name": contest.name,
        "measures": found.measures,
        "main": found.main,
        "is_error": found.is_error,
        "queries": found.queries,
        "classes": found.classes,
        "systems": list(found.values),
        "has_clean": found.clean is not None,
        "leaks": [asdict(leak) for leak in found.leaks],
        "n_database": found.n_database,
        "column": found.column,
        "n_joined": found.n_joined,
        "n_unlabelled": found.n_unlabelled,
        "unmatched": found.unmatched,
        "comparisons": [asdict(one) for one in found.comparisons],
        "weights": {name: dict(weights) for name, weights in found.weights.items()},
        "classified": {name: asdict(one) for name, one in found.classified.items()},
        "milliseconds": dict(contest.milliseconds),
        "recipes": dict(contest.recipes),
        "plain": dict(contest.plain),
    }
    clean = found.values if found.clean is None else found.clean
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            about=np.array(json.dumps(about)),
            groups=found.groups,
            values=np.stack(list(found.values.values())),
            clean=np.stack([clean[name] for name in found.values]),
        )


def load(path: Path, key: str) -> Contest | None:
    """Return what was kept under a key; None if there is nothing, or it is of something else."""
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        about = json.loads(str(arrays["about"]))
        if about["key"] != key:
            return None
        values = dict(zip(about["systems"], arrays["values"], strict=True))
        clean = dict(zip(about["systems"], arrays["clean"], strict=True)) if about["has_clean"] else None
        groups = arrays["groups"]
    found = Evaluation(
        measures=tuple(about["measures"]),
        main=about["main"],
        is_error=about["is_error"],
        queries=tuple(about["queries"]),
        classes=tuple(about["classes"]),
        groups=groups,
        values=values,
        clean=clean,
        leaks=tuple(Leak(**leak) for leak in about["leaks"]),
        n_database=about["n_database"],
        column=about["column"],
        n_unlabelled=about["n_unlabelled"],
        unmatched=tuple(about["unmatched"]),
        n_joined=about["n_joined"],
        comparisons=tuple(Comparison(**one) for one in about["comparisons"]),
        weights=about["weights"],
        classified={name: Classified(**one) for name, one in about["classified"].items()},
    )
    return Contest(about["name"], found, about["milliseconds"], about["recipes"], about["plain"])
