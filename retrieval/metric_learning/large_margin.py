"""The large margin: neighbours of one class are pulled together, others are pushed a margin away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .discriminant import Classes, Rows

_NEIGHBOURS = 3
"""Targets of a row: the nearest of its own class."""
_PUSH = 0.5
"""c of equation 13."""


def large_margin(rows: Rows, classes: Classes, rounds: int) -> NDArray[np.float64]:
    """Return A, (d, d), that minimises a hinge over the rows (n, d), from A = I and in few rounds.

    (1 − c)·mean_ij d(i, j) + c·mean_ij Σ_l [1 + d(i, j) − d(i, l)]₊, c = ½, where d is the squared distance
    after A, j one of the 3 nearest of i's own class before it, and l any row of another class. Source:
    Weinberger and Saul, "Distance metric learning for large margin nearest neighbor classification", JMLR
    2009, equation 13; minimised over A itself (their section 3.4.2) by L-BFGS.
    """
    d = rows.shape[1]
    targets = _targets(rows, classes)
    # The hinge has a margin of 1: rows are scaled so that this is the mean squared distance to a target.
    scale = np.sqrt(((rows[:, None] - rows[targets]) ** 2).sum(axis=2).mean())
    scaled = rows / scale
    start = np.eye(d)
    from scipy.optimize import minimize

    found = minimize(
        lambda flat: loss(flat.reshape(d, d), scaled, classes, targets),
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": rounds},
    )
    return np.asarray(found.x.reshape(d, d))


def loss(
    linear: NDArray[np.float64], rows: Rows, classes: Classes, targets: NDArray[np.intp]
) -> tuple[float, NDArray[np.float64]]:
    """Return the hinge and its gradient, ravelled (d · k,), at a linear map (d, k); targets are (n, m)."""
    n, m = targets.shape
    distances = squared_distances(rows @ linear)  # (n, n)
    is_other = classes[:, None] != classes
    weights = np.zeros((n, n))
    total = 0.0
    who = np.arange(n)
    for target in targets.T:  # one target of every row at a time, so that memory stays (n, n)
        pull = distances[who, target]
        gap = np.where(is_other, 1 + pull[:, None] - distances, 0)
        is_near = gap > 0
        total += (1 - _PUSH) * float(pull.sum()) + _PUSH * float(gap[is_near].sum())
        # Weights of pairs in the gradient: −c of an impostor, (1 − c) + c · (impostors) of a target.
        weights -= _PUSH * is_near
        weights[who, target] += (1 - _PUSH) + _PUSH * is_near.sum(axis=1)
    weights = (weights + weights.T) / (n * m)
    # Σ w_ij (x_i − x_j)(x_i − x_j)ᵀ over all pairs is XᵀLX, L the Laplacian of the symmetric weights.
    pulled = rows.T @ (weights.sum(axis=1)[:, None] * rows - weights @ rows)
    return total / (n * m), (2 * pulled @ linear).ravel()


def squared_distances(rows: Rows) -> NDArray[np.float64]:
    """Return the squared Euclidean distance of every row to every row, (n, n), never negative."""
    squares = (rows**2).sum(axis=1)
    return np.asarray(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0))


def _targets(rows: Rows, classes: Classes) -> NDArray[np.intp]:
    """Return for each row the nearest of its own class, (n, m); rows of small classes repeat theirs."""
    distances = squared_distances(rows)
    np.fill_diagonal(distances, np.inf)
    distances[classes[:, None] != classes] = np.inf
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :_NEIGHBOURS]
    # A class of two has one target; its place is repeated, so that the array stays rectangular.
    n_own = np.bincount(classes)[classes] - 1
    places = np.minimum(np.arange(nearest.shape[1]), n_own[:, None] - 1)
    return np.take_along_axis(nearest, places, axis=1)
