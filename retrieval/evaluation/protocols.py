"""Published protocols: measures exactly as papers computed them, so that figures can stand beside theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SettingError
from ..statistics.measures import majority_at, published_average_precision_at
from .irma import Code, IrmaError
from .ranking_scores import Measures
from .relevance import Judgements
from .scored_query import ScoredQuery
from .tied_orders import mean_over_orders

PROTOCOLS = ("medmnist", "denner", "irma")


@dataclass(frozen=True)
class MedMnist:
    """Mahbod et al. 2025: ACC@1, 3 and 5, mMV@5, and mAP@5 as they publish it.

    ACC@k: any of the first k hits is right. mMV@5: no label is commoner among the first five, ties are right.
    Their mAP@5 divides by the hits that were found, and so inflates. The database is the train split, the
    queries are the test split; they rank by Euclidean distance of unscaled features, we by the index's own
    score.
    """

    names: tuple[str, ...] = ("ACC@1", "ACC@3", "ACC@5", "mMV@5", "mAP@5, published")
    main: str = "ACC@1"
    is_error: bool = False

    def score(self, answer: ScoredQuery) -> list[float]:
        """Return each measure of a ranking, expected over the orders of tied hits."""
        return [
            *(answer.tied.hit_at(k) for k in (1, 3, 5)),
            *mean_over_orders(answer, 5, lambda first: self._first_five(answer, first)),
        ]

    def _first_five(self, answer: ScoredQuery, first: Sequence[int]) -> list[float]:
        judgements = answer.judgements
        # A picture of several labels is one class of its own: the papers have one label a picture.
        near = [";".join(judgements.labels[position]) for position in first]
        relevant = judgements.gains(answer.position)[first] > 0
        return [
            float(majority_at(near, ";".join(answer.labels), 5)),
            published_average_precision_at(relevant, 5),
        ]


@dataclass(frozen=True)
class Denner:
    """Denner et al. 2025: P@N with N capped by how many right pictures the database holds.

    P@N = right hits among the first N / min(N, class size). NaN if the database holds none. The micro
    average is over queries, the macro average over classes.
    """

    cutoffs: tuple[int, ...] = (1, 3, 5, 10)
    main: str = "P@10, capped"
    is_error: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The measures, in the order of ``score``."""
        return tuple(f"P@{n}, capped" for n in self.cutoffs)

    def score(self, answer: ScoredQuery) -> list[float]:
        """Return each measure of a ranking, expected over the orders of tied hits."""
        # All right answers are in the ranking, so their number is the size of the class in the database.
        size = int(answer.tied.relevant.sum())
        if size == 0:
            return [float("nan")] * len(self.cutoffs)
        right = answer.tied.expected_gains(answer.tied.relevant)
        return [float(right[:n].sum() / min(n, size)) for n in self.cutoffs]


def protocol(name: str, judgements: Judgements) -> Measures:
    """Return the measures of a published protocol.

    Raises
    ------
    SettingError : no such protocol, or labels that it cannot use.
    """
    if name == "medmnist":
        return MedMnist()
    if name == "denner":
        return Denner()
    if name == "irma":
        several = next((cell for cell in judgements.labels if len(cell) > 1), None)
        if several:
            raise SettingError(f"label: an image has {len(several)} codes; the IRMA error wants one")
        return IrmaError(Code(judgements.kinds))
    raise SettingError(f"protocol: {name!r} is unknown; one of {', '.join(PROTOCOLS)}")
