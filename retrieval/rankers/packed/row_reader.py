"""The reader of a row of the forward store: its postings, or those of some words alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from .factors import Words

_LINE = 64
"""Bytes that come from the memory at once."""

_ONE, _SEVEN, _LOW = np.uint64(1), np.uint64(7), np.uint64(127)


@kernel()
def fetch(data: NDArray[np.uint8], starts: NDArray[np.int64], which: NDArray[np.int64]) -> int:
    """Bring some rows into the cache, all of them side by side; return a sum, so that it is not left out."""
    # Rows that are read one after the other wait for the memory one after the other, a fifth of the time.
    total = np.int64(0)
    for row in which:
        for at in range(starts[row], starts[row + 1], _LINE):
            total += np.int64(data[at])
    return int(total)


@kernel()
def read_row(
    data: NDArray[np.uint8],
    first: int,
    last: int,
    is_wanted: NDArray[np.uint8],
    words: Words,
    counts: NDArray[np.uint16],
) -> int:
    """Read the bytes of a row from ``first`` to before ``last``; return how many postings are wanted.

    ``words`` and ``counts``, each with room for as many as there are bytes, are filled in; ``is_wanted`` is 1
    for each word that is, else 0. Reading stops at a word beyond its end, as damaged bytes may have.
    """
    # Whether a count follows, and whether a word is wanted, are as good as random, and a branch on them costs
    # more than all else. So a count is a turn of the loop like a word, and overwrites the 1 that was
    # put down; and a posting stays if the place to write goes on. Without signs: an index below 0 would
    # be asked for at each step.
    n, at, end = np.uint64(0), np.uint64(first), np.uint64(last)
    word, is_count, is_kept = ~np.uint64(0), np.uint64(0), np.uint64(0)
    while at < end:
        number = np.uint64(data[at])
        at += _ONE
        if number > _LOW:
            number &= _LOW
            shift = _SEVEN
            while at < end:
                byte = np.uint64(data[at])
                at += _ONE
                number |= (byte & _LOW) << shift
                shift += _SEVEN
                if byte <= _LOW:
                    break
        is_word = _ONE - is_count
        n += is_word & is_kept
        word += (number >> _ONE) * is_word
        if word >= np.uint64(len(is_wanted)):
            return int(n)
        is_kept = np.uint64(is_wanted[word])
        words[n] = word
        counts[n] = _ONE + is_count * (number - _ONE)
        is_count = is_word & number
    return int(n + is_kept)
