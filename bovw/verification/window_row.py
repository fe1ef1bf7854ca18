"""A row of windows: one window slides along the points between two rows of an image, and is compared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class WordKind(NamedTuple):
    """One kind of words, shape or tone, as the kernels take it.

    Parameters
    ----------
    products : float64 (size,), value times weight of each word: what its root of the count adds to ⟨x, y⟩.
    squares : float64 (size,), the squared weight: what each of its points adds to ⟨y, y⟩.
    share : of this kind in the similarity, in [0, 1].
    least : the least ⟨y, y⟩ that is divided by.
    words : int64 (m,), of the points of all images, one image after the other.
    counts : int64 (size,), the points of each word in the present window; all 0 between windows' rows.
    """

    products: Floats
    squares: Floats
    share: float
    least: float
    words: Ints
    counts: Ints


class Points(NamedTuple):
    """Points of one image, sorted by column: places float64 (n,), and the word of each and its product, (n,).

    Of one kind of words those alone that the region has too: no others add to ⟨x, y⟩.
    """

    rows: Floats
    cols: Floats
    words: Ints
    products: Floats


class Sums(NamedTuple):
    """The points of one image between two rows, sorted by column, float64 (n + 1,): where they are, and sums.

    ``shape`` and ``tone`` are ⟨y, y⟩ of all before each: two of them tell that of any window.
    """

    cols: Floats
    shape: Floats
    tone: Floats


class Row(NamedTuple):
    """A row of windows of one size: their width, the image's number of columns, and how many they are."""

    width: float
    n_cols: int
    n_windows: int


@kernel()
def slide(
    shape: WordKind,
    tone: WordKind,
    sums: Sums,
    n: int,
    room: tuple[Points, Points, Points, Points],
    n_shared: tuple[int, int],
    row: Row,
    roots: Floats,
) -> tuple[float, int]:
    """Slide a window along a band of points, sorted by column; return the best score, and which it was.

    With c_w the count of word w in the window, ⟨x, y⟩ = Σ_w x_w s_w √c_w and ⟨y, y⟩ = Σ_w s_w² c_w. Each
    point that comes or goes changes one term of each, so that a row of windows costs two steps a point,
    however many windows there are.
    """
    best, best_along, head, tail = 0.0, 0, 0, 0
    (_, _, of_shape, of_tone), ours, tones = room, (0.0, 0, 0), (0.0, 0, 0)
    for along in range(row.n_windows):
        left = (row.n_cols - row.width) * along / max(row.n_windows - 1, 1) - 0.5
        while head < n and sums.cols[head] < left + row.width:
            head += 1
        while tail < head and sums.cols[tail] < left:
            tail += 1
        ours = _move(shape.counts, of_shape, n_shared[0], (left, left + row.width), ours, roots)
        tones = _move(tone.counts, of_tone, n_shared[1], (left, left + row.width), tones, roots)
        if tail < head:
            shape_square, tone_square = sums.shape[head] - sums.shape[tail], sums.tone[head] - sums.tone[tail]
            score = shape.share * ours[0] / np.sqrt(max(shape_square, shape.least))
            score += tone.share * tones[0] / np.sqrt(max(tone_square, tone.least))
            if score > best + 1e-9:  # sums that grow and shrink keep some rounding: no window wins by that
                best, best_along = score, along
    for k in range(ours[2], ours[1]):
        shape.counts[of_shape.words[k]] = 0
    for k in range(tones[2], tones[1]):
        tone.counts[of_tone.words[k]] = 0
    return best, best_along


@kernel()
def _move(
    counts: Ints,
    band: Points,
    n: int,
    span: tuple[float, float],
    before: tuple[float, int, int],
    roots: Floats,
) -> tuple[float, int, int]:
    """Move the window to other columns: return ⟨x, y⟩, the first point behind it, and the first in it."""
    dot, head, tail = before
    # Points enter on the right before others leave on the left: so no count falls below 0.
    while head < n and band.cols[head] < span[1]:
        word = band.words[head]
        counts[word] += 1
        dot += band.products[head] * (roots[counts[word]] - roots[counts[word] - 1])
        head += 1
    while tail < head and band.cols[tail] < span[0]:
        word = band.words[tail]
        dot -= band.products[tail] * (roots[counts[word]] - roots[counts[word] - 1])
        counts[word] -= 1
        tail += 1
    return dot, head, tail
