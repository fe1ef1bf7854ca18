"""The evaluation: many rankings of one index, measured on the same queries, with intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from ..errors import SettingError
from ..index.index import Index
from ..index.progress import Progress, silent
from ..index.storage.snapshot import Snapshot
from ..ranker import Ranking
from ..statistics.paired_tests import compare
from .calibration import Ballot
from .cross_fitting import cross_fitted
from .evaluation_options import EvaluationOptions
from .metric_systems import by_name
from .near_duplicates import Leak, LeakFinder
from .protocols import protocol
from .ranking_scores import Measures, ScoredQuery, Standard
from .result import Evaluation
from .systems import BASELINES, Mask, System, again, baselines, fused
from .task import EvaluationTask, prepare
from .trec import TrecFolder


def evaluate(
    index: Index, terms: EvaluationOptions, *, trec: Path | None = None, progress: Progress = silent
) -> Evaluation:
    """Rank for every query by every system, and measure; nothing is read but the index.

    Queries are stored vectors, whole rankings are measured, and memory holds one query's at a time. A picture
    without a label is neither asked nor found.

    Parameters
    ----------
    terms : what is measured, and on what.
    trec : a folder for a qrels file and a run of each system; files there are overwritten.

    Raises
    ------
    SettingError : no label, no query, no such representation, or terms that make no sense.
    """
    return index.ask(lambda snapshot: _evaluate(snapshot, terms, trec, progress))


def _evaluate(
    snapshot: Snapshot, terms: EvaluationOptions, trec: Path | None, progress: Progress
) -> Evaluation:
    setting = prepare(snapshot, terms)
    measures: Measures = (
        Standard(tuple(terms.cutoffs))
        if terms.protocol is None
        else protocol(terms.protocol, setting.judgements)
    )
    systems, weights = _systems(snapshot, terms, setting)
    finder = LeakFinder(snapshot, proposers(systems)) if terms.has_leaks else None
    return measure(
        snapshot, setting, systems, measures, finder=finder, weights=weights, trec=trec, progress=progress
    )


def measure(
    snapshot: Snapshot,
    setting: EvaluationTask,
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

    The systems speak of the positions of ``snapshot``; ``finder`` looks for near-duplicates, ``weights`` are
    passed on; ``chosen`` are the pairs that are compared, all but those of the random one where None.
    """
    names = [system.name for system in systems]
    shape = (len(measures.names), len(setting.queries))
    values = {name: np.full(shape, np.nan) for name in names}
    clean = {name: np.full(shape, np.nan) for name in names}
    leaks: list[Leak] = []
    ballots = {name: Ballot() for name in names}
    with nullcontext() if trec is None else TrecFolder(trec, names) as files:
        for i, position in enumerate(setting.queries.tolist()):
            allowed = setting.allowed(position)
            near = {} if finder is None else finder.find(position, allowed)
            leaks += [Leak(snapshot.names[position], snapshot.names[p], value) for p, value in near.items()]
            rankings = {system.name: system.rank(position, allowed) for system in systems}
            for name, ranking in rankings.items():
                answer = ScoredQuery(position, ranking, setting.judgements)
                own = measures.score(answer)
                ballots[name].cast(answer)
                values[name][:, i] = clean[name][:, i] = own
                if near:
                    left = ScoredQuery(position, _without(ranking, near), setting.judgements)
                    clean[name][:, i] = measures.score(left)
            if files is not None:
                _write(files, snapshot, setting, position, allowed, rankings)
            progress("ask", i + 1, len(setting.queries))
    main = measures.names.index(measures.main)
    compared = {name: row[main] for name, row in values.items() if name != "random"}
    groups, classes = setting.groups[setting.queries], setting.judgements.classes
    return Evaluation(
        measures=measures.names,
        main=measures.main,
        is_error=measures.is_error,
        queries=tuple(snapshot.names[p] for p in setting.queries.tolist()),
        classes=tuple(classes[p] for p in setting.queries.tolist()),
        groups=groups,
        values=values,
        clean=clean if leaks else None,
        leaks=tuple(leaks),
        n_database=int(setting.database.sum()),
        column=setting.column,
        n_unlabelled=setting.n_unlabelled,
        unmatched=setting.unmatched,
        comparisons=tuple(compare(compared, groups, chosen=chosen)),
        weights=weights or {},
        classified={n: c for n, ballot in ballots.items() if (c := ballot.counted(setting)) is not None},
    )


def proposers(systems: Sequence[System]) -> list[System]:
    """Return the systems whose nearest hits may be near-duplicates: those that rank by themselves."""
    return [s for s in systems if not (s.members or s.is_again or s.name == "random")]


def _systems(
    snapshot: Snapshot, terms: EvaluationOptions, setting: EvaluationTask
) -> tuple[list[System], dict[str, Mapping[str, float]]]:
    """Return what is measured: baselines, each representation, and fusions of those that stand together.

    Besides the weights of fusions that learn.
    """
    ways = [tuple(part.strip() for part in way.split(",")) for way in terms.by]
    if not ways:
        ways = [(name,) for name, b in snapshot.bindings.items() if b.is_fitted and name not in BASELINES]
    for way in ways:
        if len(set(way)) != len(way) or "" in way:
            raise SettingError(f"by: {','.join(way)}; name each representation once")
    if len(set(ways)) != len(ways):
        raise SettingError("by: a way of ranking is given twice; name each once")
    made = baselines(snapshot, terms.seed) if terms.baselines else []
    there = {system.name: system for system in made}
    single = {
        name: there.get(name) or by_name(snapshot, name, setting, terms.seed) for way in ways for name in way
    }
    alone = [way[0] for way in ways if len(way) == 1]
    made += [single[name] for name in alone if name not in there]
    sets = [way for way in ways if len(way) > 1]
    if len(alone) > 1:
        sets.append(tuple(alone))
    weights: dict[str, Mapping[str, float]] = {}
    for members in sets:
        parts = [single[name] for name in members]
        for how in terms.fusion:
            if how == "learnt":
                system, weights[f"{' & '.join(members)}, learnt"] = cross_fitted(parts, setting, terms.seed)
            else:
                system = fused(parts, how)
            made.append(system)
    if not made:
        raise SettingError("by: this index holds no fitted representation; run `semblance index` first")
    if terms.blind:
        made += [again(system, terms.blind) for system in made if system.name not in BASELINES]
    return made, weights


def _without(ranking: Ranking, near: Mapping[int, float]) -> Ranking:
    kept = ~np.isin(ranking.ids, list(near))
    return Ranking(ranking.ids[kept], ranking.scores[kept])


def _write(
    files: TrecFolder,
    snapshot: Snapshot,
    setting: EvaluationTask,
    position: int,
    allowed: Mask,
    rankings: Mapping[str, Ranking],
) -> None:
    """Write a query's judgements and rankings, but for one without any right answer, as the measures do."""
    gains = setting.judgements.gains(position)
    found = np.flatnonzero(allowed)
    if not gains[found].any():
        return
    query = snapshot.names[position]
    files.judge(query, [snapshot.names[p] for p in found.tolist()], gains[found])
    for name, ranking in rankings.items():
        files.rank(name, query, [snapshot.names[p] for p in ranking.ids.tolist()], ranking.scores)
