"""The forward store: the words and counts of each row in a few bytes, from which its vector comes back.

A posting is the distance from the word before, times two, plus one if a count above 1 follows; numbers have
seven bits a byte, the lowest first, and the highest bit says that more follow (LEB128).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernel import is_worth_loading, kernel
from .factors import FactorArrays, Values, Words, value_of
from .row_reader import fetch, read_row


class Rows(NamedTuple):
    """The forward store of a block of n rows.

    ``data`` uint8, of which row i has ``starts[i]`` to ``starts[i + 1]``; ``scales`` float64 (n_parts, n);
    the factors of ``FactorArrays``.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    scales: NDArray[np.float64]
    levels: NDArray[np.float64]
    word_scales: NDArray[np.float64]
    ends: NDArray[np.int64]
    shares: NDArray[np.float32]

    @property
    def factors(self) -> FactorArrays:
        """The factors alone."""
        return FactorArrays(*self[3:])


class Bags(NamedTuple):
    """Some rows laid end to end: ``lengths`` int64 (n,), and words, counts and values of all."""

    lengths: NDArray[np.int64]
    words: Words
    counts: NDArray[np.uint16]
    values: Values


def encode(
    lengths: NDArray[np.int64], words: Words, counts: NDArray[np.uint16]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of rows of ``lengths`` (n,), laid end to end, and how many each has, int64 (n,)."""
    sizes = np.zeros(len(lengths), np.int64)
    _encode(lengths, words, counts, np.empty(0, np.uint8), sizes)
    data = np.empty(int(sizes.sum()), np.uint8)
    _encode(lengths, words, counts, data, sizes)
    return data, sizes


def decode(rows: Rows, first: int, last: int) -> Bags:
    """Return the rows from ``first`` to before ``last``."""
    return decode_rows(rows, np.arange(first, last))


def decode_rows(rows: Rows, which: NDArray[np.int64]) -> Bags:
    """Return some rows, in the order in which they are asked for."""
    n = int((rows.starts[which + 1] - rows.starts[which]).sum())  # a posting has a byte or more
    bags = Bags(
        np.zeros(len(which), np.int64),
        np.empty(n, np.uint32),
        np.empty(n, np.uint16),
        np.empty(n, np.float32),
    )
    if is_worth_loading(1000.0 * n):
        fetch(rows.data, rows.starts, which)
        _decode(rows, which, bags)
    else:
        _decode_in_python(rows, which, bags)
    n = int(bags.lengths.sum())
    return Bags(bags.lengths, bags.words[:n], bags.counts[:n], bags.values[:n])


@kernel()
def _put(data: NDArray[np.uint8], at: int, number: int) -> int:
    """Write a number, if there is room, and return where the next one goes."""
    while True:
        more = number >= 128
        if len(data):
            data[at] = (number & 127) | (128 if more else 0)
        at += 1
        if not more:
            return at
        number >>= 7


@kernel()
def _encode(
    lengths: NDArray[np.int64],
    words: Words,
    counts: NDArray[np.uint16],
    data: NDArray[np.uint8],
    sizes: NDArray[np.int64],
) -> None:
    """Fill in the bytes, and how many each row has; the latter alone if there is no room for bytes."""
    i, at = 0, 0
    for row in range(len(lengths)):
        start, before = at, -1
        for _ in range(lengths[row]):
            is_many = int(counts[i] > 1)
            at = _put(data, at, (int(words[i]) - before) * 2 + is_many)
            if is_many:
                at = _put(data, at, int(counts[i]))
            before = int(words[i])
            i += 1
        sizes[row] = at - start


def _decode_in_python(rows: Rows, which: NDArray[np.int64], bags: Bags) -> None:
    """Do what ``_decode`` does, where numba is not worth loading."""
    lengths, words, counts, values = bags
    i = 0
    for place, row in enumerate(which.tolist()):
        at, end = int(rows.starts[row]), int(rows.starts[row + 1])
        word, part = -1, 0
        while at < end:
            number, at = _number(rows.data, at, end)
            word += number >> 1
            count = 1
            if number & 1 and at < end:
                count, at = _number(rows.data, at, end)
            # Damage that no checksum showed: what was never written is not read.
            if word >= len(rows.word_scales) or count >= len(rows.levels):
                break
            while word >= rows.ends[part]:
                part += 1
            words[i], counts[i] = word, count
            product = rows.levels[count] * rows.word_scales[word]
            values[i] = np.float32(np.float32(product * rows.scales[part, row]) * rows.shares[part])
            lengths[place] += 1
            i += 1


def _number(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Read a number; return it and where the next one is."""
    number, shift = 0, 0
    while at < end:
        byte = int(data[at])
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    return number, at


@kernel()
def _decode(rows: Rows, which: NDArray[np.int64], bags: Bags) -> None:
    """Fill in the postings of some rows."""
    # To count who holds the arrays of a record takes longer than to read a posting: once, not in the loops.
    data, starts, scales, levels, word_scales, ends, shares = rows
    lengths, words, counts, values = bags
    everything = np.ones(len(word_scales), np.uint8)
    first = 0
    for place in range(len(which)):
        row, part = which[place], 0
        n = read_row(data, starts[row], starts[row + 1], everything, words[first:], counts[first:])
        end, x, share = int(ends[0]), scales[0, row], shares[0]
        i, last = np.uint64(first), np.uint64(first + n)  # without a sign, as in ``read_row``
        while i < last:
            word, count = words[i], counts[i]
            if count >= len(levels):
                break
            while word >= end:
                part += 1
                end, x, share = int(ends[part]), scales[part, row], shares[part]
            values[i] = value_of(levels[count] * word_scales[word], x, share)
            i += np.uint64(1)
        lengths[place] = np.int64(i) - first
        first += lengths[place]


@kernel()
def score_rows(rows: Rows, which: NDArray[np.int64], query: Values, scores: Values) -> None:
    """Fill in the scores of some rows, float32 (m,), for a query float32 (size,).

    Products are added in float32 in the order of the words: the same bits as from lists.
    """
    data, starts, scales, levels, word_scales, ends, shares = rows
    is_asked = (query != 0).astype(np.uint8)
    longest = 0
    for row in which:
        longest = max(longest, starts[row + 1] - starts[row])
    words, counts = np.empty(longest, np.uint32), np.empty(longest, np.uint16)
    for j in range(len(which)):
        row, part, score = which[j], 0, np.float32(0)
        end, x, share = int(ends[0]), scales[0, row], shares[0]
        for i in range(read_row(data, starts[row], starts[row + 1], is_asked, words, counts)):
            word, count = words[i], counts[i]
            if count >= len(levels):
                break
            while word >= end:
                part += 1
                end, x, share = int(ends[part]), scales[part, row], shares[part]
            score += query[word] * value_of(levels[count] * word_scales[word], x, share)
        scores[j] = score
