"""Principal components: the few directions along which descriptors differ most.

scikit-learn's ``PCA`` agrees but for the signs of components and float64 copies of all rows; here signs are
fixed, so that learnt arrays are the same everywhere, and memory is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import FitError, SettingError

CHUNK = 16_384
"""Rows that are converted to float64 at a time."""

_STATE = ("mean", "components", "variances")


@dataclass(eq=False)
class Pca:
    """Reduce descriptors to their principal components.

    Parameters
    ----------
    n_components : how many to keep, at least 1; all if descriptors have fewer dimensions.
    whiten : divide each component by its standard deviation over the sample to this power, in [0, 1]: 1 makes
        all count alike, ½ is halfway (Jégou and Chum, ECCV 2012, discuss what whitening brings).

    Attributes
    ----------
    mean_ : float32 (d,).
    components_ : float32 (n_components, d), orthonormal rows, largest variance first; in each row the value
        of largest magnitude is positive.
    variances_ : float32 (n_components,), never rising, along each component (divided by n − 1).
    """

    n_components: int
    whiten: float = 0.0
    mean_: NDArray[np.float32] = field(init=False, repr=False)
    components_: NDArray[np.float32] = field(init=False, repr=False)
    variances_: NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.n_components < 1:
            raise SettingError(f"n_components must be at least 1, not {self.n_components}")
        if not 0 <= self.whiten <= 1:
            raise SettingError(f"whiten must be from 0 to 1, not {self.whiten}")

    def fit(self, x: ArrayLike) -> Self:
        """Learn from x (n, d). Raise FitError if n is below 2 or a value is not finite."""
        rows = np.asarray(x)
        if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] == 0:
            raise FitError(
                f"principal components need at least two descriptors, not {rows.shape}; add images"
            )
        mean = rows.mean(axis=0, dtype=np.float64)
        covariance = _covariance(rows, mean)
        if not np.isfinite(covariance).all():
            raise FitError("descriptors must be finite to learn principal components of them")
        variances, vectors = np.linalg.eigh(covariance)  # rising; (d,), columns of (d, d)
        components = _with_fixed_signs(vectors.T[::-1][: self.n_components])
        self.mean_ = mean.astype(np.float32)
        self.components_ = np.ascontiguousarray(components, dtype=np.float32)
        self.variances_ = np.maximum(variances[::-1][: self.n_components], 0).astype(np.float32)
        return self

    def fit_few(self, x: ArrayLike) -> Self:
        """Learn from x (n, d) with fewer rows than dimensions, by way of their n × n products.

        What ``fit`` learns, but for components without variance, of which none is kept: n − 1 at most
        remain. Raises FitError if all rows are equal.
        """
        rows = np.asarray(x, dtype=np.float64)
        mean = rows.mean(axis=0)
        centred = rows - mean
        # If XXᵀv = λv then XᵀX(Xᵀv) = λ(Xᵀv): n × n products give the directions in d dimensions.
        variances, vectors = np.linalg.eigh(centred @ centred.T / max(1, len(rows) - 1))  # rising
        kept = np.flatnonzero(variances > 1e-9 * variances[-1])[::-1][: self.n_components]
        if not variances[-1] > 0:
            raise FitError(f"{len(rows)} equal vectors have no principal components; add other images")
        components = vectors.T[kept] @ centred
        components /= np.linalg.norm(components, axis=1, keepdims=True)
        self.mean_ = mean.astype(np.float32)
        self.components_ = np.ascontiguousarray(_with_fixed_signs(components), dtype=np.float32)
        self.variances_ = variances[kept].astype(np.float32)
        return self

    def transform(self, x: ArrayLike) -> NDArray[np.float32]:
        """Return the components of x (n, d), float32 (n, n_components).

        Whitening leaves components that have (all but) no variance at zero.
        """
        rows = np.asarray(x)
        projected = np.empty((len(rows), len(self.components_)), np.float32)
        # Piece by piece: of a whole sample of half floats two copies twice its size would be in memory.
        for first in range(0, len(rows), CHUNK):
            here = slice(first, first + CHUNK)
            np.matmul(
                np.asarray(rows[here], dtype=np.float32) - self.mean_, self.components_.T, out=projected[here]
            )
        if self.whiten:
            projected *= _reciprocal_deviations(self.variances_) ** np.float32(self.whiten)
        return projected

    @staticmethod
    def names(form: str) -> set[str]:
        """Return the names of the arrays under which a fitted instance is saved; see ``arrays``."""
        return {form.format(name) for name in _STATE}

    def arrays(self, form: str) -> dict[str, NDArray[Any]]:
        """Return what was learnt, to be saved.

        ``form`` makes the names: ``"shapes_{}"`` gives shapes_mean, shapes_components and shapes_variances.
        """
        return {form.format(name): getattr(self, f"{name}_") for name in _STATE}

    def restore(self, arrays: Mapping[str, NDArray[Any]], form: str) -> Self:
        """Take back what ``arrays`` returned, as copies. Raise KeyError if one is missing."""
        for name in _STATE:
            setattr(self, f"{name}_", np.array(arrays[form.format(name)]))
        return self


def _covariance(rows: NDArray[np.generic], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance (d, d) in chunks, so that no float64 copy of all rows is made."""
    total = np.zeros((len(mean), len(mean)))
    for start in range(0, len(rows), CHUNK):
        centred = rows[start : start + CHUNK].astype(np.float64) - mean
        total += centred.T @ centred
    return total / (len(rows) - 1)


def _with_fixed_signs(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each row so that its value of largest magnitude, the first of equals, is positive."""
    # Rounded, so that values that differ by noise are equals, of which the first decides.
    largest = np.argmax(np.abs(components).round(9), axis=1)
    return components * np.where(components[np.arange(len(components)), largest] < 0, -1.0, 1.0)[:, None]


def _reciprocal_deviations(variances: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / σ, and 0 if σ² is less than a millionth of the largest."""
    kept = variances > 1e-6 * variances[0]
    return np.where(kept, 1 / np.sqrt(np.where(kept, variances, 1)), 0).astype(np.float32)
