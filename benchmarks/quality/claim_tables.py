"""Tables of ``benchmarks.quality.claim``: Markdown for the reader, CSV for the next program."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.statistics.paired_tests import Comparison

LEARNT = 32
"""Fewer descriptors a word than this, and a vocabulary cannot be said to be learnt."""
SURE = 0.05
CLAIMANT = "superpixel"

MEASURED = ("difference", "low", "high", "p", "adjusted")

Pairs = Mapping[tuple[Any, Any], Comparison]


@dataclass(frozen=True, eq=False)
class Section:
    """All that was measured on one set: cells by their keys, and comparisons of two keys each."""

    set: str
    n_pictures: int
    cells: Mapping[Any, Any]
    claims: Pairs
    varied: Mapping[Any, Any]
    ablated: Pairs

    @property
    def detectors(self) -> list[str]:
        """Return the rivals that were measured, and superpixels at the end."""
        found = {key[0] for key in self.cells}
        return [
            name for name in ("sift", "dense", "turned-dense", "grid-superpixel", CLAIMANT) if name in found
        ]

    @property
    def rivals(self) -> list[str]:
        """Return the detectors that superpixels are compared with."""
        return [name for name in self.detectors if name != CLAIMANT]

    def sizes(self) -> list[tuple[int, int]]:
        """Return words and points of all cells."""
        return sorted({(key[3], key[2]) for key in self.cells})

    def cell(self, detector: str, words: int, points: int) -> Any:
        """Return the cell of a detector, or None if it was not measured."""
        found = [c for k, c in self.cells.items() if (k[0], k[3], k[2]) == (detector, words, points)]
        return found[0] if found else None

    def claim(self, rival: str, words: int, points: int) -> Comparison | None:
        """Return how superpixels compare with a rival, or None."""
        for (mine, theirs), found in self.claims.items():
            if theirs[0] == rival and mine[2:] == (points, words):
                return found
        return None

    def is_learnt(self, words: int, points: int) -> bool:
        """Tell whether all detectors give enough descriptors for the words."""
        here = [cell for key, cell in self.cells.items() if key[2:] == (points, words)]
        return all(cell.per_word >= LEARNT for cell in here)

    def is_short(self, words: int, points: int) -> bool:
        """Tell whether some detector found clearly fewer points than wanted."""
        return any(cell.is_short for key, cell in self.cells.items() if key[2:] == (points, words))

    def is_sound(self, rival: str, words: int, points: int) -> bool:
        """Tell whether superpixels and a rival have their points, and enough of them for the words."""
        both = [self.cell(name, words, points) for name in (CLAIMANT, rival)]
        return all(cell.per_word >= LEARNT and not cell.is_short for cell in both)


def verdict(found: Comparison) -> str:
    """Return ``win``, ``tie`` or ``loss`` of the first, after the correction."""
    if found.adjusted >= SURE:
        return "tie"
    return "win" if found.difference > 0 else "loss"


def text(section: Section) -> str:
    """Return the tables of one set."""
    lines = [f"\n## {section.set}, {section.n_pictures} pictures\n", *_points(section), "", *_grid(section)]
    if section.varied:
        lines += ["", *_ablation(section), "", *_alike(section)]
    return "\n".join(lines)


def _points(section: Section) -> Iterator[str]:
    yield "Where the points fall: a picture's mean number of points (least), how evenly they are spread"
    yield "(1: perfectly), and the share on the foreground.\n"
    yield "| points wanted | detector | found (least) | evenness | on foreground | foreground's area |"
    yield "|--:|---|--:|--:|--:|--:|"
    seen = {(key[2], key[0]): cell.described for key, cell in section.cells.items()}
    for (points, detector), it in sorted(seen.items()):
        yield (
            f"| {points} | {detector} | {it.counts.mean():.1f} ({it.counts.min()}) | {it.evenness:.3f} "
            f"| {it.on_body:.1%} | {it.body:.1%} |"
        )


def _grid(section: Section) -> Iterator[str]:
    heads = [*section.detectors, *(f"− {rival} | p" for rival in section.rivals)]
    yield f"| words | points | a word | {' | '.join(heads)} |"
    yield f"|--:|--:|--:|{'--:|' * (len(section.detectors) + 2 * len(section.rivals))}"
    for words, points in section.sizes():
        cells = [section.cell(name, words, points) for name in section.detectors]
        marks = "" if section.is_learnt(words, points) else "†"
        marks += "‡" if section.is_short(words, points) else ""
        least = min(cell.per_word for cell in cells if cell)
        found = [section.claim(rival, words, points) for rival in section.rivals]
        yield (
            f"| {words:,} | {points}{marks} | {least:.0f} | {' | '.join(_value(cell) for cell in cells)} "
            f"| {' | '.join(_difference(each) for each in found)} |"
        )


def _value(cell: Any) -> str:
    return "—" if cell is None else f"{cell.mean_ap:.1f} ({cell.interval[0]:.1f}–{cell.interval[1]:.1f})"


def _difference(found: Comparison | None) -> str:
    if found is None:
        return "— | —"
    mark = {"win": "**", "loss": "**", "tie": ""}[verdict(found)]
    p = "< 0.001" if found.adjusted < 0.001 else f"{found.adjusted:.3f}"
    return f"{mark}{found.difference:+.1f}{mark} | {p}"


def _ablation(section: Section) -> Iterator[str]:
    yield "Scale × orientation × mask; `−` is the difference from the detector by default.\n"
    yield "| detector | scale | orientation | mask | found | mAP | − | p |"
    yield "|---|---|---|---|--:|--:|--:|--:|"
    for key, cell in section.varied.items():
        own = [c for (a, b), c in section.ablated.items() if a == key and b[0] == key[0]]
        difference = _difference(own[0]) if own else "default |"
        points = f"{cell.described.counts.mean():.0f}"
        yield f"| {key[0]} | {' | '.join(key[1])} | {points} | {_value(cell)} | {difference} |"


def _alike(section: Section) -> Iterator[str]:
    yield "Like with like: superpixels (scale from the area) with the orientation and mask of the rival.\n"
    yield "| orientation | mask | rival | superpixel − rival | 95 % interval | p |"
    yield "|---|---|---|--:|---|--:|"
    for (mine, theirs), found in section.ablated.items():
        if mine[0] != theirs[0]:
            difference, p = _difference(found).split(" | ")
            interval = f"{found.low:+.1f} to {found.high:+.1f}"
            yield f"| {mine[1][1]} | {mine[1][2]} | {theirs[0]} | {difference} | {interval} | {p} |"


def summary(sections: Sequence[Section]) -> str:
    """Count wins, ties and losses of superpixels over all sets, after the correction."""
    lines = ["\n## Summary: wins / ties / losses of superpixel points\n"]
    lines += ["| set | against | learnt cells | mean difference | marked cells | mean difference |"]
    lines += ["|---|---|--:|--:|--:|--:|"]
    for section in sections:
        for rival in section.rivals:
            kinds: dict[bool, list[Comparison]] = {True: [], False: []}
            for words, points in section.sizes():
                if found := section.claim(rival, words, points):
                    kinds[section.is_sound(rival, words, points)].append(found)
            lines.append(f"| {section.set} | {rival} | {_counted(kinds[True])} | {_counted(kinds[False])} |")
    lines += ["\nEach detector at its own best cell, and the mean over the cells that all have:\n"]
    lines += ["| set | detector | best mAP | words | points | mean mAP |", "|---|---|--:|--:|--:|--:|"]
    return "\n".join([*lines, *(line for section in sections for line in _best(section))])


def _counted(found: Sequence[Comparison]) -> str:
    counts = Counter(verdict(each) for each in found)
    mean = f"{np.mean([each.difference for each in found]):+.1f}" if found else "—"
    return f"{counts['win']} / {counts['tie']} / {counts['loss']} | {mean}"


def _best(section: Section) -> Iterator[str]:
    for detector in section.detectors:
        own = [cell for key, cell in section.cells.items() if key[0] == detector]
        shared = [c for c in own if all(section.cell(d, c.key[3], c.key[2]) for d in section.rivals)]
        best = max(own, key=lambda cell: float(cell.mean_ap))
        mean = np.mean([cell.mean_ap for cell in shared])
        yield (
            f"| {section.set} | {detector} | {_value(best)} | {best.key[3]:,} | {best.key[2]} | {mean:.1f} |"
        )


def write_csv(sections: Sequence[Section], folder: Path) -> None:
    """Write ``cells.csv`` and ``comparisons.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    named = ("detector", "scale", "orientation", "mask", "points", "words")
    with (folder / "cells.csv").open("w", newline="") as file:
        out = csv.writer(file)
        head = ("set", *named, "found", "least", "per_word", "map", "low", "high", "p1", "seconds")
        out.writerow(head)
        for section in sections:
            for cell in (*section.cells.values(), *section.varied.values()):
                counts = cell.described.counts
                values = (counts.mean(), counts.min(), cell.per_word, cell.mean_ap, *cell.interval)
                row = (*values, 100 * np.nanmean(cell.first), cell.seconds)
                out.writerow([section.set, *_flat(cell.key), *(f"{value:.2f}" for value in row)])
    with (folder / "comparisons.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["set", "part", *named, *(f"other_{n}" for n in named), *MEASURED])
        for section in sections:
            for part, pairs in (("claim", section.claims), ("ablation", section.ablated)):
                for (one, other), found in pairs.items():
                    values = [getattr(found, name) for name in MEASURED]
                    row = [f"{value:.4f}" for value in values]
                    out.writerow([section.set, part, *_flat(one), *_flat(other), *row])


def _flat(key: Any) -> list[Any]:
    return [key[0], *key[1], *key[2:]]
