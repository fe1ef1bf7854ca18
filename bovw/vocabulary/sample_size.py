"""How many descriptors are learnt from, and how many words they allow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .distinct import n_distinct

MOST_WORDS, PER_WORD = 4096, 32
"""If the number of words is not set: the maximum, and the minimum of descriptors for each."""
PER_PICTURE = 512
"""Maximum number of descriptors of one image that are learnt from."""


def spread(n: int) -> NDArray[np.intp]:
    """Return which of n points are learnt from, rising: all, or ``PER_PICTURE`` of them, evenly spread."""
    # Detectors list points by place or by strength: the first ones would all be alike.
    return np.linspace(0, n - 1, min(n, PER_PICTURE)).astype(np.intp)


def allowed_words(descriptors: NDArray[np.floating]) -> int:
    """Return how many words descriptors (n, d) allow: ``PER_WORD`` for each, and as many as are distinct."""
    return distinct_words(int(np.clip(len(descriptors) // PER_WORD, 2, MOST_WORDS)), descriptors)


def distinct_words(words: int, descriptors: NDArray[np.floating]) -> int:
    """Return a number of words, or how many of the descriptors (n, d) are distinct if less; at least 2."""
    return max(2, min(words, n_distinct(descriptors, np.arange(len(descriptors)), enough=words)))
