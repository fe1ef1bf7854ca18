"""Validation: what embeddings are worth, every picture asking for those of its class in other patients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retrieval.statistics.measures import average_precision_at_r

Embeddings = NDArray[np.float32]


def relevances(
    embeddings: Embeddings, labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> list[NDArray[np.bool_]]:
    """Return for each picture which of the others are of its class, best first, its own group left out.

    Equal cosines are in the order of the positions.
    """
    found = []
    for i, embedding in enumerate(embeddings):
        order = np.argsort(-(embeddings @ embedding), kind="stable")
        order = order[groups[order] != groups[i]]
        found.append(labels[order] == labels[i])
    return found


def mean_over_queries(measure: Callable[[NDArray[np.bool_]], float], found: list[NDArray[np.bool_]]) -> float:
    """Return the mean of a measure over the queries that have an answer; NaN where none has."""
    values = [measure(each) for each in found if each.any()]
    return float(np.mean(values)) if values else float("nan")


def map_at_r(embeddings: Embeddings, labels: NDArray[np.int64], groups: NDArray[np.int64]) -> float:
    """Return MAP@R in [0, 1] of embeddings (n, d) of unit length, own groups left out of the answers."""
    return mean_over_queries(average_precision_at_r, relevances(embeddings, labels, groups))


def spread(embeddings: Embeddings) -> float:
    """Return 1 less the mean cosine of two embeddings (n, d) of unit length; 0 where all are equal."""
    n = len(embeddings)
    total = np.asarray(embeddings, dtype=np.float64).sum(axis=0)
    return float(1 - (total @ total - n) / (n * (n - 1)))
