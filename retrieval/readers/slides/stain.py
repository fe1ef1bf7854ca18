"""Stain: the colours of two laboratories made alike, by Reinhard's or Macenko's method.

Off by default: it takes away differences of stain and with them some of what tells tissues apart;
``benchmarks/quality/slide_fields.py`` measures both. Both methods look at one tile at a time, so that a tile
looks the same whatever else is indexed.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from .slide import RGB

_GLASS = 220
"""Grey level from which a pixel is glass, which has no stain."""
_FEW = 200
"""Pixels of tissue below which nothing is known of the stain."""

# Means and deviations of L*, a*, b* of tissue in H&E: those of 22 slides of eight organs, averaged.
_LAB = np.array([(50.0, 16.1), (30.7, 7.3), (-16.0, 6.5)])
# The stains and their strengths of the reference of Macenko et al. 2009, as in its published code.
_STAINS = np.array([(0.5626, 0.7201, 0.4062), (0.2159, 0.8012, 0.5581)])
_STRENGTHS = np.array([1.9705, 1.0308])
_LIGHT, _LEAST, _ANGLE = 240.0, 0.15, 1.0


def normalise(values: RGB, method: str) -> RGB:
    """Return a tile with normalised stain; as it is by ``none``, or if it holds next to no tissue."""
    tissue = values.mean(axis=2) < _GLASS
    if method == "none" or tissue.sum() < _FEW:
        return values
    return _reinhard(values, tissue) if method == "reinhard" else _macenko(values, tissue)


def _reinhard(values: RGB, tissue: NDArray[np.bool_]) -> RGB:
    """Move means and deviations in L*a*b* to those of the reference (Reinhard et al. 2001)."""
    from skimage.color import lab2rgb, rgb2lab

    # Of tissue alone: glass is white in every laboratory.
    lab = rgb2lab(values)
    of_tissue = lab[tissue]
    deviations = np.maximum(of_tissue.std(axis=0), 1e-3)
    moved = (of_tissue - of_tissue.mean(axis=0)) / deviations * _LAB[:, 1] + _LAB[:, 0]
    made = lab.copy()
    made[tissue] = moved
    with warnings.catch_warnings():
        # Some colours of L*a*b* are none of a screen: the nearest one is shown without a note.
        warnings.simplefilter("ignore", UserWarning)
        shown = lab2rgb(made)
    return np.asarray(np.rint(np.clip(shown, 0, 1) * 255), dtype=np.uint8)


def _macenko(values: RGB, tissue: NDArray[np.bool_]) -> RGB:
    """Express optical densities in two stains, and show these by the reference (Macenko et al. 2009)."""
    density = -np.log((values.reshape(-1, 3).astype(np.float64) + 1) / _LIGHT)
    stained = density[tissue.ravel() & (density > _LEAST).all(axis=1)]
    if len(stained) < _FEW:
        return values
    stains = _stains_of(stained)
    # Beer and Lambert: densities of stains add up, so that they are found by least squares.
    strengths = np.linalg.lstsq(stains.T, density.T, rcond=None)[0]
    # Not the largest: one speck of dust must not dim the whole tile.
    most = np.percentile(strengths, 99, axis=1)
    if (most <= 0).any():
        return values
    made = _LIGHT * np.exp(-_STAINS.T @ (strengths * (_STRENGTHS / most)[:, None])) - 1
    return np.asarray(np.rint(np.clip(made.T.reshape(values.shape), 0, 255)), dtype=np.uint8)


def _stains_of(stained: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit densities of haematoxylin and eosin, (2, 3): the extreme angles in their plane."""
    plane = np.linalg.eigh(np.cov(stained.T))[1][:, 1:]
    # Eigenvectors have no sign of their own: towards light that is absorbed.
    plane *= np.where(plane.sum(axis=0) < 0, -1.0, 1.0)
    angles = np.arctan2(*(stained @ plane).T)
    ends = np.percentile(angles, (_ANGLE, 100 - _ANGLE))
    found = np.array([plane @ (np.sin(end), np.cos(end)) for end in ends])
    found = np.abs(found) / np.linalg.norm(found, axis=1, keepdims=True)
    # Haematoxylin absorbs more red than eosin does.
    return np.asarray(found if found[0, 0] > found[1, 0] else found[::-1])
