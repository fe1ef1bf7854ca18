"""Late interaction: a query of several slices ranks cases by the best match of each slice.

    maxsim    S(case) = mean over query slices q of max over its pictures d of s(q, d)
    votes     S(case) = Σ over query slices of 1 / (60 + rank of the case for that slice); tied cases share
              what their ranks add, and a case that has nothing in common with a slice gets nothing

``maxsim`` is the sum of maximal similarities of Khattab and Zaharia (SIGIR 2020), divided by the number of
slices; ``votes`` is reciprocal rank fusion (Cormack et al., SIGIR 2009) of what the slices say, and compares
no scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..ranker import Ranking
from .fusion import reciprocal_ranks
from .rule_names import VOLUME_RULES, VolumeRule

How = VolumeRule
MOST_SLICES = 32
"""Maximum number of slices asked with, evenly spread: more find nothing new, and each costs a ranking."""


@dataclass(eq=False)
class Alignment:
    """Gather what each slice of a query finds, slice by slice, and rank the cases.

    It holds scores and ids (n_slices, n_cases), whatever the number of pictures.

    Parameters
    ----------
    numbers : int64, by id: the case of each picture, from 0.
    how : ``maxsim`` or ``votes``.
    """

    numbers: NDArray[np.int64]
    how: How = "maxsim"
    _scores: list[NDArray[np.float32]] = field(default_factory=list)
    _ids: list[NDArray[np.int64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.how not in VOLUME_RULES:
            raise SettingError(f"volume_by: {self.how!r} is unknown; use one of {', '.join(VOLUME_RULES)}")
        self._n = int(self.numbers.max(initial=-1)) + 1

    def add(self, pictures: Ranking) -> None:
        """Take the ranking of all pictures for one more slice."""
        scores = np.full(self._n, -np.inf, dtype=np.float32)
        ids = np.full(self._n, -1, dtype=np.int64)
        own = self.numbers[pictures.ids]
        # A ranking is best first, so the first picture of a case is the maximum that maxsim wants.
        cases, first = np.unique(own, return_index=True)
        scores[cases], ids[cases] = pictures.scores[first], pictures.ids[first]
        self._scores.append(scores)
        self._ids.append(ids)

    def ranking(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
        """Return cases best first, int64 (c,), their scores, float32 (c,), and best pictures, int64 (c,).

        Cases of equal score are ordered by the id of their best picture: the most alike of all slices.
        """
        scores, ids = np.stack(self._scores), np.stack(self._ids)  # both (n_slices, n_cases)
        there = np.flatnonzero((ids >= 0).any(axis=0))
        scores, ids = scores[:, there], ids[:, there]
        best = ids[scores.argmax(axis=0), np.arange(len(there))]
        # A case without a picture for a slice scores 0 there, as one that shares nothing with it.
        total = self._combined(np.where(ids >= 0, scores, 0.0), ids)
        rows = np.lexsort((best, -total))
        return there[rows], total[rows], best[rows]

    def matches(self, case: int) -> list[tuple[int, float]]:
        """Return for each slice the id of the picture of a case that is most like it, and its score."""
        pairs = (
            (int(ids[case]), float(scores[case])) for ids, scores in zip(self._ids, self._scores, strict=True)
        )
        return [(id, score if id >= 0 else 0.0) for id, score in pairs]

    def _combined(self, scores: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        if self.how == "maxsim":
            return np.asarray(scores.mean(axis=0, dtype=np.float64), dtype=np.float32)
        total = np.zeros(scores.shape[1])
        # Reciprocal rank fusion of the slices: each ranks the cases by their best picture. One that shares
        # nothing with any, such as a black slice at the end of a volume, has no vote.
        for row, own in zip(scores, ids, strict=True):
            order = np.lexsort((own, -row))
            total[order] += reciprocal_ranks(Ranking(own[order], row[order]))
        return total.astype(np.float32)


def spread(n: int, most: int = MOST_SLICES) -> NDArray[np.int64]:
    """Return which of n slices to ask with, int64: all, or ``most`` evenly spread from first to last."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.round(np.linspace(0, n - 1, most)).astype(np.int64))
