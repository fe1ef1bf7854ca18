"""The plain pipelines in a comparison: mAP on the queries of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.shared.plain_pipeline import PIPELINES, Scores, grey_bytes
from retrieval.evaluation.task import EvaluationTask
from retrieval.picture import Picture
from retrieval.statistics.tied_ranking import TiedRanking


def mean_ap(names: Sequence[str], task: EvaluationTask, read: Callable[[str], Picture]) -> dict[str, float]:
    """Return mAP in [0, 1] of each plain pipeline, by detector.

    Parameters
    ----------
    names : of the images of an index, by position.
    task : which of them are queries, what each may find, and what is right.
    read : returns the image of a name.
    """
    labelled = np.flatnonzero(task.judgements.known)
    # In the order of names, as ``benchmarks.quality.ablation`` has them: k-means depends on the order.
    positions = np.array(sorted(labelled.tolist(), key=lambda position: names[position]))
    images = [grey_bytes(read(names[position])) for position in positions]
    return {detector: _mean_ap(pipeline(images), positions, task) for detector, pipeline in PIPELINES.items()}


def _mean_ap(scores: Scores, positions: np.ndarray, task: EvaluationTask) -> float:
    """Return mAP of scores (n, n), whose rows and columns are images at ``positions`` (n,)."""
    row_of = {position: row for row, position in enumerate(positions.tolist())}
    found = []
    for query in task.queries.tolist():
        rows = np.flatnonzero(task.allowed(query)[positions])
        best = rows[np.argsort(-scores[row_of[query], rows], kind="stable")]
        right = task.judgements.gains(query)[positions[best]] > 0
        found.append(TiedRanking(right, scores[row_of[query], best]).average_precision())
    return float(np.nanmean(found))
