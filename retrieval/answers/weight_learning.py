"""Learning how much each ranking counts in a fusion, from queries whose right answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..statistics.tied_ranking import expected_precisions

Weights = tuple[float, ...]
_STEPS = 20
"""Weights are multiples of a twentieth, and sum to 1."""
_GRID_UP_TO = 3
"""Rankings of which all weights are tried: 231 of three, 1,771 of four."""
_GAIN = 1e-9
"""Least gain in mAP that counts; smaller ones are noise of rounding."""


def learn_weights(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> Weights:
    """Return the weights whose sum of scores has the best mean average precision on some queries.

    Up to three rankings all weights on a grid of twentieths are tried; of more, moves of weight from one
    ranking to another are made, from equal weights on, as long as one helps. Of equally good weights those
    nearest to equal ones are taken.

    Parameters
    ----------
    scores : float32 (n_rankings, n_queries, n_pictures), on one scale (``fusion.scaled``); NaN if a
        picture may not be found.
    relevant : bool (n_queries, n_pictures): the right answers.

    Raises
    ------
    SettingError : shapes that do not fit, or no query with a right answer.
    """
    if scores.ndim != 3 or scores.shape[1:] != relevant.shape or not len(scores):
        raise SettingError(f"scores: shape {scores.shape} does not fit judgements of {relevant.shape}")
    right = relevant & ~np.isnan(scores[0])
    asked = right.any(axis=1)
    if not asked.any():
        raise SettingError("queries: none has a right answer to learn from; give more labelled images")
    scores, right = scores[:, asked], right[asked]
    n = len(scores)

    def quality(weights: Weights) -> float:
        return mean_average_precision(np.tensordot(np.array(weights, np.float32), scores, axes=1), right)

    if n <= _GRID_UP_TO:
        # Equal weights first: others are taken only if they are better.
        tried = sorted(_grid(n), key=_unevenness)
        return _best(tried, quality)
    return _climb(n, quality)


def mean_average_precision(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """Return the expected mAP of scores (n_queries, n_pictures) over the orders of tied ones, NaN last.

    Every query has a relevant picture whose score is a number.
    """
    # NaN (may not be found) sorts last and is never relevant, so that it changes no precision before it.
    best_first = np.argsort(-scores, axis=1, kind="stable")
    hits = np.take_along_axis(relevant, best_first, axis=1)
    falling = np.take_along_axis(scores, best_first, axis=1)
    return float(np.mean(expected_precisions(hits, falling).sum(axis=1) / hits.sum(axis=1)))


def _best(tried: Sequence[Weights], quality: Callable[[Weights], float]) -> Weights:
    best, most = tried[0], quality(tried[0])
    for weights in tried[1:]:
        value = quality(weights)
        if value > most + _GAIN:
            best, most = weights, value
    return best


def _climb(n: int, quality: Callable[[Weights], float]) -> Weights:
    best: Weights = (1 / n,) * n
    most = quality(best)
    step = 4 / _STEPS  # a fifth, then halved until it is a twentieth
    while step >= 1 / _STEPS - 1e-9:
        moved = _best([best, *_moves(best, step)], quality)
        if moved == best:
            step /= 2
        else:
            best = moved
    assert quality(best) >= most
    return best


def _moves(weights: Weights, step: float) -> Iterator[Weights]:
    """Yield weights with up to ``step`` taken from one ranking and given to another."""
    for giver in range(len(weights)):
        for taker in range(len(weights)):
            amount = min(step, weights[giver])
            if giver != taker and amount > 0:
                moved = list(weights)
                moved[giver] -= amount
                moved[taker] += amount
                yield tuple(moved)


def _grid(n: int) -> Iterator[Weights]:
    """Yield all weights of n rankings that are multiples of a twentieth and sum to 1, and equal ones."""
    yield (1 / n,) * n
    # Stars and bars: n − 1 bars among the twentieths divide them among n rankings.
    for bars in combinations(range(_STEPS + n - 1), n - 1):
        edges = (-1, *bars, _STEPS + n - 1)
        yield tuple((high - low - 1) / _STEPS for low, high in pairwise(edges))


def _unevenness(weights: Weights) -> tuple[float, Weights]:
    return round(sum((w - 1 / len(weights)) ** 2 for w in weights), 9), weights
