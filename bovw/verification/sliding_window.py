"""Sliding windows: which part of an image has words most like those of a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FACTORS = (0.71, 1.0, 1.41)
"""Sizes of windows, as multiples of the region's."""
STEPS = 5
"""Windows of one size are a fifth of it apart."""
LEAST = 0.75
"""A window with less than this share of the region's squared length is no more like it for being small."""
_MOST = 48
"""Maximum number of windows of one size along each axis."""


@dataclass(frozen=True, eq=False)
class Profile:
    """What a region's words are: its bag, and what each word counts for in the bags of windows.

    Parameters
    ----------
    values : float64 (size,), the bag √(count) · weight, of unit length.
    weights : float64 (size,).
    square : the squared length that the bag had.
    """

    values: Floats
    weights: Floats
    square: float

    @classmethod
    def of(cls, words: Ints, weights: Floats) -> Profile:
        """Make the profile of a region's words, int (n,)."""
        values = np.sqrt(np.bincount(words, minlength=len(weights))) * weights
        square = float(values @ values)
        return cls(values / max(square**0.5, 1e-12), weights, square)


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


class Row(NamedTuple):
    """A row of windows of one size: their width, the image's number of columns, and how many they are."""

    width: float
    n_cols: int
    n_windows: int


def rarity(words: Ints, size: int) -> Floats:
    """Return what each word counts for, float64 (size,): ln((N + 1) / (n_w + ½)) of N points, n_w of them w.

    Unlike the weight by document frequency it tells apart words that every image has somewhere.
    """
    counts = np.bincount(words, minlength=size)
    return np.asarray(np.log((len(words) + 1) / (counts + 0.5)))


def best_windows(
    profiles: tuple[Profile, ...],
    shares: tuple[float, ...],
    words: tuple[Ints, ...],
    places: Floats,
    offsets: Ints,
    sizes: Ints,
    height: float,
    width: float,
) -> tuple[Floats, Floats]:
    """Find in each of n images the window whose words are most like a region's.

    The similarity is the cosine between the bags, summed over kinds of words (shape, tone) by their shares;
    but the bag of a window counts as no shorter than ``LEAST`` says, so that a part of a thing does not beat
    all of it.

    Parameters
    ----------
    profiles, shares, words : one of each for one or two kinds of words; the words are int64 (m,), of the
        points of all images, one image after the other.
    places : float64 (m, ≥ 2), row and col of each point.
    offsets, sizes : int64 (n + 1,) and (n, 2), see ``Candidates``.
    height, width : of the region.

    Returns
    -------
    boxes : float64 (n, 4): row, col, height, width; NaN if no window shares a word with the region.
    similarity : float64 (n,), in [0, 1].
    """
    n = len(offsets) - 1
    boxes, similarity = np.full((n, 4), np.nan), np.zeros(n)
    kinds = [
        _kind(profile, share, of_kind, len(places))
        for profile, share, of_kind in zip(profiles, shares, words, strict=True)
    ]
    # The kernel always takes two kinds; without tone the second is the first again, with no share.
    tone = kinds[1] if len(kinds) > 1 else _kind(profiles[0], 0.0, words[0], len(places))
    windows = np.array([(height * f, width * f) for f in FACTORS])
    offsets, sizes = np.asarray(offsets, np.int64), np.asarray(sizes, np.int64)
    _best_windows(kinds[0], tone, places, offsets, sizes, windows, boxes, similarity)
    return boxes, similarity


def _kind(profile: Profile, share: float, words: Ints, n_points: int) -> WordKind:
    """Make the kernels' view of one kind of words."""
    # Kernels do not check their indices: what does not fit would read or write anywhere.
    assert len(profile.values) == len(profile.weights)
    assert 0 <= share <= 1
    assert len(words) == n_points
    products, squares = profile.values * profile.weights, profile.weights * profile.weights
    least, counts = LEAST * max(profile.square, 1e-9), np.zeros(len(profile.values), np.int64)
    return WordKind(products, squares, float(share), least, words, counts)


@kernel()
def _best_windows(
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
    roots = np.sqrt(np.arange(np.diff(offsets).max() + 2))
    for i in range(len(sizes)):
        first, last = offsets[i], offsets[i + 1]
        # Points sorted by column once: a window that moves right then meets and leaves them in order.
        by_col = first + np.argsort(places[first:last, 1], kind="mergesort")
        for size in range(len(windows)):
            height, width = min(windows[size, 0], sizes[i, 0]), min(windows[size, 1], sizes[i, 1])
            n_rows, n_windows = _steps(height, sizes[i, 0]), _steps(width, sizes[i, 1])
            row = Row(width, sizes[i, 1], n_windows)
            for down in range(n_rows):
                # From one border to the other in equal steps. Points are measured from the centre of the
                # first pixel and windows from its corner, half a pixel before.
                top = (sizes[i, 0] - height) * down / max(n_rows - 1, 1)
                band = _band(by_col, places, top - 0.5, top + height - 0.5)
                score, along = _slide(shape, tone, band, places, row, roots)
                if score > similarity[i]:
                    similarity[i] = score
                    left = (sizes[i, 1] - width) * along / max(n_windows - 1, 1)
                    boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = top, left, height, width


@kernel()
def _steps(side: float, length: int) -> int:
    """Return how many windows of a side there are along an axis."""
    return min(_MOST, int(np.ceil((length - side) / side * STEPS)) + 1)


@kernel()
def _band(by_col: Ints, places: Floats, top: float, bottom: float) -> Ints:
    """Return those of some points that are between two rows, in their order."""
    band = np.empty(len(by_col), np.int64)
    n = 0
    for k in by_col:
        if top <= places[k, 0] < bottom:
            band[n] = k
            n += 1
    return band[:n]


@kernel()
def _slide(
    shape: WordKind, tone: WordKind, band: Ints, places: Floats, row: Row, roots: Floats
) -> tuple[float, int]:
    """Slide a window along a band of points, sorted by column; return the best score, and which it was.

    With c_w the count of word w in the window, ⟨x, y⟩ = Σ_w x_w s_w √c_w and ⟨y, y⟩ = Σ_w s_w² c_w. Each
    point that comes or goes changes one term of each, so that a row of windows costs two steps a point,
    however many windows there are.
    """
    best, best_along, head, tail = 0.0, 0, 0, 0
    shape_dot = shape_square = tone_dot = tone_square = 0.0
    for along in range(row.n_windows):
        left = (row.n_cols - row.width) * along / max(row.n_windows - 1, 1) - 0.5
        # The window holds band[tail:head]. Points enter on the right before others leave on the left: so no
        # count falls below 0.
        while head < len(band) and places[band[head], 1] < left + row.width:
            s, t = shape.words[band[head]], tone.words[band[head]]
            shape_dot += shape.products[s] * (roots[shape.counts[s] + 1] - roots[shape.counts[s]])
            shape_square += shape.squares[s]
            shape.counts[s] += 1
            tone_dot += tone.products[t] * (roots[tone.counts[t] + 1] - roots[tone.counts[t]])
            tone_square += tone.squares[t]
            tone.counts[t] += 1
            head += 1
        while tail < head and places[band[tail], 1] < left:
            s, t = shape.words[band[tail]], tone.words[band[tail]]
            shape.counts[s] -= 1
            shape_dot -= shape.products[s] * (roots[shape.counts[s] + 1] - roots[shape.counts[s]])
            shape_square -= shape.squares[s]
            tone.counts[t] -= 1
            tone_dot -= tone.products[t] * (roots[tone.counts[t] + 1] - roots[tone.counts[t]])
            tone_square -= tone.squares[t]
            tail += 1
        if tail < head:
            score = shape.share * shape_dot / np.sqrt(max(shape_square, shape.least))
            score += tone.share * tone_dot / np.sqrt(max(tone_square, tone.least))
            if score > best + 1e-9:  # sums that grow and shrink keep some rounding: no window wins by that
                best, best_along = score, along
    for k in range(tail, head):
        shape.counts[shape.words[band[k]]] -= 1
        tone.counts[tone.words[band[k]]] -= 1
    return best, best_along
