"""Scoring: the measures of one ranking for one query, as a row of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from .relevance import Judgements
from .scored_query import ScoredQuery
from .tied_orders import mean_over_orders

CUTOFFS = (1, 5, 10)


class Measures(Protocol):
    """A set of measures, each one number a query; NaN if it says nothing of it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The measures, in the order of ``score``."""
        ...

    @property
    def main(self) -> str:
        """The one that systems are compared by."""
        ...

    @property
    def is_error(self) -> bool:
        """Tell whether less of it is better."""
        ...

    def score(self, answer: ScoredQuery) -> list[float]:
        """Return each measure of a ranking."""
        ...


def unmoved(measures: Measures) -> str:
    """Return the measure that compares systems, one of which learnt from labels of the images it finds.

    Learning from labels brings the images of a label together, so that either many relevant ones are ranked
    high or none is. That raises mean average precision for random labels, too, but not R-precision, the share
    of relevant images among the first R.
    """
    return "R-prec" if measures.main == "mAP" else measures.main


@dataclass(frozen=True)
class Standard:
    """The measures of information retrieval, as trec_eval computes them, and votes.

    Precision, accuracy (any hit right) and majority vote of the first k, for each k of ``cutoffs``;
    R-precision, average precision, MAP@R, bpref, and nDCG of the first ten.

    Raises
    ------
    SettingError : no cutoff, or one below 1.
    """

    cutoffs: tuple[int, ...] = CUTOFFS
    main: str = "mAP"
    is_error: bool = False

    def __post_init__(self) -> None:
        if not self.cutoffs or min(self.cutoffs) < 1:
            raise SettingError("cutoffs: give whole numbers of at least 1")

    @property
    def names(self) -> tuple[str, ...]:
        """The measures, in the order of ``score``."""
        several = [f"{kind}@{k}" for kind in ("P", "ACC", "MV") for k in self.cutoffs]
        return ("mAP", "MAP@R", "R-prec", "nDCG@10", "bpref", *several)

    def score(self, answer: ScoredQuery) -> list[float]:
        """Return each measure of a ranking; NaN in all if nothing is right.

        The expected value over the orders of tied hits, so that it does not depend on the names of files.
        """
        tied = answer.tied
        if not tied.relevant.any():
            return [float("nan")] * len(self.names)
        return [
            tied.average_precision(),
            tied.average_precision_at_r(),
            tied.r_precision(),
            tied.ndcg_at(10),
            tied.bpref(),
            *(tied.precision_at(k) for k in self.cutoffs),
            *(tied.hit_at(k) for k in self.cutoffs),
            *(_majority_right(answer, k) for k in self.cutoffs),
        ]


def _majority_right(answer: ScoredQuery, k: int) -> float:
    """Return the probability that the majority of the first k hits is right."""
    judgements = answer.judgements

    def is_right(first: list[int]) -> list[float]:
        return [float(judgements.is_right(answer.position, majority(judgements, first)))]

    return mean_over_orders(answer, k, is_right)[0]


def majority(judgements: Judgements, found: Sequence[int]) -> str | None:
    """Return the label that most of some hits carry; of equally common ones that of the better hit."""
    # A dict keeps the order of its first hits, and max takes the first of equals.
    counts: dict[str, int] = {}
    for position in found:
        for label in judgements.labels[position]:
            counts[label] = counts.get(label, 0) + 1
    return max(counts, key=lambda label: counts[label], default=None)


def means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means over the queries (last axis) for which a measure says something; NaN if none."""
    # A query without a right answer says nothing of a ranking, as in trec_eval.
    known = ~np.isnan(values)
    counts = known.sum(axis=-1)
    sums = np.where(known, values, 0.0).sum(axis=-1)
    return np.asarray(np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0))
