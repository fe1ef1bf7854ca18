"""The cells of the comparison of detectors: one detector at one budget of points and one vocabulary each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.descriptors_of_sets import Described
from benchmarks.shared.labelled_sets import Set
from retrieval.statistics.measures import bootstrap_interval

DETECTORS = ("sift", "dense", "superpixel")
CLAIMANT, RIVALS = "superpixel", ("sift", "dense")
LEAST = 4
"""With fewer descriptors a word than this nothing is measured."""
ABLATION = (400, 1024)
"""Points and words of the ablation."""
DEFAULTS = {
    "sift": ("own", "gradient", "off"),
    "dense": ("own", "none", "off"),
    "superpixel": ("area", "gradient", "off"),
    "turned-dense": ("own", "gradient", "off"),
    "grid-superpixel": ("area", "gradient", "off"),
}
"""Scale, orientation and mask of each detector by default, and of two controls: a dense grid turned as
superpixels are, and a plain grid with the frames of superpixels, which tells what their borders are worth."""
SQUARE = 1e6
"""A compactness that leaves grey levels no say: regions are the squares of a grid."""

Variant = tuple[str, str, str]
Key = tuple[str, Variant, int, int]
"""Detector, variant, points, words: what names a cell."""


@dataclass(frozen=True)
class Task:
    """The task of one process: one detector at one budget, at several vocabularies."""

    data: Set
    detector: str
    variant: Variant
    points: int
    words: tuple[int, ...]
    seeds: int
    masked: bool = False

    def settings(self) -> dict[str, Any]:
        """Return the settings of the bag of words."""
        scale, orientation, mask = self.variant
        own: dict[str, Any] = {"orientation": orientation}
        if self.detector == "sift":
            own = {"upright": orientation == "none"}
        elif self.detector == "superpixel":
            own["scale"] = scale
        elif self.detector == "grid-superpixel":
            own |= {"scale": scale, "compactness": SQUARE}
        return {"points": self.points, "tone_words": 0, "foreground_only": self.masked or mask == "on", **own}


@dataclass(frozen=True, eq=False)
class Cell:
    """Measured at one vocabulary: ``precisions`` and ``first`` are (queries,), NaN without an answer."""

    key: Key
    described: Described
    precisions: NDArray[np.float64]
    first: NDArray[np.float64]
    interval: tuple[float, float]
    seconds: float

    @property
    def mean_ap(self) -> float:
        """Return mAP in percent."""
        return 100 * float(np.nanmean(self.precisions))

    @property
    def per_word(self) -> float:
        """Return how many descriptors there are for each word."""
        return int(self.described.counts.sum()) / self.key[3]

    @property
    def is_short(self) -> bool:
        """Return whether there are 2 % fewer points than the budget."""
        return float(self.described.counts.mean()) < 0.98 * self.key[2]


def measure(task: Task) -> list[Cell]:
    """Detect and describe once, then measure every vocabulary that the descriptors can feed."""
    start = time.perf_counter()
    name = task.detector.removeprefix("turned-").removeprefix("grid-")
    described = Described.of(name, task.settings(), task.data.items)
    extraction = time.perf_counter() - start
    seen = replace(described, descriptors=np.empty((0, 0), np.float32))
    cells = []
    for words in task.words:
        start = time.perf_counter()
        if len(described.descriptors) < LEAST * words:
            continue
        precisions, first = described.measures(task.data, words, task.seeds)
        interval = bootstrap_interval(100 * precisions, task.data.groups)
        seconds = extraction + time.perf_counter() - start
        key = (task.detector, task.variant, task.points, words)
        cells.append(Cell(key, seen, precisions, first, interval, seconds))
    return cells


def grid(
    data: Set,
    detectors: Sequence[str],
    budgets: Sequence[int],
    words: Sequence[int],
    seeds: int,
    masked: bool = False,
) -> list[Task]:
    """Return the tasks of the comparison, the longest first; ``masked``: with points on the body alone."""
    return [
        Task(data, detector, DEFAULTS[detector], points, tuple(words), seeds, masked)
        for points in sorted(budgets, reverse=True)
        for detector in detectors
    ]


def variants() -> list[tuple[str, Variant]]:
    """Return every detector in all its scales, orientations and masks."""
    scales = {"sift": ("own",), "dense": ("own",), "superpixel": ("area", "moments", "fixed")}
    turns = dict.fromkeys(RIVALS, ("none", "gradient")) | {"superpixel": ("none", "axis", "gradient")}
    return [(d, v) for d in DETECTORS for v in product(scales[d], turns[d], ("off", "on"))]
