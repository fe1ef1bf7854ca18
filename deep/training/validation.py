"""Validation: how well embeddings retrieve images of the same class in other patients, each image a query."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retrieval.statistics.measures import average_precision_at_r

Embeddings = NDArray[np.float32]


def relevances(
    embeddings: Embeddings, labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> list[NDArray[np.bool_]]:
    """Return for each image which of the others are of its class, best first, its own group left out.

    Equal cosines are in the order of the positions.
    """
    found = []
    for i, embedding in enumerate(embeddings):
        order = np.argsort(-(embeddings @ embedding), kind="stable")  # (n,)
        order = order[groups[order] != groups[i]]  # the image itself is of its own group
        found.append(labels[order] == labels[i])
    return found


def mean_over_queries(measure: Callable[[NDArray[np.bool_]], float], found: list[NDArray[np.bool_]]) -> float:
    """Return the mean of a measure over the queries that have an answer; NaN if none has."""
    values = [measure(each) for each in found if each.any()]
    return float(np.mean(values)) if values else float("nan")


def map_at_r(embeddings: Embeddings, labels: NDArray[np.int64], groups: NDArray[np.int64]) -> float:
    """Return MAP@R in [0, 1] of embeddings (n, d) of unit length, own groups left out of the answers."""
    return mean_over_queries(average_precision_at_r, relevances(embeddings, labels, groups))


def spread(embeddings: Embeddings) -> float:
    """Return 1 minus the mean cosine of two embeddings (n, d) of unit length; 0 if all are equal."""
    n = len(embeddings)
    # ‖Σ x‖² = n + Σ over ordered pairs x·y: no (n, n) matrix is needed.
    total = np.asarray(embeddings, dtype=np.float64).sum(axis=0)
    return float(1 - (total @ total - n) / (n * (n - 1)))
