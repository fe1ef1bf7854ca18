"""Calibration measures: how far a confidence is from how often it is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Return how far confidence is from being right, on average, in [0, 1] (Guo et al. 2017, equation 3).

    The mean over all n of the gap, in its bin, between the share that is right and the mean confidence.

    Parameters
    ----------
    confidence : in [0, 1], (n,).
    right : bool (n,). Of nothing the error is NaN.
    bins : of equal width, at least 1; a confidence on a border belongs to the upper one, 1 to the last.

    Raises
    ------
    ValueError : shapes that do not fit, or bins below 1.
    """
    sure, flags = _pair(confidence, right)
    if bins < 1:
        raise ValueError(f"bins: {bins} hold nothing; give at least 1")
    if len(sure) == 0:
        return float("nan")
    bin = np.clip((sure * bins).astype(np.int64), 0, bins - 1)
    # Σ_b n_b/n · |accuracy_b − confidence_b|; n_b cancels, so that sums are compared instead of means.
    gaps = np.bincount(bin, flags, minlength=bins) - np.bincount(bin, sure, minlength=bins)
    return float(np.abs(gaps).sum() / len(sure))


def brier(confidence: ArrayLike, right: ArrayLike) -> float:
    """Return the mean of (confidence − right)², in [0, 1] (Brier 1950); NaN of nothing.

    ``confidence`` in [0, 1] and bool ``right`` are (n,). ValueError if they do not fit.
    """
    sure, flags = _pair(confidence, right)
    return float(np.mean((sure - flags) ** 2)) if len(sure) else float("nan")


def _pair(confidence: ArrayLike, right: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sure = np.asarray(confidence, dtype=np.float64)
    flags = np.asarray(right, dtype=np.bool_).astype(np.float64)
    if sure.shape != flags.shape or sure.ndim != 1:
        raise ValueError(f"confidence: {sure.shape} for right {flags.shape}; give one each, (n,)")
    return sure, flags
