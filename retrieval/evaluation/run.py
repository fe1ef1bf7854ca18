"""The evaluation: many rankings of one index, measured on the same queries, with intervals and tests."""

from __future__ import annotations

from pathlib import Path

from ..index.index import Index
from ..index.progress import Progress, silent
from ..index.storage.snapshot import Snapshot
from .chosen_systems import chosen_systems, pair_proposers
from .evaluation_options import EvaluationOptions
from .leaks import LeakFinder
from .measure import measure
from .protocols import protocol
from .ranking_scores import Measures, Standard
from .result import Evaluation
from .task import prepare


def evaluate(
    index: Index, options: EvaluationOptions, *, trec: Path | None = None, progress: Progress = silent
) -> Evaluation:
    """Rank for every query by every system, and measure; nothing is read but the index.

    Queries are stored vectors, whole rankings are measured, and memory holds one query's at a time. A picture
    without a label is neither asked nor found.

    Parameters
    ----------
    options : what is measured, and on what.
    trec : a folder for a qrels file and a run of each system; files there are overwritten.

    Raises
    ------
    SettingError : no label, no query, no such representation, or options that make no sense.
    """
    return index.ask(lambda snapshot: _evaluate(snapshot, options, trec, progress))


def _evaluate(
    snapshot: Snapshot, options: EvaluationOptions, trec: Path | None, progress: Progress
) -> Evaluation:
    task = prepare(snapshot, options)
    measures: Measures = (
        Standard(tuple(options.cutoffs))
        if options.protocol is None
        else protocol(options.protocol, task.judgements)
    )
    systems, weights = chosen_systems(snapshot, options, task)
    # A fusion finds no copy that none of its members does, so only these propose pairs.
    finder = LeakFinder(snapshot, pair_proposers(systems)) if options.has_leaks else None
    return measure(
        snapshot, task, systems, measures, finder=finder, weights=weights, trec=trec, progress=progress
    )
