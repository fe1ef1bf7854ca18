"""Classification under evaluation: how often the neighbours' vote is right, and how true its confidence."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..answers.knn import UNSURE, calibrate, n_voting, vote
from ..statistics.calibration_measures import brier, expected_calibration_error
from ..statistics.measures import bootstrap_interval
from .cross_fitting import FOLDS, folds
from .scored_query import ScoredQuery
from .task import EvaluationTask

NEIGHBOURS = 10


@dataclass(frozen=True)
class Classified:
    """The quality of the labels that the ten nearest vote for; see ``retrieval.answers.knn``.

    Parameters
    ----------
    accuracy : share that is right, and ``low`` to ``high`` its 95 % interval by bootstrap over groups, those
        that share near-duplicates as one.
    calibration_error : expected calibration error of the confidence, whose calibration was learnt from the
        queries of other groups (five folds); ``raw_error`` is that of the share of votes as it is.
    brier : Brier score of the confidence.
    unknown : share of "don't know", a confidence below a half; ``accuracy_known`` is that of the
        others, NaN if there are none.
    n : queries.
    """

    accuracy: float
    low: float
    high: float
    calibration_error: float
    raw_error: float
    brier: float
    unknown: float
    accuracy_known: float
    n: int


@dataclass
class ClassificationScores:
    """Collect the votes for the queries of one system, one after the other.

    Of each query that has a right answer: the share of the label with the most votes, whether it is right,
    and the position.

    Parameters
    ----------
    copies : int64, of each picture by position, equal for near-duplicates, which vote once; None if there are
        none.
    """

    copies: NDArray[np.int64] | None = None
    shares: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    def add(self, answer: ScoredQuery) -> None:
        """Let the nearest vote; nothing if no right answer can be found."""
        # A query that no answer can be right for would count as an error that no ranking can avoid.
        if not (answer.gains > 0).any():
            return
        labels, scores = self._voters(answer)
        shares = vote(labels, scores, NEIGHBOURS)
        called = next(iter(shares), None)
        self.positions.append(answer.position)
        self.shares.append(shares[called] if called is not None else 0.0)
        self.right.append(called is not None and answer.judgements.is_right(answer.position, called))

    def _voters(self, answer: ScoredQuery) -> tuple[list[set[str]], NDArray[np.float32]]:
        """Return labels and scores of who votes, best first: near-duplicates as one, the query's left out."""
        ids, scores, known = answer.ranking.ids, answer.ranking.scores, answer.judgements.labels
        if self.copies is None:
            n = n_voting(scores, NEIGHBOURS)
            return [set(known[one]) for one in ids[:n].tolist()], scores[:n]
        labels: dict[int, set[str]] = {}
        voting: list[float] = []
        own, copies = int(self.copies[answer.position]), self.copies[ids]
        for one, copy, score in zip(ids.tolist(), copies.tolist(), scores.tolist(), strict=True):
            # What has the score of the last one that votes does so too.
            if len(voting) >= NEIGHBOURS and score < voting[NEIGHBOURS - 1]:
                break
            if copy != own and copy not in labels:
                voting.append(score)
            # A copy votes for what either name says, as in an answer of the index.
            labels.setdefault(copy, set()).update(known[one])
        labels.pop(own, None)
        return list(labels.values()), np.array(voting, dtype=np.float32)

    def summary(self, task: EvaluationTask, seed: int = 0) -> Classified | None:
        """Calibrate by folds and summarise; None if there was no vote."""
        if not self.right:
            return None
        shares, right = np.array(self.shares), np.array(self.right)
        positions = np.array(self.positions, dtype=np.int64)
        # The label of a query must not tell how sure its own answer is: five folds of whole groups.
        once = np.zeros(len(positions), dtype=np.bool_)
        once[np.unique(task.copies[positions], return_index=True)[1]] = True
        confidence = _confidence(shares, right, folds(task, positions, FOLDS, seed), once)
        known = confidence >= UNSURE
        low, high = bootstrap_interval(right.astype(np.float64), task.apart[positions], bounds=(0.0, 1.0))
        return Classified(
            float(right.mean()),
            low,
            high,
            expected_calibration_error(confidence, right),
            expected_calibration_error(shares, right),
            brier(confidence, right),
            float(1 - known.mean()),
            float(right[known].mean()) if known.any() else float("nan"),
            len(right),
        )


def _confidence(
    shares: NDArray[np.float64], right: NDArray[np.bool_], fold: NDArray[np.int64], once: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the confidence of each answer, calibrated on those of the other folds, each image ``once``."""
    found = np.empty(len(shares))  # float64 (n,)
    for number in np.unique(fold).tolist():
        own = fold == number
        others = ~own & once
        found[own] = calibrate(shares[others], right[others]).confidence(shares[own])
    return found
