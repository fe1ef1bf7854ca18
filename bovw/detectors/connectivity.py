"""Connectivity: labels become connected regions, and the small ones go to the neighbour most like them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

Ints = NDArray[np.int64]


class Runs(NamedTuple):
    """The rows of an image (rows, cols), cut into runs of one label, row by row.

    Parameters
    ----------
    starts : int64 (n,), the first column of each run.
    names : int32 (n,), its label.
    first : int64 (rows + 1,), the first run of each row.
    """

    starts: Ints
    names: NDArray[np.int32]
    first: Ints


class Regions(NamedTuple):
    """Regions as sets of runs, each known by one of them, its root (union-find).

    Parameters
    ----------
    roots : int64 (n,), for each run one nearer to the root of its region; a root has itself.
    areas : int64 (n,), the pixels of the region of each root.
    sums : float64 (n,), the sum of their grey values.
    """

    roots: Ints
    areas: Ints
    sums: NDArray[np.float64]


@kernel()
def connect(image: NDArray[np.float32], labels: NDArray[np.int32], smallest: float) -> int:
    """Renumber ``labels`` (rows, cols) in place so that each region is 4-connected; return their number n.

    A connected piece of fewer than ``smallest`` pixels goes to the adjacent region of the nearest mean value
    of ``image`` (rows, cols); one without any neighbour remains. -1 stays -1. Regions are numbered 0 to n − 1
    in the order of their first pixels.
    """
    # All but the reading and the painting works on runs: there are several times fewer of them than pixels.
    runs = _runs(labels)
    upper, lower = _contacts(runs, labels.shape[1])
    roots = np.arange(len(runs.names))
    for i in range(len(upper)):
        if runs.names[upper[i]] == runs.names[lower[i]]:
            _unite(roots, upper[i], lower[i])
    regions = _measure(image, runs, roots)
    partner = np.full(len(runs.names), -1, dtype=np.int64)
    # Every round joins each small region with one neighbour, so that a few rounds are enough.
    n_contacts = len(upper)
    while n_contacts > 0:
        n_contacts = _absorb(upper, lower, n_contacts, regions, partner, smallest)
    return int(_paint(labels, runs, roots))


@kernel()
def _runs(labels: NDArray[np.int32]) -> Runs:
    """Cut the rows of labels (rows, cols) into runs."""
    # Counted first, so that the arrays have their right size at once.
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
    return Runs(starts, names, first)


@kernel()
def _contacts(runs: Runs, cols: int) -> tuple[Ints, Ints]:
    """List the pairs of runs inside the mask that touch, side by side or one above the other."""
    starts, names, first = runs
    # A run touches at most one to its left. Of two rows one above the other fewer pairs touch than they have
    # runs together, since each step along them ends one of the two: at most three contacts a run in all.
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
                # A run above that reaches beyond this one touches the next one too.
                if above_end > end:
                    break
                above += 1
                if above_end == end:
                    break
    return upper[:n], lower[:n]


@kernel()
def _root(roots: Ints, i: int) -> int:
    """Find the first run of the region of run ``i``, and shorten the way to it."""
    # Path halving (Tarjan and van Leeuwen 1984): every other run on the way gets its grandparent.
    while roots[i] != i:
        roots[i] = roots[roots[i]]
        i = roots[i]
    return i


@kernel()
def _unite(roots: Ints, i: int, j: int) -> tuple[int, int]:
    """Join the regions of two runs; return the root that remains and the one that was given up."""
    # The earlier run remains the root, so that the root of a region holds its first pixel.
    i, j = _root(roots, i), _root(roots, j)
    kept, lost = min(i, j), max(i, j)
    roots[lost] = kept
    return kept, lost


@kernel()
def _measure(image: NDArray[np.float32], runs: Runs, roots: Ints) -> Regions:
    """Add up the area and the grey values of each region, kept at its root."""
    starts, names, first = runs
    areas, sums = np.zeros(len(names), dtype=np.int64), np.zeros(len(names))
    for r in range(len(first) - 1):
        for i in range(first[r], first[r + 1]):
            root = _root(roots, i)
            end = starts[i + 1] if i + 1 < first[r + 1] else image.shape[1]
            areas[root] += end - starts[i]
            for c in range(starts[i], end):
                sums[root] += image[r, c]
    return Regions(roots, areas, sums)


@kernel()
def _absorb(upper: Ints, lower: Ints, n: int, regions: Regions, partner: Ints, smallest: float) -> int:
    """Join each region below ``smallest`` with the neighbour nearest in grey.

    Of the first n contacts only those between two regions, one of them small, are kept, in place; return
    their number. ``partner`` is -1 everywhere before and after.
    """
    roots, areas, sums = regions
    # First all choose by the means as they are, then all are joined: the result does not depend on the order.
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
def _paint(labels: NDArray[np.int32], runs: Runs, roots: Ints) -> int:
    """Write the number of its region into every pixel, regions in the order of their first runs."""
    starts, names, first = runs
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
