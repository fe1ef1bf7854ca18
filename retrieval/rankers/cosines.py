"""The cosines of a few held vectors with each other: what smoothing compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..kernel import is_worth_loading, kernel
from ..ranker import Ids, Ranker
from ..representation import SparseVector, Vector

_WORDS = 4096
"""Words at a time: what 200 bags hold of as many takes 3 MB."""

_REGISTER = 16
"""Numbers in the widest registers."""

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
    lengths: NDArray[np.int64], words: NDArray[np.uint32], values: NDArray[np.float32], size: int
) -> Cosines:
    """Return the cosines of bags of ``lengths`` (m,), laid end to end, over ``size`` words."""
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    if is_worth_loading(float(len(lengths)) * len(words)):
        return _over_lengths(_products(ends, words, values, size))
    from scipy import sparse  # late: reading starts without it

    matrix = sparse.csr_matrix((values, words.astype(np.int64), ends), shape=(len(lengths), size))
    return _over_lengths(np.asarray((matrix @ matrix.T).toarray(), dtype=np.float32))


def _over_lengths(products: NDArray[np.float32]) -> Cosines:
    lengths = np.sqrt(np.maximum(products.diagonal(), 0))
    scale = np.outer(lengths, lengths)
    return np.asarray(np.divide(products, scale, out=np.zeros_like(products), where=scale > 0))


@kernel()
def _products(
    ends: NDArray[np.int64], words: NDArray[np.uint32], values: NDArray[np.float32], size: int
) -> NDArray[np.float32]:
    """Return the dot products of bags with each other, (m, m), each summed in the order of the words."""
    m = len(ends) - 1
    # Whole registers of the processor: what is left over of a row takes as long as they do.
    wide = -(-m // _REGISTER) * _REGISTER
    products = np.zeros((m, wide), np.float32)
    # Column w has what the bags so far hold of word w: a row of products is a sum of columns.
    columns = np.zeros((min(size, _WORDS), wide), np.float32)
    firsts = ends[:-1].copy()
    for first in range(0, size, _WORDS):
        starts = firsts.copy()
        for bag in range(m):
            i = starts[bag]
            while i < ends[bag + 1] and words[i] < first + _WORDS:
                columns[words[i] - first, bag] = values[i]
                i += 1
            firsts[bag] = i
            own, held = words[starts[bag] : i] - first, values[starts[bag] : i]
            _add_columns(own, held, columns, products[bag], (bag // _REGISTER + 1) * _REGISTER)
        for bag in range(m):  # less than all there is
            for i in range(starts[bag], firsts[bag]):
                columns[words[i] - first, bag] = 0
    for one in range(m):
        products[one, one + 1 : m] = products[one + 1 :, one]
    return products[:, :m].copy()


@kernel()
def _add_columns(
    words: NDArray[np.integer],
    values: NDArray[np.float32],
    columns: NDArray[np.float32],
    sums: NDArray[np.float32],
    n: int,
) -> None:
    """Add the first n numbers of the columns of some words, each times a value, to ``sums``, in order."""
    i = 0
    # Eight at a time: half of the work was to read the sums and write them back.
    while i + 8 <= len(words):
        a, b, c, d = columns[words[i]], columns[words[i + 1]], columns[words[i + 2]], columns[words[i + 3]]
        e, f, g, h = (
            columns[words[i + 4]],
            columns[words[i + 5]],
            columns[words[i + 6]],
            columns[words[i + 7]],
        )
        own = values[i : i + 8]
        p, q, r, s, t, u, v, w = own[0], own[1], own[2], own[3], own[4], own[5], own[6], own[7]
        for j in range(n):
            first = ((sums[j] + p * a[j]) + q * b[j]) + r * c[j]
            second = ((first + s * d[j]) + t * e[j]) + u * f[j]
            sums[j] = (second + v * g[j]) + w * h[j]
        i += 8
    for last in range(i, len(words)):
        value = values[last]
        for j in range(n):
            sums[j] += value * columns[words[last], j]
