"""The kind of an image: does it come from another modality than all that a sample holds?

Likeness by a representation does not tell: a bag of words of a brain MR finds words as like in an ultrasound
as another ultrasound does. Three plain properties do: how often each grey level is, how power falls with
frequency (the resolution, noise and texture of a modality), and how colourful the image is. A query is of
another kind if it is farther from the sample than nearly all images of the sample are from those of other
cases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

OTHER_KIND = 0.05
"""At most this share of the sample is as far from the others as a query of another kind."""
FEWEST = 60
"""Minimum size of a sample: 5 % of fewer images is less than three of them."""

_SIDE = 128
_LEVELS, _RINGS = 16, 16
_BLOCKS = (slice(0, _LEVELS), slice(_LEVELS, _LEVELS + _RINGS), slice(_LEVELS + _RINGS, _LEVELS + _RINGS + 4))
"""Grey levels, power by frequency, and colour."""
_NEAREST = 3


def describe_kind(image: NDArray[np.float32]) -> Floats:
    """Return what kind of image it is, float64 (36,).

    ``image`` is (rows, cols) or (rows, cols, 3) in [0, 1]: a thumbnail, so that the size of a file does not
    decide. The roots of the shares of 16 grey levels; the logarithm of the mean power in 16 rings of
    frequency, equally wide in their logarithm; the mean of two opponent colours, and mean and deviation of
    the saturation.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    levels = np.sqrt(np.histogram(grey, _LEVELS, (0, 1))[0] / grey.size)
    window, ring = _rings()
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    power = np.abs(np.fft.rfft2((small - small.mean()) * window)) ** 2
    sums = np.bincount(ring.ravel(), power.ravel(), minlength=_RINGS + 2)[1:-1]
    counts = np.bincount(ring.ravel(), minlength=_RINGS + 2)[1:-1]
    return np.concatenate([levels, np.log(sums / counts + 1e-6), _colour(image)])


def _colour(image: NDArray[np.float32]) -> Floats:
    """Return how colourful an image is, float64 (4,)."""
    if image.ndim == 2:
        return np.zeros(4)  # what three equal channels come to, at a tenth of the time
    planes = [image[:, :, channel] for channel in range(3)]
    red, green, blue = (float(plane.mean(dtype=np.float64)) for plane in planes)
    # Plane by plane: NumPy takes ten times as long along a last axis of three.
    saturation = np.maximum.reduce(planes) - np.minimum.reduce(planes)
    return np.array([red - green, (red + green) / 2 - blue, saturation.mean(), saturation.std()])


@dataclass(frozen=True, eq=False)
class KindSample:
    """A sample of images, by which a query is judged.

    Parameters
    ----------
    rows : float64 (n, 36), see ``describe_kind``.
    cases : int64 (n,): images of one case are not compared, since they are alike for being of one patient.
    """

    rows: Floats
    cases: NDArray[np.int64]
    _scaled: Floats = field(init=False, repr=False)
    _centre: Floats = field(init=False, repr=False)
    _scale: Floats = field(init=False, repr=False)
    _own: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        centre, scale = self.rows.mean(axis=0), _scale_of(self.rows)
        scaled = (self.rows - centre) / scale
        for name, value in (("_centre", centre), ("_scale", scale), ("_scaled", scaled)):
            object.__setattr__(self, name, value)
        own = [self._distance(row, self.cases != case) for row, case in zip(scaled, self.cases, strict=True)]
        object.__setattr__(self, "_own", np.array(own))

    def share_as_far(self, row: Floats, cases: ArrayLike = ()) -> float:
        """Return the share of the sample that is at least as far from the rest as a query, in (0, 1].

        The query counts as one of the sample: (1 + number) / (1 + size) (Phipson and Smyth 2010). ``row`` is
        (36,); images of the query's own ``cases`` are left out.
        """
        others = ~np.isin(self.cases, np.asarray(cases, dtype=np.int64))
        if not others.any():
            return 1.0
        distance = self._distance((row - self._centre) / self._scale, others)
        n_as_far, n = np.count_nonzero(self._own[others] >= distance), np.count_nonzero(others)
        return float((1 + n_as_far) / (1 + n))

    def _distance(self, row: Floats, others: NDArray[np.bool_]) -> float:
        """Return the mean distance of a row to its three nearest others; 0 without others."""
        # Three, so that one stray image of the other kind does not make it familiar.
        distances = np.sort(np.linalg.norm(self._scaled[others] - row, axis=1))
        return float(distances[:_NEAREST].mean()) if len(distances) else 0.0


def _scale_of(rows: Floats) -> Floats:
    """Return what each value is divided by, (36,), so that the three properties count alike."""
    deviations = rows.std(axis=0)
    scale = np.empty_like(deviations)
    for block in _BLOCKS:
        own = deviations[block]
        # Rings and colours by their own deviation, but for those that hardly vary: noise must not decide.
        scale[block] = np.sqrt(len(own)) * np.maximum(own, 0.05 * own.max() + 1e-6)
    # Levels are shares of one whole: together by their total deviation, so that rare levels stay rare.
    scale[_BLOCKS[0]] = np.sqrt((deviations[_BLOCKS[0]] ** 2).sum()) + 1e-9
    return np.asarray(scale, dtype=np.float64)


@cache
def _rings() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a window in space, (128, 128), and the ring of each frequency, (128, 65): 1 to 16, else none."""
    window = np.outer(np.hanning(_SIDE), np.hanning(_SIDE)).astype(np.float32)
    radius = np.hypot(np.fft.fftfreq(_SIDE)[:, None] * _SIDE, np.arange(_SIDE // 2 + 1)[None])
    return window, np.digitize(radius, np.geomspace(1, _SIDE // 2, _RINGS + 1)).astype(np.int64)
