"""The plots of a comparison: quality with intervals, precision at k, cost against quality, heat maps."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence

import matplotlib
import numpy as np

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import bovw
from benchmarks.comparison.contest import CUTOFFS, Contest
from benchmarks.comparison.dataset import EQUAL
from retrieval.picture import Picture
from viewer.drawing import heat_map

CURVES = (
    "random",
    "thumbnail",
    "colour",
    "superpixel",
    "words",
    "SqueezeNet GeM",
    "deep",
    "words & deep, learnt",
    "words & deep, learnt, blind",
    "words+nca & deep+nca, sum",
)
"""What the crowded plots show."""


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, and let go of it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return buffer.getvalue()


def quality(contests: Sequence[Contest]) -> bytes:
    """Draw mAP of every system with its interval, a panel a set."""
    n = max(len(c.evaluation.values) for c in contests)
    figure, axes = plt.subplots(
        1, len(contests), figsize=(3.6 * len(contests) + 2, 0.3 * n + 1), sharey=True, squeeze=False
    )
    for contest, axis in zip(contests, axes[0], strict=True):
        found = contest.evaluation
        for i, name in enumerate(found.values):
            low, high = found.interval(name, "mAP")
            axis.plot([100 * low, 100 * high], [i, i], color=colour(name), linewidth=2)
            axis.plot(100 * found.mean(name, "mAP"), i, "o", color=colour(name), markersize=5)
        axis.set_yticks(range(len(found.values)), list(found.values))
        axis.grid(axis="x", alpha=0.3)
        axis.set_xlabel("mAP, %")
        axis.set_title(contest.name)
    axes[0][0].invert_yaxis()
    return png(figure)


def precision_curves(contests: Sequence[Contest]) -> bytes:
    """Draw the precision of the first k hits over k, a panel a set."""
    figure, axes = plt.subplots(1, len(contests), figsize=(4.2 * len(contests), 3.6), squeeze=False)
    for contest, axis in zip(contests, axes[0], strict=True):
        found = contest.evaluation
        for name in CURVES:
            if name in found.values:
                values = [100 * found.mean(name, f"P@{k}") for k in CUTOFFS]
                axis.plot(CUTOFFS, values, marker=".", color=colour(name), label=name)
        axis.set_xscale("log")
        axis.set_xticks(CUTOFFS, [str(k) for k in CUTOFFS])
        axis.minorticks_off()
        axis.set_xlabel("k")
        axis.set_title(contest.name)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("precision of the first k, %")
    axes[0][-1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1))
    return png(figure)


def cost_against_quality(contests: Sequence[Contest], encoding: Mapping[str, float]) -> bytes:
    """Draw mAP over what a new query costs: to describe it, and to rank; a panel a set.

    ``encoding`` holds milliseconds a picture by representation.
    """
    figure, axes = plt.subplots(1, len(contests), figsize=(4.2 * len(contests), 3.6), squeeze=False)
    for contest, axis in zip(contests, axes[0], strict=True):
        found = contest.evaluation
        for name in CURVES:
            parts = _parts(name)
            if name in found.values and all(part in encoding for part in parts):
                x = sum(encoding[part] for part in parts) + contest.milliseconds[name]
                axis.plot(x, 100 * found.mean(name, "mAP"), "o", color=colour(name), label=name)
        axis.set_xscale("log")
        axis.set_xticks([5, 10, 20, 50], ["5", "10", "20", "50"])
        axis.minorticks_off()
        axis.set_xlabel("ms a query, one core")
        axis.set_title(contest.name)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("mAP, %")
    axes[0][-1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1))
    return png(figure)


def _parts(name: str) -> tuple[str, ...]:
    """Return the representations that a system describes a query by."""
    words = ("superpixel", "dense", "sift")
    base = name.split(",")[0]
    parts = [words if part.split("+")[0] == "words" else (part.split("+")[0],) for part in base.split(" & ")]
    return tuple(one for part in parts for one in part)


def heat_maps(pictures: Iterator[Picture]) -> bytes:
    """Draw where the points of each detector fall, over all pictures, with equal numbers of points."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("sift", "dense", "superpixel")}
    detectors = {name: getattr(bovw, name)(**EQUAL).detector for name in found}
    for picture in pictures:
        small, _ = picture.fit_within(320)
        size = np.array(small.shape, dtype=np.float64)
        each = {name: detector.detect(small.grey) for name, detector in detectors.items()}
        n = min(len(points) for points in each.values())
        for name, points in each.items():
            kept = points.strongest(n)
            found[name].append((np.column_stack([kept.rows, kept.cols]).astype(float) + 0.5) / size)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6))
    for axis, (name, parts) in zip(axes, found.items(), strict=True):
        places = np.concatenate(parts)
        axis.imshow(heat_map(places, (240, 240)))
        axis.set_title(f"{name}: {len(places):,} points")
        axis.set_axis_off()
    return png(figure)


def colour(name: str) -> str:
    """Return the colour of a system: by what it is made of."""
    fixed = {"random": "#999999", "thumbnail": "#bbbbbb", "colour": "#777777", "SqueezeNet GeM": "#9467bd"}
    if name in fixed:
        return fixed[name]
    if "+nca" in name:
        return "#8c564b"
    if "&" in name:
        return "#d62728" if "blind" in name else "#ff7f0e"
    if name.startswith("deep"):
        return "#2ca02c"
    return "#17becf" if name in ("vlad", "asmk") else "#1f77b4" if "words" in name else "#6baed6"
