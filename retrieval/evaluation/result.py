"""The result of an evaluation: what was measured, query by query, and its means and intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..statistics.measures import bootstrap_interval
from ..statistics.paired_tests import Comparison
from .calibration import Classified
from .leaks import Leak
from .ranking_scores import means

Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured, query by query.

    Parameters
    ----------
    measures : names of what was measured; ``main`` comes first in tables, and ``is_error`` says that less of
        it is better.
    queries, classes, groups : of each query: id, class, and group (n_queries,), which is what is resampled;
        groups that share near-duplicates are one.
    n_joined : how many groups of queries are one with another for sharing near-duplicates.
    values : float (n_measures, n_queries) for each system; NaN if nothing in the database is right.
    clean : the same with near-duplicates left out of the answers; None if there are none.
    leaks : the near-duplicates.
    n_database : how many pictures can be found.
    column : whose value the query shares with no answer; None: only the query itself is left out.
    n_unlabelled, unmatched : see ``EvaluationTask``.
    comparisons : each pair of systems but for the random one, by the measure ``compared_by``.
    classified : the quality of the labels that neighbours vote for, by system.
    ties : by system, the share of all hits that have the score of another hit of the same query; none if
        there are none. Measures are expected values over the orders of tied hits.
    weights : of fusions that learn, by system: the mean weight of each member.
    compared_by : the main measure; R-precision if a system knows labels of what it finds; empty for the main.
    knowing : systems that learnt from labels of the images that they find, if not from the query's.
    """

    measures: tuple[str, ...]
    main: str
    is_error: bool
    queries: tuple[str, ...]
    classes: tuple[str, ...]
    groups: NDArray[np.int64]
    values: Mapping[str, Scores]
    clean: Mapping[str, Scores] | None
    leaks: tuple[Leak, ...]
    n_database: int
    column: str | None
    n_unlabelled: int
    unmatched: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    n_joined: int = 0
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    classified: Mapping[str, Classified] = field(default_factory=dict)
    ties: Mapping[str, float] = field(default_factory=dict)
    compared_by: str = ""
    knowing: tuple[str, ...] = ()

    def mean(self, system: str, measure: str) -> float:
        """Return the mean over queries (micro average)."""
        return float(means(self.of(system, measure)))

    def clean_mean(self, system: str, measure: str) -> float:
        """Return the mean over queries, near-duplicates left out of the answers."""
        # Without leaks nothing was left out, and the two are the same.
        values = self.values if self.clean is None else self.clean
        return float(means(values[system][self.measures.index(measure)]))

    def interval(self, system: str, measure: str) -> tuple[float, float]:
        """Return the 95 % interval of the mean, by bootstrap over groups; NaN if there is but one."""
        # An error has no upper bound; what is no error is a share.
        most = np.inf if self.is_error else 1.0
        return bootstrap_interval(self.of(system, measure), self.groups, bounds=(0.0, most))

    def macro(self, system: str, measure: str) -> float:
        """Return the mean over classes of the mean over their queries."""
        return float(means(np.array(list(self.per_class(system, measure).values()))))

    def per_class(self, system: str, measure: str) -> dict[str, float]:
        """Return the mean over the queries of each class."""
        row, names = self.of(system, measure), np.array(self.classes, dtype=object)
        return {name: float(means(row[names == name])) for name in sorted(set(self.classes))}

    def of(self, system: str, measure: str) -> Scores:
        """Return a measure query by query, float (n_queries,)."""
        return np.asarray(self.values[system][self.measures.index(measure)], dtype=np.float64)

    def rows(self) -> list[dict[str, Any]]:
        """Return all means as a table: a row for each system, measure and class.

        ``class`` is empty for all queries together; ``low`` and ``high`` bound the 95 % interval. NaN is what
        is not known.
        """
        return [row for system in self.values for name in self.measures for row in self._rows(system, name)]

    def _rows(self, system: str, measure: str) -> Iterator[dict[str, Any]]:
        low, high = self.interval(system, measure)
        about = {"system": system, "measure": measure}
        yield {
            **about,
            "class": "",
            "queries": len(self.queries),
            "mean": self.mean(system, measure),
            "low": low,
            "high": high,
            "macro": self.macro(system, measure),
            "clean": self.clean_mean(system, measure),
        }
        # Classes are too small for intervals of their own.
        unknown = dict.fromkeys(("low", "high", "macro", "clean"), nan)
        for name, mean in self.per_class(system, measure).items():
            yield {**about, "class": name, "queries": self.classes.count(name), "mean": mean, **unknown}

    @property
    def n_measured(self) -> int:
        """How many queries have a right answer in the database."""
        row = next(iter(self.values.values()))[self.measures.index(self.main)]
        return int(np.count_nonzero(~np.isnan(row)))
