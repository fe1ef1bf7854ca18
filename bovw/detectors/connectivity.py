"""Connectivity: labels become connected regions, and the small ones go to the neighbour most like them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

Ints = NDArray[np.int64]


@kernel()
def connect(image: NDArray[np.float32], labels: NDArray[np.int32], smallest: float) -> int:
    """Renumber ``labels`` (rows, cols) in place so that each region is 4-connected; return their number n.

    A connected piece of fewer than ``smallest`` pixels goes to the adjacent region of the nearest mean value
    of ``image`` (rows, cols); one without any neighbour remains. -1 stays -1. Regions are numbered 0 to n − 1
    in the order of their first pixels.
    """
    starts, names, first = _runs(labels)
    upper, lower = _contacts(starts, names, first, labels.shape[1])
    roots = np.arange(len(names))
    for i in range(len(upper)):
        if names[upper[i]] == names[lower[i]]:
            _unite(roots, upper[i], lower[i])
    areas, sums = _measure(image, labels, starts, names, first, roots)
    partner = np.full(len(names), -1, dtype=np.int64)
    n_contacts = len(upper)
    while n_contacts > 0:
        n_contacts = _absorb(upper, lower, n_contacts, roots, areas, sums, partner, smallest)
    return int(_paint(labels, starts, names, first, roots))


@kernel()
def _runs(labels: NDArray[np.int32]) -> tuple[Ints, NDArray[np.int32], Ints]:
    """Cut the rows into runs of one label: their start columns, labels, and the first run of each row."""
    rows, cols = labels.shape
    n = rows
    for r in range(rows):
        for c in range(1, cols):
            n += labels[r, c] != labels[r, c - 1]
    starts, names = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int32)
    first = np.empty(rows + 1, dtype=np.int64)
    n = 0
    for r in range(rows):
        first[r] = n
        for c in range(cols):
            if c == 0 or labels[r, c] != labels[r, c - 1]:
                starts[n], names[n] = c, labels[r, c]
                n += 1
    first[rows] = n
    return starts, names, first


@kernel()
def _contacts(starts: Ints, names: NDArray[np.int32], first: Ints, cols: int) -> tuple[Ints, Ints]:
    """List the pairs of runs inside the mask that touch, side by side or one above the other."""
    upper, lower = np.empty(3 * len(names), dtype=np.int64), np.empty(3 * len(names), dtype=np.int64)
    n = 0
    for r in range(len(first) - 1):
        above = first[r - 1] if r > 0 else first[r]
        for i in range(first[r], first[r + 1]):
            if i > first[r] and names[i] >= 0 and names[i - 1] >= 0:
                upper[n], lower[n] = i - 1, i
                n += 1
            end = starts[i + 1] if i + 1 < first[r + 1] else cols
            while above < first[r]:
                if names[i] >= 0 and names[above] >= 0:
                    upper[n], lower[n] = above, i
                    n += 1
                above_end = starts[above + 1] if above + 1 < first[r] else cols
                if above_end > end:
                    break
                above += 1
                if above_end == end:
                    break
    return upper[:n], lower[:n]


@kernel()
def _root(roots: Ints, i: int) -> int:
    """Find the first run of the region of run ``i``, and shorten the way to it."""
    while roots[i] != i:
        roots[i] = roots[roots[i]]
        i = roots[i]
    return i


@kernel()
def _unite(roots: Ints, i: int, j: int) -> tuple[int, int]:
    """Join the regions of two runs; return the root that remains and the one that was given up."""
    i, j = _root(roots, i), _root(roots, j)
    kept, lost = min(i, j), max(i, j)
    roots[lost] = kept
    return kept, lost


@kernel()
def _measure(
    image: NDArray[np.float32],
    labels: NDArray[np.int32],
    starts: Ints,
    names: NDArray[np.int32],
    first: Ints,
    roots: Ints,
) -> tuple[Ints, NDArray[np.float64]]:
    """Return the area and the sum of the grey values of each region, kept at its root."""
    areas, sums = np.zeros(len(names), dtype=np.int64), np.zeros(len(names))
    for r in range(len(first) - 1):
        for i in range(first[r], first[r + 1]):
            root = _root(roots, i)
            end = starts[i + 1] if i + 1 < first[r + 1] else labels.shape[1]
            areas[root] += end - starts[i]
            for c in range(starts[i], end):
                sums[root] += image[r, c]
    return areas, sums


@kernel()
def _absorb(
    upper: Ints,
    lower: Ints,
    n: int,
    roots: Ints,
    areas: Ints,
    sums: NDArray[np.float64],
    partner: Ints,
    smallest: float,
) -> int:
    """Join each region below ``smallest`` with the neighbour nearest in grey.

    Of the first n contacts only those between two regions, one of them small, are kept, in place; return
    their number. ``partner`` is -1 everywhere before and after.
    """
    left = 0
    for i in range(n):
        a, b = _root(roots, upper[i]), _root(roots, lower[i])
        if a != b and min(areas[a], areas[b]) < smallest:
            upper[left], lower[left] = a, b
            left += 1
            for here, there in ((a, b), (b, a)):
                if areas[here] < smallest and (
                    partner[here] < 0
                    or _gap(here, there, areas, sums) < _gap(here, partner[here], areas, sums)
                ):
                    partner[here] = there
    for i in range(left):
        for here in (upper[i], lower[i]):
            there, partner[here] = partner[here], -1
            if there >= 0 and _root(roots, here) != _root(roots, there):
                kept, lost = _unite(roots, here, there)
                areas[kept] += areas[lost]
                sums[kept] += sums[lost]
    return left


@kernel()
def _gap(i: int, j: int, areas: Ints, sums: NDArray[np.float64]) -> float:
    """Return the difference of the mean grey values of two regions."""
    return float(abs(sums[i] / areas[i] - sums[j] / areas[j]))


@kernel()
def _paint(
    labels: NDArray[np.int32], starts: Ints, names: NDArray[np.int32], first: Ints, roots: Ints
) -> int:
    """Write the number of its region into every pixel, regions in the order of their first runs."""
    numbers = np.full(len(names), -1, dtype=np.int32)
    n = 0
    for r in range(len(first) - 1):
        for i in range(first[r], first[r + 1]):
            if names[i] < 0:
                continue
            root = _root(roots, i)
            if numbers[root] < 0:
                numbers[root] = n
                n += 1
            end = starts[i + 1] if i + 1 < first[r + 1] else labels.shape[1]
            for c in range(starts[i], end):
                labels[r, c] = numbers[root]
    return n
