"""The scores of rows of vectors, exact: by kernels or in numpy the same, to the last bit.

A score is the float32 nearest to the sum of the products in float64, from the first to the last; of the
cosine, divided by the length of the row. Processors and libraries add faster, in an order of their own. The
sums of any two orders differ by less than a bound (N. J. Higham, Accuracy and Stability of Numerical
Algorithms, 2002, section 3.1): where both its ends are nearest to one float32 the order does not matter, and
the few other rows are added in order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernel import is_worth_loading, kernel
from ..ranker import Ids

NUMBERS = 2**18
"""Numbers that numpy multiplies at a time: they stay in the cache, and BLAS begins no threads for as few."""

# Two sums are each off by d·u of the products' magnitudes, which Cauchy-Schwarz bounds by the lengths of the
# vectors; a tenth, and 16 operations, are for the rounding of these lengths and of the bound.
_ERROR = 2.2 * 2.0**-53


def scores_of_all(
    vectors: NDArray[np.float32], lengths: NDArray[np.float32], query: NDArray[np.float32], is_cosine: bool
) -> NDArray[np.float32]:
    """Return the score of each row of ``vectors`` (n, d) against a query (d,), float32 (n,)."""
    if is_worth_loading(vectors.size):
        return _scores(vectors, lengths, query, is_cosine)
    return _scores_in_numpy(vectors, lengths, np.arange(len(vectors)), query, is_cosine)


def scores_of_some(
    vectors: NDArray[np.float32],
    lengths: NDArray[np.float32],
    rows: NDArray[np.int64],
    query: NDArray[np.float32],
    is_cosine: bool,
) -> NDArray[np.float32]:
    """Return the scores of some rows, float32 (n_rows,)."""
    if is_worth_loading(len(rows) * len(query)):
        return _scores_of(vectors, lengths, rows, query, is_cosine)
    return _scores_in_numpy(vectors, lengths, rows, query, is_cosine)


def _scores_in_numpy(
    vectors: NDArray[np.float32],
    lengths: NDArray[np.float32],
    rows: NDArray[np.int64],
    query: NDArray[np.float32],
    is_cosine: bool,
) -> NDArray[np.float32]:
    wide, scores = query.astype(np.float64), np.empty(len(rows), np.float32)
    error = _apart.py_func(wide)  # type: ignore[attr-defined]
    step = max(1, NUMBERS // len(query))
    for first in range(0, len(rows), step):
        some = rows[first : first + step]
        scores[first : first + step] = _nearest(
            vectors[some].astype(np.float64), wide, error * lengths[some].astype(np.float64)
        )
    if is_cosine:
        long = lengths[rows]
        scores = np.divide(scores, long, out=np.zeros_like(scores), where=long > 0)
    return scores


def _nearest(
    rows: NDArray[np.float64], query: NDArray[np.float64], errors: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the dot products of rows (n, d) with a query (d,), as a kernel rounds them."""
    sums = rows @ query
    with np.errstate(over="ignore", invalid="ignore"):  # damaged ones, for the caller
        low, high = (sums - errors).astype(np.float32), (sums + errors).astype(np.float32)
    open_ = np.flatnonzero(low != high)
    low[open_] = np.add.accumulate(rows[open_] * query, axis=1)[:, -1]
    return low + np.float32(0)


@kernel(fastmath={"reassoc", "contract", "nsz"})
def _dot(a: NDArray[np.float32], b: NDArray[np.float64]) -> np.float64:
    """Sum in the order that suits the processor's vectors."""
    # These three flags let the compiler add several partial sums side by side and fuse the products, which
    # float64 holds without error, into them.
    total = np.float64(0)
    for i in range(len(b)):
        total += np.float64(a[i]) * b[i]
    return total


@kernel()
def _dot_in_order(a: NDArray[np.float32], b: NDArray[np.float64]) -> np.float64:
    total = np.float64(0)
    for i in range(len(b)):
        total += np.float64(a[i]) * b[i]
    return total


@kernel()
def _apart(query: NDArray[np.float64]) -> float:
    """Return how far two sums of products with a query can be apart, for a row of length 1."""
    return float(_ERROR * (len(query) + 16) * np.sqrt((query * query).sum()))


@kernel()
def _score(
    vector: NDArray[np.float32], length: np.float32, query: NDArray[np.float64], error: float, is_cosine: bool
) -> np.float32:
    """Return the score of a row against a query (d,)."""
    about, slack = _dot(vector, query), error * length
    dot = np.float32(about - slack)
    if dot != np.float32(about + slack):  # NaN too
        dot = np.float32(_dot_in_order(vector, query))
    dot += np.float32(0)  # of the two zeros always the positive one
    # The query has unit length already under the cosine; a row's length divides its score, since the row
    # itself is kept as it was added.
    if not is_cosine:
        return dot
    return np.float32(dot / length) if length > 0 else np.float32(0)


@kernel()
def _scores(
    vectors: NDArray[np.float32], lengths: NDArray[np.float32], query: NDArray[np.float32], is_cosine: bool
) -> NDArray[np.float32]:
    wide = query.astype(np.float64)
    scores, error = np.zeros(len(vectors), dtype=np.float32), _apart(wide)
    for row in range(len(vectors)):
        scores[row] = _score(vectors[row], lengths[row], wide, error, is_cosine)
    return scores


@kernel()
def _scores_of(
    vectors: NDArray[np.float32],
    lengths: NDArray[np.float32],
    rows: NDArray[np.int64],
    query: NDArray[np.float32],
    is_cosine: bool,
) -> NDArray[np.float32]:
    wide = query.astype(np.float64)
    scores, error = np.zeros(len(rows), dtype=np.float32), _apart(wide)
    for i in range(len(rows)):
        scores[i] = _score(vectors[rows[i]], lengths[rows[i]], wide, error, is_cosine)
    return scores


@kernel()
def best_of(
    vectors: NDArray[np.float32],
    lengths: NDArray[np.float32],
    ids: Ids,
    rows: NDArray[np.int64],
    query: NDArray[np.float32],
    k: int,
) -> tuple[Ids, NDArray[np.float32]]:
    """Return the best k of some rows under the cosine, by the rule of ``retrieval.ranker.order``.

    ``query`` float32 (d,) has unit length.
    """
    n, found, scores = 0, np.empty(k, np.int64), np.empty(k, np.float32)
    wide, error = query.astype(np.float64), _ERROR * (len(query) + 16)  # it has unit length
    for row in rows:
        score, id = _score(vectors[row], lengths[row], wide, error, True), ids[row]
        if n == k and (score < scores[-1] or (score == scores[-1] and id > found[-1])):
            continue
        # Into its place in the order; the last falls out if all places are taken.
        n = min(n + 1, k)
        place = n - 1
        while place > 0:
            before = place - 1
            if scores[before] > score or (scores[before] == score and found[before] < id):
                break
            scores[place], found[place] = scores[before], found[before]
            place = before
        scores[place], found[place] = score, id
    return found[:n], scores[:n]
