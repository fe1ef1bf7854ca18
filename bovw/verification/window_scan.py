"""Scanning images by windows: the kernels behind ``sliding_window``, which visit each point twice a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retrieval.kernel import kernel

from .window_row import Floats, Ints, Points, Row, Sums, WordKind, slide

STEPS = 5
"""Windows of one size are a fifth of it apart."""
_MOST = 48
"""Maximum number of windows of one size along each axis."""


class Squares(NamedTuple):
    """The points of one image, sorted by column, float64 (n,): places, and what each adds to ⟨y, y⟩."""

    rows: Floats
    cols: Floats
    shape: Floats
    tone: Floats


@kernel()
def scan(
    shape: WordKind,
    tone: WordKind,
    places: Floats,
    offsets: Ints,
    sizes: Ints,
    windows: Floats,
    boxes: Floats,
    similarity: Floats,
) -> None:
    """Fill in the boxes (n, 4) and similarities (n,) of n images; ``windows`` is (n_sizes, 2)."""
    # √0, √1, … of all counts that there can be: a root at every step would cost more than all the rest.
    most = np.diff(offsets).max() + 1
    roots = np.sqrt(np.arange(most + 1))
    room = _points(most), _points(most), _points(most), _points(most)
    squares = Squares(np.empty(most), np.empty(most), np.empty(most), np.empty(most))
    sums = Sums(np.empty(most), np.zeros(most + 1), np.zeros(most + 1))
    for i in range(len(sizes)):
        # Points sorted by column once: a window that moves right then meets and leaves them in order.
        by_col = _by_column(places, offsets[i], offsets[i + 1], sizes[i, 1])
        n = _look_up(shape, tone, places, by_col, squares)
        n_shape, n_tone = _share(shape, places, by_col, room[0]), _share(tone, places, by_col, room[1])
        for size in range(len(windows)):
            height, width = min(windows[size, 0], sizes[i, 0]), min(windows[size, 1], sizes[i, 1])
            n_rows, n_windows = _steps(height, sizes[i, 0]), _steps(width, sizes[i, 1])
            row = Row(width, sizes[i, 1], n_windows)
            for down in range(n_rows):
                # From one border to the other in equal steps. Points are measured from the centre of the
                # first pixel and windows from its corner, half a pixel before.
                top = (sizes[i, 0] - height) * down / max(n_rows - 1, 1)
                span = (top - 0.5, top + height - 0.5)
                found = _sum_up(squares, n, span, sums)
                of_shape = _band(room[0], n_shape, span, room[2])
                of_tone = _band(room[1], n_tone, span, room[3])
                score, along = slide(shape, tone, sums, found, room, (of_shape, of_tone), row, roots)
                if score > similarity[i]:
                    similarity[i] = score
                    left = (sizes[i, 1] - width) * along / max(n_windows - 1, 1)
                    boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = top, left, height, width


@kernel()
def _by_column(places: Floats, first: int, last: int, n_cols: int) -> Ints:
    """Return the points from ``first`` to ``last``, sorted by column; those of one column in their order."""
    # By whole columns first, which takes one step a point; then neighbours change places.
    starts = np.zeros(n_cols + 1, np.int64)
    for k in range(first, last):
        starts[min(max(int(places[k, 1]), 0), n_cols - 1) + 1] += 1
    for col in range(n_cols):
        starts[col + 1] += starts[col]
    order = np.empty(last - first, np.int64)
    for k in range(first, last):
        col = min(max(int(places[k, 1]), 0), n_cols - 1)
        order[starts[col]] = k
        starts[col] += 1
    for i in range(1, len(order)):
        k, j = order[i], i
        while j > 0 and places[order[j - 1], 1] > places[k, 1]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = k
    return order


@kernel()
def _look_up(shape: WordKind, tone: WordKind, places: Floats, chosen: Ints, squares: Squares) -> int:
    """Write where some points are and what they add to ⟨y, y⟩; return how many they are."""
    # Side by side: each of them is met by dozens of windows.
    for n in range(len(chosen)):
        k = chosen[n]
        squares.rows[n], squares.cols[n] = places[k, 0], places[k, 1]
        squares.shape[n], squares.tone[n] = shape.squares[shape.words[k]], tone.squares[tone.words[k]]
    return len(chosen)


@kernel()
def _points(n: int) -> Points:
    """Return room for n points."""
    return Points(np.empty(n), np.empty(n), np.empty(n, np.int64), np.empty(n))


@kernel()
def _share(kind: WordKind, places: Floats, chosen: Ints, points: Points) -> int:
    """Write those points whose words the region has, and return how many they are."""
    n = 0
    for k in chosen:
        word = kind.words[k]
        if kind.products[word] != 0:
            points.rows[n], points.cols[n] = places[k, 0], places[k, 1]
            points.words[n], points.products[n] = word, kind.products[word]
            n += 1
    return n


@kernel()
def _steps(side: float, length: int) -> int:
    """Return how many windows of a side there are along an axis."""
    return min(_MOST, int(np.ceil((length - side) / side * STEPS)) + 1)


@kernel()
def _sum_up(squares: Squares, n_points: int, span: tuple[float, float], sums: Sums) -> int:
    """Add up the points between two rows; return how many they are."""
    n = 0
    for k in range(n_points):
        # Written first and counted afterwards: a branch is guessed wrong every other time.
        sums.cols[n] = squares.cols[k]
        sums.shape[n + 1] = sums.shape[n] + squares.shape[k]
        sums.tone[n + 1] = sums.tone[n] + squares.tone[k]
        n += (span[0] <= squares.rows[k]) & (squares.rows[k] < span[1])
    return n


@kernel()
def _band(points: Points, n_points: int, span: tuple[float, float], band: Points) -> int:
    """Write those of some points that are between two rows, in their order; return how many they are."""
    n = 0
    for k in range(n_points):
        band.cols[n], band.words[n], band.products[n] = points.cols[k], points.words[k], points.products[k]
        n += (span[0] <= points.rows[k]) & (points.rows[k] < span[1])
    return n
