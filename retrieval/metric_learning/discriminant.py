"""The closed forms: whitening of the scatter within classes, and the directions in which classes differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
Classes = NDArray[np.intp]


def whiten_within(rows: Rows, classes: Classes, shrinkage: float) -> NDArray[np.float64]:
    """Return S^(−½), (d, d), where S is the covariance of the rows (n, d) about the means of their classes.

    Directions in which pictures of one class differ count less. S is shrunk towards a spherical one of the
    same trace: (1 − s)·S + s·tr(S)/d·I. Source: Hatch, Kajarekar and Stolcke, "Within-class covariance
    normalization", Interspeech 2006; the same as relevant component analysis, Shental et al., ECCV 2002.
    """
    means, _ = _means(rows, classes)
    about = rows - means[classes]  # (n, d), each row about the mean of its own class
    scatter = about.T @ about / len(rows)
    d = len(scatter)
    level = max(np.trace(scatter) / d, 1e-12)
    # Shrinking (Ledoit and Wolf 2004) keeps directions in which few rows happen not to vary from exploding.
    values, vectors = np.linalg.eigh((1 - shrinkage) * scatter + shrinkage * level * np.eye(d))
    return np.asarray((vectors / np.sqrt(np.maximum(values, 1e-6 * level))) @ vectors.T)


def discriminate(rows: Rows, classes: Classes) -> NDArray[np.float64]:
    """Return the directions (d, c) in which the means of classes differ, c at most their number − 1.

    On rows that are white within classes these are Fisher's discriminants (Rao, 1948).
    """
    means, counts = _means(rows, classes)
    # The rows' singular vectors are the eigenvectors of the scatter between classes, weighted by their sizes.
    about = (means - rows.mean(axis=0)) * np.sqrt(counts / len(rows))[:, None]
    _, lengths, directions = np.linalg.svd(about, full_matrices=False)
    kept = max(1, int(np.count_nonzero(lengths > 1e-9 * max(lengths[0], 1e-30))))
    return np.asarray(directions[: min(kept, len(means) - 1)].T)


def _means(rows: Rows, classes: Classes) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    counts = np.bincount(classes)
    sums = np.zeros((len(counts), rows.shape[1]))
    np.add.at(sums, classes, rows)
    return sums / counts[:, None], counts
