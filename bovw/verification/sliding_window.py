"""Windows: which part of a picture has words most like those of a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FACTORS = (0.71, 1.0, 1.41)
"""Windows are so many times the size of the region."""
STEPS = 5
"""Windows of one size lie a fifth of it apart."""
LEAST = 0.75
"""A window with less than this share of the region's squared length is no more like it for being small."""
_MOST = 48
"""So many windows of one size along each axis at most."""


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


def rarity(words: Ints, size: int) -> Floats:
    """Return what each word counts for, float64 (size,): ln((N + 1) / (n_w + ½)) of N points, n_w of them w.

    Unlike the weight by document frequency it tells apart words that every picture has somewhere.
    """
    counts = np.bincount(words, minlength=size)
    return np.asarray(np.log((len(words) + 1) / (counts + 0.5)))


def best_windows(
    profiles: tuple[Profile, ...],
    shares: tuple[float, ...],
    words: tuple[Ints, ...],
    places: Floats,
    offsets: Ints,
    shapes: Ints,
    height: float,
    width: float,
) -> tuple[Floats, Floats]:
    """Find in each of n pictures the window whose words are most like a region's.

    The likeness is the cosine between the bags, summed over kinds of words (shape, tone) by their shares; but
    the bag of a window counts as no shorter than ``LEAST`` says, so that a part of a thing does not beat all
    of it.

    Parameters
    ----------
    words : one int64 (m,) a kind, of the points of all pictures, one picture after the other.
    places : float64 (m, ≥ 2), row and col of each.
    offsets, shapes : int64 (n + 1,) and (n, 2), see ``Candidates``.
    height, width : of the region.

    Returns
    -------
    boxes : float64 (n, 4): row, col, height, width; NaN where no window shares a word with the region.
    likeness : float64 (n,), in [0, 1].
    """
    n = len(offsets) - 1
    boxes, likeness = np.full((n, 4), np.nan), np.zeros(n)
    for profile, share, of_kind in zip(profiles, shares, words, strict=True):
        assert len(profile.values) == len(profile.weights)
        assert 0 <= share <= 1
        assert len(of_kind) == len(places)
    tone = len(profiles) - 1
    squares = np.array([profiles[0].square, profiles[tone].square])
    _best_windows(
        profiles[0].values, profiles[0].weights, shares[0], words[0],
        profiles[tone].values, profiles[tone].weights, shares[1] if tone else 0.0, words[tone],
        LEAST * np.maximum(squares, 1e-9), places,
        np.asarray(offsets, np.int64), np.asarray(shapes, np.int64),
        np.array([(height * f, width * f) for f in FACTORS]), boxes, likeness,
    )  # fmt: skip
    return boxes, likeness


@kernel()
def _best_windows(
    shape_values: Floats,
    shape_weights: Floats,
    shape_share: float,
    shape_words: Ints,
    tone_values: Floats,
    tone_weights: Floats,
    tone_share: float,
    tone_words: Ints,
    least: Floats,
    places: Floats,
    offsets: Ints,
    shapes: Ints,
    sizes: Floats,
    boxes: Floats,
    likeness: Floats,
) -> None:
    most = np.diff(offsets).max()
    roots = np.sqrt(np.arange(most + 2))
    shape_counts, tone_counts = np.zeros(len(shape_values), np.int64), np.zeros(len(tone_values), np.int64)
    for i in range(len(shapes)):
        first, last = offsets[i], offsets[i + 1]
        by_col = first + np.argsort(places[first:last, 1], kind="mergesort")
        for size in range(len(sizes)):
            height, width = min(sizes[size, 0], shapes[i, 0]), min(sizes[size, 1], shapes[i, 1])
            n_rows, n_cols = _steps(height, shapes[i, 0]), _steps(width, shapes[i, 1])
            for down in range(n_rows):
                top = (shapes[i, 0] - height) * down / max(n_rows - 1, 1)
                band = _band(by_col, places, top - 0.5, top + height - 0.5)
                score, along = _slide(
                    shape_values, shape_weights, shape_share, shape_words, shape_counts,
                    tone_values, tone_weights, tone_share, tone_words, tone_counts,
                    least, band, places, width, shapes[i, 1], n_cols, roots,
                )  # fmt: skip
                if score > likeness[i]:
                    likeness[i] = score
                    left = (shapes[i, 1] - width) * along / max(n_cols - 1, 1)
                    boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = top, left, height, width


@kernel()
def _steps(side: float, length: int) -> int:
    """Return how many windows of a side lie along an axis."""
    return min(_MOST, int(np.ceil((length - side) / side * STEPS)) + 1)


@kernel()
def _band(by_col: Ints, places: Floats, top: float, bottom: float) -> Ints:
    """Return those of some points that lie between two rows."""
    band = np.empty(len(by_col), np.int64)
    n = 0
    for k in by_col:
        if top <= places[k, 0] < bottom:
            band[n] = k
            n += 1
    return band[:n]


@kernel()
def _slide(
    shape_values: Floats,
    shape_weights: Floats,
    shape_share: float,
    shape_words: Ints,
    shape_counts: Ints,
    tone_values: Floats,
    tone_weights: Floats,
    tone_share: float,
    tone_words: Ints,
    tone_counts: Ints,
    least: Floats,
    band: Ints,
    places: Floats,
    width: float,
    length: int,
    n_cols: int,
    roots: Floats,
) -> tuple[float, int]:
    """Slide a window along a band of points, which come and go; return the best score, and which it was."""
    best, best_along, head, tail = 0.0, 0, 0, 0
    shape_dot = shape_square = tone_dot = tone_square = 0.0
    for along in range(n_cols):
        left = (length - width) * along / max(n_cols - 1, 1) - 0.5
        while head < len(band) and places[band[head], 1] < left + width:
            s, t = shape_words[band[head]], tone_words[band[head]]
            gain = roots[shape_counts[s] + 1] - roots[shape_counts[s]]
            shape_dot += shape_values[s] * shape_weights[s] * gain
            shape_square += shape_weights[s] * shape_weights[s]
            shape_counts[s] += 1
            gain = roots[tone_counts[t] + 1] - roots[tone_counts[t]]
            tone_dot += tone_values[t] * tone_weights[t] * gain
            tone_square += tone_weights[t] * tone_weights[t]
            tone_counts[t] += 1
            head += 1
        while tail < head and places[band[tail], 1] < left:
            s, t = shape_words[band[tail]], tone_words[band[tail]]
            shape_counts[s] -= 1
            shape_dot -= (
                shape_values[s] * shape_weights[s] * (roots[shape_counts[s] + 1] - roots[shape_counts[s]])
            )
            shape_square -= shape_weights[s] * shape_weights[s]
            tone_counts[t] -= 1
            tone_dot -= tone_values[t] * tone_weights[t] * (roots[tone_counts[t] + 1] - roots[tone_counts[t]])
            tone_square -= tone_weights[t] * tone_weights[t]
            tail += 1
        if tail < head:
            score = shape_share * shape_dot / np.sqrt(max(shape_square, least[0]))
            score += tone_share * tone_dot / np.sqrt(max(tone_square, least[1]))
            if score > best + 1e-9:
                best, best_along = score, along
    for k in range(tail, head):
        shape_counts[shape_words[band[k]]] -= 1
        tone_counts[tone_words[band[k]]] -= 1
    return best, best_along
