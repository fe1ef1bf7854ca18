"""Plots of ``benchmarks.quality.claim``: mAP against the number of points, and where the points fall."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.quality.claim_tables import Section

COLOURS = {
    "sift": "#0072b2",
    "dense": "#e69f00",
    "turned-dense": "#cc79a7",
    "grid-superpixel": "#56b4e9",
    "superpixel": "#009e73",
}


def draw(section: Section, folder: Path) -> None:
    """Write ``SET-map.png`` and ``SET-points.png`` of one set; say so where matplotlib is missing."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        print("no plots: they need matplotlib; pip install matplotlib")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, paint in (("map", _curves), ("points", _heat)):
        figure = Figure(dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        paint(figure, section)
        figure.savefig(folder / f"{section.set}-{name}.png")


def _curves(figure: Any, section: Section) -> None:
    vocabularies = sorted({words for words, _ in section.sizes()})
    figure.set_size_inches(3.4 * len(vocabularies), 3.4)
    figure.suptitle(f"{section.set}: mAP in percent, 95 % intervals; hollow: words not learnt")
    axes = figure.subplots(1, len(vocabularies), sharey=True, squeeze=False)[0]
    for axis, words in zip(axes, vocabularies, strict=True):
        budgets = [points for size, points in section.sizes() if size == words]
        for i, detector in enumerate(section.detectors):
            _curve(axis, section, detector, words, budgets, 1.03 ** (i - 1))
        axis.set_title(f"{words:,} words")
        axis.set_xscale("log", base=2)
        axis.set_xticks(budgets, [str(points) for points in budgets])
        axis.minorticks_off()
        axis.set_xlabel("points")
        axis.grid(alpha=0.3)
    axes[0].legend()


def _curve(axis: Any, section: Section, detector: str, words: int, budgets: list[int], shift: float) -> None:
    here = [(points, section.cell(detector, words, points)) for points in budgets]
    found = [(points, cell) for points, cell in here if cell is not None]
    if not found:
        return
    x = np.array([points for points, _ in found]) * shift
    means = np.array([cell.mean_ap for _, cell in found])
    lows, highs = np.array([cell.interval for _, cell in found]).T
    colour = COLOURS[detector]
    axis.errorbar(x, means, [means - lows, highs - means], color=colour, capsize=2, label=detector)
    filled = [colour if section.is_learnt(words, points) else "white" for points, _ in found]
    axis.scatter(x, means, c=filled, edgecolors=colour, zorder=3, s=24)


def _heat(figure: Any, section: Section) -> None:
    seen = {(key[0], key[2]): cell.described for key, cell in section.cells.items()}
    budgets = sorted({points for _, points in seen})
    figure.set_size_inches(2.4 * len(budgets) + 0.8, 2.4 * len(section.detectors) + 0.2)
    figure.suptitle(f"{section.set}: density of points, averaged over the pictures; 1 is even")
    axes = figure.subplots(len(section.detectors), len(budgets), squeeze=False)
    for row, detector in zip(axes, section.detectors, strict=True):
        for axis, points in zip(row, budgets, strict=True):
            it = seen[detector, points]
            smooth = cv2.GaussianBlur(it.heat, (0, 0), 1.0)
            image = axis.imshow(smooth, cmap="magma", vmin=0, vmax=3)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(f"{detector}, {it.counts.mean():.0f} points", fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.6)
