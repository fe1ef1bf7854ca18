"""The ranker: holds many vectors, and ranks them against one. Larger is closer, for every ranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

_NEAR = 256
"""Ids below this many times their number are looked up in a table of all up to the largest."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ids and scores, best first; equal scores by id.

    Parameters
    ----------
    ids : int64 (n,).
    scores : float32 (n,), never rising, never NaN.
    """

    ids: Ids
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of_nothing(cls) -> Ranking:
        """Return a ranking without entries."""
        return Ranking(np.empty(0, np.int64), np.empty(0, np.float32))


def order(ids: Ids, scores: NDArray[np.float32], k: int) -> Ranking:
    """Order by falling score, equal scores by rising id, and keep the first ``k``.

    The one place that decides ties. ``ids`` and ``scores`` have one length n and need no order; fewer than k
    rows are returned if n < k.
    """
    k = min(max(k, 0), len(ids))
    if k == 0:
        return Ranking.of_nothing()
    if k < len(ids):
        # Keep every row that ties with the k-th score, so that the cut does not decide the tie.
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = np.flatnonzero(scores >= threshold)
        ids, scores = ids[kept], scores[kept]
    # lexsort sorts by its last key first: by falling score, then by rising id.
    best = np.lexsort((ids, -scores))[:k]
    return Ranking(np.asarray(ids[best], np.int64), np.asarray(scores[best], np.float32))


def are_among(ids: Ids, others: Ids) -> NDArray[np.bool_]:
    """Return which of some ids from 0, (n,), are among others, in a tenth of the time of ``np.isin``."""
    end = int(others.max(initial=-1)) + 1
    if end <= _NEAR * (len(ids) + len(others)):
        marks = np.zeros(end + 1, dtype=np.bool_)
        marks[others] = True
        return np.asarray(marks[np.minimum(ids, end)])
    rising = np.sort(others)
    return np.asarray(rising[np.minimum(np.searchsorted(rising, ids), len(rising) - 1)] == ids)


def united(parts: Sequence[Ids]) -> Ids:
    """Return the different ids of some parts, rising; ``np.unique`` takes several times as long."""
    ids = np.sort(np.concatenate([np.empty(0, np.int64), *parts]))
    is_new = np.ones(len(ids), dtype=np.bool_)
    np.not_equal(ids[1:], ids[:-1], out=is_new[1:])
    return ids[is_new]


@runtime_checkable
class HoldsSample(Protocol):
    """A ranker of vectors that are elsewhere, but for those of the sample of the index."""

    @property
    def sampled(self) -> Ranker:
        """Ranks the sample, also while the rest is away."""
        ...


@runtime_checkable
class Ranker(Protocol):
    """What every ranker can do: add, remove, rank, save and open.

    On disk a ranker is a number of immutable segments, each a folder of ``.npy`` files that is written
    once and memory-mapped afterwards. ``ids`` are whole numbers that the caller gives, each once; ties follow
    them.
    """

    def add(self, ids: Ids, vectors: Sequence[Any]) -> None:
        """Add vectors under new ids. Raise ValueError if an id is there already or is repeated."""
        ...

    def remove(self, ids: Ids) -> None:
        """Forget ids; those that are not there are passed over."""
        ...

    def rank(self, query: Any, k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Rank the ids against a vector and return the best ``k``; all of them if k is above their number.

        Ids of score 0 are ranked too, last. ``among`` is bool, indexed by id: only ids that it holds True are
        ranked, exactly as if the others were not there.
        """
        ...

    def vector(self, id: int) -> Any:
        """Return the vector under an id, as it was added. Raise KeyError if there is none."""
        ...

    def ids(self) -> Ids:
        """Return the ids that are there, rising."""
        ...

    def save(self, folder: Path) -> None:
        """Write all that is there, and nothing that was removed, as one segment into an empty folder."""
        ...

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each id i the new id ``numbers[i]``; if that is negative, i is removed.

        So an index maps its permanent ids to the order of names, which decides ties, and drops what its
        catalogue no longer knows.
        """
        ...

    def __len__(self) -> int:
        """Return how many ids are there."""
        ...
