"""Measuring: every system ranks for every query, and each ranking becomes a row of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from ..index.progress import Progress, silent
from ..index.storage.snapshot import Snapshot
from ..ranker import Ranking
from ..statistics.paired_tests import compare
from .calibration import ClassificationScores
from .leaks import Leak, LeakFinder
from .ranking_scores import Measures, unmoved
from .result import Evaluation
from .scored_query import ScoredQuery
from .systems import Mask, System
from .task import EvaluationTask
from .trec import TrecFolder


def measure(
    snapshot: Snapshot,
    task: EvaluationTask,
    systems: Sequence[System],
    measures: Measures,
    *,
    finder: LeakFinder | None = None,
    weights: Mapping[str, Mapping[str, float]] | None = None,
    chosen: Sequence[tuple[str, str]] | None = None,
    trec: Path | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Rank for every query by some systems, and measure; see ``evaluate``.

    The systems rank positions of ``snapshot``; ``finder`` looks for near-duplicates, ``weights`` are passed
    on; ``chosen`` are the pairs that are compared, all but those of the random one if None.
    """
    scores = _Scores(task, systems, measures)
    leaks: list[Leak] = []
    with nullcontext() if trec is None else TrecFolder(trec, list(scores.values)) as files:
        for i, position in enumerate(task.queries.tolist()):
            allowed = task.allowed(position)
            near = {} if finder is None else finder.near_duplicates(position, allowed)
            leaks += [Leak(snapshot.names[position], snapshot.names[p], value) for p, value in near.items()]
            # One mask for all systems: what is fused has just been ranked with this very mask, and is kept.
            rankings = {system.name: system.rank(position, allowed) for system in systems}
            scores.add(i, rankings, near)
            if files is not None:
                _write(files, snapshot, task, position, allowed, rankings)
            progress("ask", i + 1, len(task.queries))
    return scores.result(snapshot, leaks, weights or {}, chosen)


class _Scores:
    """The measures of each system, query by query, as they come in."""

    def __init__(self, task: EvaluationTask, systems: Sequence[System], measures: Measures) -> None:
        self._task, self._measures = task, measures
        self._knowing = tuple(system.name for system in systems if system.knows_labels)
        shape = (len(measures.names), len(task.queries))
        names = [system.name for system in systems]
        self.values = {name: np.full(shape, np.nan) for name in names}
        self._clean = {name: np.full(shape, np.nan) for name in names}
        self._n_tied = dict.fromkeys(names, 0)
        self._n_hits = dict.fromkeys(names, 0)
        self._classification = {name: ClassificationScores(task.copies) for name in names}

    def add(self, i: int, rankings: Mapping[str, Ranking], near: Mapping[int, float]) -> None:
        """Score the rankings for the i-th query, with its near-duplicates and without them."""
        position = int(self._task.queries[i])
        for name, ranking in rankings.items():
            answer = ScoredQuery(position, ranking, self._task.judgements)
            own = self._measures.score(answer)
            self._n_tied[name] += answer.tied.n_tied
            self._n_hits[name] += len(ranking)
            self._classification[name].add(answer)
            self.values[name][:, i] = self._clean[name][:, i] = own
            if near:
                left = ScoredQuery(position, _without(ranking, near), self._task.judgements)
                self._clean[name][:, i] = self._measures.score(left)

    def result(
        self,
        snapshot: Snapshot,
        leaks: Sequence[Leak],
        weights: Mapping[str, Mapping[str, float]],
        chosen: Sequence[tuple[str, str]] | None,
    ) -> Evaluation:
        """Return all that was measured, with the systems compared."""
        task, measures, classes = self._task, self._measures, self._task.judgements.classes
        # One person under two names is one draw of the bootstrap, not two that agree.
        groups = task.apart[task.queries]
        compared_by = unmoved(measures) if self._knowing else measures.main
        row_of = measures.names.index(compared_by)
        # The random order is there to be looked at: comparing it would cost the others in Holm's correction.
        compared = {name: rows[row_of] for name, rows in self.values.items() if name != "random"}
        called = {name: scores.summary(task) for name, scores in self._classification.items()}
        return Evaluation(
            measures=measures.names,
            main=measures.main,
            compared_by=compared_by,
            knowing=self._knowing,
            is_error=measures.is_error,
            queries=tuple(snapshot.names[p] for p in task.queries.tolist()),
            classes=tuple(classes[p] for p in task.queries.tolist()),
            groups=groups,
            n_joined=task.n_joined,
            values=self.values,
            clean=self._clean if leaks else None,
            leaks=tuple(leaks),
            n_database=int(task.database.sum()),
            column=task.column,
            n_unlabelled=task.n_unlabelled,
            unmatched=task.unmatched,
            comparisons=tuple(compare(compared, groups, chosen=chosen)),
            weights=weights,
            # Equal images share a place in the random order, which says nothing of any system.
            ties={
                name: n / max(1, self._n_hits[name])
                for name, n in self._n_tied.items()
                if n and name != "random"
            },
            classified={name: summary for name, summary in called.items() if summary is not None},
        )


def _without(ranking: Ranking, near: Mapping[int, float]) -> Ranking:
    kept = ~np.isin(ranking.ids, list(near))
    return Ranking(ranking.ids[kept], ranking.scores[kept])


def _write(
    files: TrecFolder,
    snapshot: Snapshot,
    task: EvaluationTask,
    position: int,
    allowed: Mask,
    rankings: Mapping[str, Ranking],
) -> None:
    """Write a query's judgements and rankings, but for one without any right answer, as the measures do."""
    gains = task.judgements.gains(position)
    found = np.flatnonzero(allowed)
    if not gains[found].any():
        return
    query = snapshot.names[position]
    files.judge(query, [snapshot.names[p] for p in found.tolist()], gains[found])
    for name, ranking in rankings.items():
        files.rank(name, query, [snapshot.names[p] for p in ranking.ids.tolist()], ranking.scores)
