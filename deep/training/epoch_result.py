"""Results of one epoch, and whether a training has collapsed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from retrieval.errors import FitError

COLLAPSED = 0.01
"""Spread below which embeddings count as all equal, or a tenth of the start's spread if that is less."""

_ROUNDING = 1e-6  # spread that rounding leaves between equal embeddings


@dataclass(frozen=True)
class EpochResult:
    """Results of one epoch; epoch 0 is the network before any training, and has no loss.

    Parameters
    ----------
    number : from 0.
    loss : the mean over its batches.
    map_at_r : of the held-out images, in [0, 1].
    spread : 1 minus the mean cosine of two held-out images.
    seconds : it took.
    """

    number: int
    loss: float | None
    map_at_r: float
    spread: float
    seconds: float


def least_spread(start: EpochResult) -> float:
    """Return the spread at or below which a training that began with ``start`` has collapsed."""
    return max(_ROUNDING, min(COLLAPSED, start.spread / 10))


def refuse_collapse(result: EpochResult, least: float) -> None:
    """Raise FitError if the spread is not above ``least``: all embeddings have become equal.

    A training does not leave this state: the gradient of every distance is 0 there.
    """
    if result.spread > least and math.isfinite(result.spread):
        return
    if result.number == 0:
        raise FitError(
            "all embeddings are equal before any training: the held-out images look the same to the "
            "network; check the images and their --window, or begin --from bundled"
        )
    raise FitError(
        f"all embeddings are equal after epoch {result.number} (mean cosine {1 - result.spread:.4f}): "
        "the training collapsed; lower --learning-rate, raise --margin, or choose --mining semi-hard"
    )
