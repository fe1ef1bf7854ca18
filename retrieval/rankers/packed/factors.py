"""Factors: what the values of bags are products of, so that a count stands for each of them, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel

_FIRST = 1024
"""The largest least count of a bag: nearly every bag has a word once; weighed points count in sixteenths."""

_NEAR = 1e-6
"""Relative difference of a value from that of its count: float32 rounds it twice by at most 6e-8."""

Values = NDArray[np.float32]
Words = NDArray[np.uint32]


class FactorArrays(NamedTuple):
    """Factors as kernels take them; see ``Factors``."""

    levels: NDArray[np.float64]
    word_scales: NDArray[np.float64]
    ends: NDArray[np.int64]
    shares: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Factors:
    """Say how values come about: a vector's value at word w, which it has c times, is

        float32(float32(levels[c] · word_scales[w] · x) · shares[p]),

    with p the part that the word belongs to, and x a number of the vector and the part.

    Parameters
    ----------
    levels : float64 (m,), rising, levels[0] is 0.
    word_scales : float64 (size,), not negative.
    ends : int64 (n_parts,), rising: part p ends before the word ``ends[p]``, the last at the size.
    shares : float32 (n_parts,), positive.
    """

    levels: NDArray[np.float64]
    word_scales: NDArray[np.float64]
    ends: NDArray[np.int64]
    shares: NDArray[np.float32]

    @property
    def arrays(self) -> FactorArrays:
        """The factors as kernels take them."""
        return FactorArrays(self.levels, self.word_scales, self.ends, self.shares)


def factor(
    factors: FactorArrays, lengths: NDArray[np.int64], words: Words, values: Values
) -> tuple[NDArray[np.uint16], NDArray[np.float64]] | None:
    """Return the counts of vectors of ``lengths`` (n,), laid end to end, and each x, float64 (n_parts, n).

    None if a value is no such product to the last bit. The counts may all be divided by one number.
    """
    counts = np.zeros(len(words), np.uint16)
    scales = np.ones((len(factors.ends), len(lengths)))
    return (counts, scales) if _factor_rows(factors, lengths, words, values, counts, scales) else None


@kernel(error_model="numpy")
def _factor_rows(
    factors: FactorArrays,
    lengths: NDArray[np.int64],
    words: Words,
    values: Values,
    counts: NDArray[np.uint16],
    scales: NDArray[np.float64],
) -> bool:
    """Fill in counts and scales; return False if a value does not come about so."""
    start = 0
    for row in range(len(lengths)):
        end = start + lengths[row]
        for part in range(len(factors.ends)):
            last = start
            while last < end and words[last] < factors.ends[part]:
                last += 1
            if last > start:
                here = slice(start, last)
                x = _scale(factors, factors.shares[part], words[here], values[here], counts[here])
                if not x > 0:
                    return False
                scales[part, row] = x
            start = last
        if start < end:
            return False
    return True


@kernel(error_model="numpy")
def _scale(
    factors: FactorArrays, share: np.float32, words: Words, values: Values, counts: NDArray[np.uint16]
) -> float:
    """Return x of the part of a vector, and fill in its counts; 0 if there is none."""
    least = np.inf
    for i in range(len(words)):
        if not (values[i] > 0 and factors.word_scales[words[i]] > 0):
            return 0.0
        least = min(least, values[i] / (factors.word_scales[words[i]] * np.float64(share)))
    # The smallest value of a bag is that of a word it has once, else twice, and so on.
    for first in range(1, min(_FIRST + 1, len(factors.levels))):
        x = _fit(factors, share, words, values, least / factors.levels[first], counts)
        if x > 0:
            return x
    return 0.0


@kernel(error_model="numpy")
def _fit(
    factors: FactorArrays,
    share: np.float32,
    words: Words,
    values: Values,
    about: float,
    counts: NDArray[np.uint16],
) -> float:
    """Return the x near one that gives all values to the last bit, and fill in counts; 0 if none does."""
    low, high = 0.0, np.inf
    for i in range(len(words)):
        scale = factors.word_scales[words[i]]
        ratio = values[i] / (scale * np.float64(share) * about)
        count = 1
        while (
            count + 1 < len(factors.levels) and factors.levels[count] + factors.levels[count + 1] < 2 * ratio
        ):
            count += 1
        if not abs(factors.levels[count] - ratio) <= _NEAR * ratio:
            return 0.0
        counts[i] = count
        # Each value leaves x an interval, what float32 rounds to it; their middle is far from all ends.
        least, most = _rounded_to(values[i], share)
        low = max(low, least / (factors.levels[count] * scale))
        high = min(high, most / (factors.levels[count] * scale))
    x = (low + high) / 2
    for i in range(len(words)):
        if value_of(factors.levels[counts[i]] * factors.word_scales[words[i]], x, share) != values[i]:
            return 0.0
    return x


@kernel()
def value_of(product: float, x: float, share: np.float32) -> np.float32:
    """Return a value, given ``levels[c] · word_scales[w]``."""
    return np.float32(np.float32(product * x) * share)


@kernel(error_model="numpy")
def _rounded_to(value: np.float32, share: np.float32) -> tuple[float, float]:
    """Return the least and the largest number that becomes a value, rounded before and after the share."""
    up, down = np.float32(np.inf), np.float32(-np.inf)
    about = np.float32(np.float64(value) / np.float64(share))
    if np.float32(about * share) < value:
        about = np.nextafter(about, up)
    elif np.float32(about * share) > value:
        about = np.nextafter(about, down)
    if np.float32(about * share) != value:
        return np.inf, 0.0
    low = high = about
    while np.float32(np.nextafter(low, down) * share) == value:
        low = np.nextafter(low, down)
    while np.float32(np.nextafter(high, up) * share) == value:
        high = np.nextafter(high, up)
    before, after = np.nextafter(low, down), np.nextafter(high, up)
    return (np.float64(low) + np.float64(before)) / 2, (np.float64(high) + np.float64(after)) / 2
