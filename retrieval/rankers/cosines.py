"""The cosines of a few held vectors with each other: what smoothing compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..kernel import is_worth_loading, kernel
from ..ranker import Ids, Ranker
from ..representation import SparseVector, Vector
from .share_out import share_out

_WORDS = 1024
"""Words at a time: what 200 bags hold of as many takes 3 MB."""

_REGISTER = 16
"""Numbers in the widest registers."""

_A_THREAD = 8e6
"""Bags times postings that are worth a thread: four tenths of a millisecond."""

Cosines = NDArray[np.float32]
"""Of m vectors with each other, (m, m); those with a vector of zeros are 0."""


@runtime_checkable
class ComparesHeld(Protocol):
    """A ranker that compares the vectors it holds without handing them out one by one."""

    def cosines(self, ids: Ids) -> Cosines:
        """Return the cosines of the vectors under some ids. Raise KeyError if one is not there."""
        ...


def held_cosines(ranker: Ranker, ids: Ids) -> Cosines:
    """Return the cosines of the vectors that a ranker holds under some ids."""
    if isinstance(ranker, ComparesHeld):
        return ranker.cosines(ids)
    return cosines([ranker.vector(id) for id in ids.tolist()])


def cosines_where_held(ranker: Ranker, ids: Ids) -> Cosines:
    """Return the same; cosines with what the ranker does not hold are 0."""
    try:
        return held_cosines(ranker, ids)
    except KeyError:  # seldom, so that nobody looks for it before
        there = np.flatnonzero(np.isin(ids, ranker.ids()))
    found = np.zeros((len(ids), len(ids)), dtype=np.float32)
    if len(there):
        found[np.ix_(there, there)] = held_cosines(ranker, ids[there])
    return found


def cosines(vectors: Sequence[Vector]) -> Cosines:
    """Return the cosines of m vectors with each other."""
    bags = [vector for vector in vectors if isinstance(vector, SparseVector)]
    if not bags:
        return dense_cosines(np.stack([v for v in vectors if not isinstance(v, SparseVector)]))
    lengths = np.array([len(bag.indices) for bag in bags], dtype=np.int64)
    words = np.concatenate([bag.indices for bag in bags]).astype(np.uint32)
    values = np.concatenate([bag.values for bag in bags]).astype(np.float32)
    return bag_cosines(lengths, words, values, bags[0].size)


def dense_cosines(rows: NDArray[np.float32]) -> Cosines:
    """Return the cosines of vectors (m, d) with each other."""
    return _over_lengths(np.asarray(rows @ rows.T, dtype=np.float32))


def bag_cosines(
    lengths: NDArray[np.int64],
    words: NDArray[np.uint32],
    values: NDArray[np.float32],
    size: int,
    order: NDArray[np.int64] | slice = slice(None),
) -> Cosines:
    """Return the cosines of bags of ``lengths`` (m,), laid end to end, over ``size`` words, in an order."""
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    if is_worth_loading(float(len(lengths)) * len(words)):
        return _mirrored(_products(ends[:-1][order], ends[1:][order], words, values, size))
    from scipy import sparse  # late: reading starts without it

    matrix = sparse.csr_matrix((values, words.astype(np.int64), ends), shape=(len(lengths), size))[order]
    parts = [matrix[:, low:high] for low, high in _halves(size)]
    products = [np.asarray((part @ part.T).toarray(), dtype=np.float32) for part in parts]
    return _over_lengths(products[0] + products[1])


def _over_lengths(products: NDArray[np.float32]) -> Cosines:
    lengths = np.sqrt(np.maximum(products.diagonal(), 0))
    scale = np.outer(lengths, lengths)
    return np.asarray(np.divide(products, scale, out=np.zeros_like(products), where=scale > 0))


def _products(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    words: NDArray[np.uint32],
    values: NDArray[np.float32],
    size: int,
) -> NDArray[np.float32]:
    """Return the dot products of bags with each other, summed in the order of the words, by halves of these.

    (m, wide), of which the part up to the diagonal is filled in. ``starts`` and ``ends`` (m,) say where the
    postings of each bag are.
    """
    m, halves = len(ends), _halves(size)
    # Whole registers of the processor: what is left over of a row takes as long as they do.
    products = np.zeros((2, m, -(-m // _REGISTER) * _REGISTER), np.float32)
    # Each has its own columns: what another thread has written is slow to read. They are made here, as memory
    # that a thread asks for is new to it each time.
    n_columns = min(max(high - low for low, high in halves), _WORDS)
    columns = np.empty((2, n_columns * products.shape[2]), np.float32)

    def fill(half: int) -> None:
        own, sums = columns[half], products[half].reshape(-1)
        _fill_products(starts, ends, words, values, *halves[half], own, sums)

    share_out(range(2), lambda: fill, int(m * len(words) / _A_THREAD))
    return np.asarray(products[0] + products[1])


def _halves(size: int) -> list[tuple[int, int]]:
    """Return where two parts of the words begin and end, which two threads add up."""
    return [(0, size // 2), (size // 2, size)]


@kernel()
def _fill_products(
    firsts: NDArray[np.int64],
    ends: NDArray[np.int64],
    words: NDArray[np.uint32],
    values: NDArray[np.float32],
    first: int,
    last: int,
    columns: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None:
    """Fill in products of the words from ``first`` to before ``last``, up to the diagonal.

    ``sums`` are rows of zeros, laid end to end, and ``columns`` room for those of up to ``_WORDS`` words.
    """
    m, wide = len(ends), np.uint64(len(sums) // len(ends))
    # Column w has what the bags so far hold of word w: a row of products is a sum of columns.
    columns[:] = 0
    stops = np.empty(m, np.int64)
    for bag in range(m):
        stops[bag] = firsts[bag] + np.searchsorted(words[firsts[bag] : ends[bag]], first)
    starts = stops.copy()
    for low in range(first, last, _WORDS):
        for bag in range(m):  # less than all there is
            for i in range(starts[bag], stops[bag]):
                columns[np.uint64(words[i] + _WORDS - low) * wide + np.uint64(bag)] = 0
        before, high = np.uint64(low) * wide, min(last, low + _WORDS)
        for bag in range(m):
            i = starts[bag] = stops[bag]
            while i < ends[bag] and words[i] < high:
                columns[np.uint64(words[i]) * wide - before + np.uint64(bag)] = values[i]
                i += 1
            stops[bag] = i
            here, row = slice(starts[bag], i), bag * int(wide)
            n = (bag // _REGISTER + 1) * _REGISTER
            _add_columns(words[here], values[here], before, wide, columns, sums[row : row + n])


@kernel()
def _add_columns(
    words: NDArray[np.uint32],
    values: NDArray[np.float32],
    before: np.uint64,
    wide: np.uint64,
    columns: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None:
    """Add the columns of some words, each times a value, to ``sums`` (n,), in order.

    That of word w begins at ``w * wide - before``.
    """
    i, end, n = np.uint64(0), np.uint64(len(words)), np.uint64(len(sums))
    one, eight = np.uint64(1), np.uint64(8)
    # Eight at a time: half of the work was to read the sums and write them back.
    while i + eight <= end:
        a, p = np.uint64(words[i]) * wide - before, values[i]
        i += one
        b, q = np.uint64(words[i]) * wide - before, values[i]
        i += one
        c, r = np.uint64(words[i]) * wide - before, values[i]
        i += one
        d, s = np.uint64(words[i]) * wide - before, values[i]
        i += one
        e, t = np.uint64(words[i]) * wide - before, values[i]
        i += one
        f, u = np.uint64(words[i]) * wide - before, values[i]
        i += one
        g, v = np.uint64(words[i]) * wide - before, values[i]
        i += one
        h, w = np.uint64(words[i]) * wide - before, values[i]
        i += one
        for j in range(n):
            x = ((sums[j] + p * columns[a + j]) + q * columns[b + j]) + r * columns[c + j]
            y = ((x + s * columns[d + j]) + t * columns[e + j]) + u * columns[f + j]
            sums[j] = (y + v * columns[g + j]) + w * columns[h + j]
    while i < end:
        a, p = np.uint64(words[i]) * wide - before, values[i]
        for j in range(n):
            sums[j] += p * columns[a + j]
        i += one


@kernel(error_model="numpy")
def _mirrored(products: NDArray[np.float32]) -> Cosines:
    """Return the cosines of ``_products``, to the last bit those of ``_over_lengths``."""
    m = len(products)
    lengths, found = np.empty(m, np.float32), np.empty((m, m), np.float32)
    for row in range(m):
        lengths[row] = np.sqrt(max(products[row, row], np.float32(0)))
        for column in range(row + 1):
            scale = lengths[row] * lengths[column]
            found[row, column] = products[row, column] / scale if scale > 0 else np.float32(0)
    for row in range(m):
        found[row, row + 1 :] = found[row + 1 :, row]
    return found
