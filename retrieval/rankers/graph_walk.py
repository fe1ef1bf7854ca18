"""The walk of a graph: from its entry to the vectors nearest to a query, by their byte codes.

A row's place among the nearest is one number, its *key*: the score in the upper 32 bits, then the row, so
that of equal scores the lower row is first, and in the last bit whether its neighbours were looked at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from .byte_codes import CodeArrays, code_view, coded_product, fetch_codes
from .graph import LINKS, Graph

_AT_ONCE = 2
"""Rows whose neighbours are looked at together: more are fetched side by side, and few in vain."""

_MASK = 2**31 - 1
_DONE = 1


def walk(graph: Graph, codes: CodeArrays, view: NDArray[np.float32], breadth: int) -> NDArray[np.int64]:
    """Return about the ``breadth`` rows nearest to a query float32 (d,), best first, int64 (≤ breadth,)."""
    rows, _ = _walk(*graph, codes.codes, codes.scales, view, breadth)
    return rows


@kernel()
def _walk(
    links: NDArray[np.int32],
    upper: NDArray[np.int32],
    first: NDArray[np.int32],
    entry: NDArray[np.int64],
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    view: NDArray[np.float32],
    breadth: int,
) -> tuple[NDArray[np.int64], np.float32]:
    """Return the rows, and what was fetched meanwhile, which means nothing.

    Arrays are handed over one by one, here and below, and not in records or as rows of others: to count who
    holds those takes longer than to read the code of a vector.
    """
    values = code_view(view)
    fresh = np.empty(_AT_ONCE * links.shape[1], np.int64)
    row, fetched = _descend(upper, first, entry, codes, scales, values, fresh)
    nearest = np.empty(breadth, np.int64)  # keys, falling
    nearest[0] = _key(coded_product(codes, row, values) * scales[row], row)
    seen = np.zeros(len(links) // 8 + 1, np.uint8)
    seen[row >> 3] |= np.uint8(1 << (row & 7))
    taken = np.empty(_AT_ONCE, np.int64)
    size, at = 1, 0
    while at < size:  # the neighbours of all before `at` were looked at
        at, n_taken = _take(nearest, at, size, taken)
        fetched += _fetch_links(links, taken, n_taken)
        n = 0
        for i in range(n_taken):
            n = _unseen(links, taken[i], seen, fresh, n)
        fetched += fetch_codes(codes, scales, fresh, n)
        for i in range(n):
            key = _key(coded_product(codes, fresh[i], values) * scales[fresh[i]], fresh[i])
            if size < breadth:
                size += 1
            elif key < nearest[size - 1]:
                continue
            at = min(at, _insert(nearest, size, key))
    for i in range(size):
        nearest[i] = _row(nearest[i])
    return nearest[:size], fetched


@kernel()
def _take(nearest: NDArray[np.int64], at: int, size: int, taken: NDArray[np.int64]) -> tuple[int, int]:
    """Take the next rows whose neighbours were not looked at; return how far there are none, and how many."""
    n = 0
    while at < size and n < len(taken):
        key = nearest[at]
        if not key & _DONE:
            nearest[at] = key | _DONE
            taken[n] = _row(key)
            n += 1
        at += 1
    return at, n


@kernel()
def _descend(
    upper: NDArray[np.int32],
    first: NDArray[np.int32],
    entry: NDArray[np.int64],
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    values: NDArray[np.int16],
    fresh: NDArray[np.int64],
) -> tuple[int, np.float32]:
    """Go from the entry to the nearest vector of each layer; return the last, and what was fetched."""
    row, fetched = entry[0], np.float32(0)
    best = coded_product(codes, row, values) * scales[row]
    for layer in range(entry[1], 0, -1):
        is_nearer = True
        while is_nearer:
            is_nearer = False
            n = _linked(upper, first[row] + layer - 1, fresh)
            fetched += fetch_codes(codes, scales, fresh, n)
            for i in range(n):
                score = coded_product(codes, fresh[i], values) * scales[fresh[i]]
                if score > best:
                    row, best, is_nearer = fresh[i], score, True
    return row, fetched


@kernel()
def _linked(links: NDArray[np.int32], at: int, fresh: NDArray[np.int64]) -> int:
    """Put the neighbours in a row of ``links`` into ``fresh``, and return their number."""
    n = 0
    while n < links.shape[1] and links[at, n] >= 0:
        fresh[n] = links[at, n]
        n += 1
    return n


@kernel()
def _unseen(
    links: NDArray[np.int32], at: int, seen: NDArray[np.uint8], fresh: NDArray[np.int64], n: int
) -> int:
    """Put those not seen before behind the first n of ``fresh``, mark them, and return how many it has."""
    for i in range(links.shape[1]):
        link = links[at, i]
        if link < 0:
            break
        bit = np.uint8(1 << (link & 7))
        if not seen[link >> 3] & bit:
            seen[link >> 3] |= bit
            fresh[n] = link
            n += 1
    return n


@kernel()
def _fetch_links(links: NDArray[np.int32], rows: NDArray[np.int64], n: int) -> np.float32:
    """Do the same for the neighbours of n rows."""
    total = np.float32(0)
    for i in range(n):
        total += np.float32(links[rows[i], 0]) + np.float32(links[rows[i], LINKS])
    return total


@kernel()
def _key(score: np.float32, row: int) -> int:
    """Return the key of a row whose neighbours were not looked at."""
    # The bits of float32, read as an integer, rise with the number; below zero they fall.
    bits = np.float32(score).view(np.int32)
    bits ^= (bits >> np.int32(31)) & np.int32(_MASK)
    return int((np.int64(bits) << 32) | ((_MASK - np.int64(row)) << 1))


@kernel()
def _row(key: int) -> int:
    """Return the row of a key."""
    return _MASK - ((key >> 1) & _MASK)


@kernel()
def _insert(keys: NDArray[np.int64], size: int, key: int) -> int:
    """Put a key in its place among the first ``size``, of which the last falls out; return the place."""
    place = size - 1
    while place > 0 and keys[place - 1] < key:
        keys[place] = keys[place - 1]
        place -= 1
    keys[place] = key
    return place
