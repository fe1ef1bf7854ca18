"""Sliding windows: which part of an image has words most like those of a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .window_row import Floats, Ints, WordKind
from .window_scan import scan

FACTORS = (0.71, 1.0, 1.41)
"""Sizes of windows, as multiples of the region's."""
LEAST = 0.75
"""A window with less than this share of the region's squared length is no more like it for being small."""


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
    scan(kinds[0], tone, places, offsets, sizes, windows, boxes, similarity)
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
