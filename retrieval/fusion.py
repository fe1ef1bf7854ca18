"""Fusion: several rankings of the same collection become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import SettingError
from .ranker import Ranking, order

RANK_CONSTANT = 60
"""The constant of reciprocal rank fusion that Cormack, Clarke and Büttcher (SIGIR 2009) found to serve."""


def fuse(rankings: Sequence[Ranking], how: str = "rrf", k: int | None = None) -> Ranking:
    """Fuse rankings into one that holds every id that any of them holds.

    Parameters
    ----------
    how : ``rrf``, the sum over rankings of 1 / (60 + rank), rank from 1, which compares no scores, except
        that a score of 0 adds nothing: where nothing is shared, the order tells nothing; or
        ``sum``, the sum of scores after each ranking's were brought to [0, 1], (s − min) / (max − min), equal
        ones to 0. A ranking adds nothing to an id that it does not hold.
    k : how many of the best to keep; all where it is None.

    Returns
    -------
    The fused ranking; equal scores by id. No rankings give an empty one.

    Raises
    ------
    SettingError : another ``how``.
    """
    if how not in _WEIGHTS:
        raise SettingError(f"fusion: {how!r} is unknown; use one of {', '.join(_WEIGHTS)}")
    ids = np.unique(np.concatenate([np.empty(0, np.int64), *(ranking.ids for ranking in rankings)]))
    total = np.zeros(len(ids), dtype=np.float64)
    for ranking in rankings:
        total[np.searchsorted(ids, ranking.ids)] += _WEIGHTS[how](ranking)
    return order(ids, total.astype(np.float32), len(ids) if k is None else k)


def _reciprocal_ranks(ranking: Ranking) -> NDArray[np.float64]:
    weights = 1.0 / (RANK_CONSTANT + 1.0 + np.arange(len(ranking)))
    return np.asarray(np.where(ranking.scores == 0, 0.0, weights), dtype=np.float64)


def _normalised_scores(ranking: Ranking) -> NDArray[np.float64]:
    scores = ranking.scores.astype(np.float64)
    if len(scores) == 0 or scores.max() == scores.min():
        return np.zeros_like(scores)
    return np.interp(scores, (scores.min(), scores.max()), (0.0, 1.0))


_WEIGHTS = {"rrf": _reciprocal_ranks, "sum": _normalised_scores}
