"""Explaining: what made a picture a hit, and a test of whether that is true.

The test deletes: what an explanation points to is covered with the picture's mean, and the score must fall
further than it does when as much is covered elsewhere (Samek et al. 2017; Petsiuk et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from .picture import Picture
from .region import Region
from .representation import Encoding, SparseVector, Vector

Heat = NDArray[np.float32]

GRID = 48
"""Cells of the longer side of a heat map."""
DRAWS = 40
"""So often as much is covered elsewhere."""
FAITHFUL = 0.95
"""An explanation is faithful that lowers the score further than this share of the draws."""
OVERLAP = 0.1
"""What is covered elsewhere shares at most so much with what is explained, where that is possible."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What made a picture a hit.

    Parameters
    ----------
    heat : float32 (rows, cols) in [0, 1], a coarse map over the hit: how much each place adds to the score.
    pairs : float32 (m, 4): row and col in the query, row and col in the hit, of what matches, the heaviest
        first; (0, 4) where the kind knows no pairs.
    agreeing : bool (m,): which of the pairs agree in space.
    """

    heat: Heat
    pairs: NDArray[np.float32]
    agreeing: NDArray[np.bool_]


@runtime_checkable
class Explainer(Protocol):
    """A representation that says what made a picture a hit."""

    def explain(
        self,
        query: Encoding,
        shape: tuple[int, int],
        region: Region | None,
        hit: Encoding,
        hit_shape: tuple[int, int],
    ) -> Explanation:
        """Explain a hit by the encodings of both, the rows and columns of both, and the query's region."""
        ...


@dataclass(frozen=True)
class Deletion:
    """What came of the test.

    Parameters
    ----------
    share : of the picture's area that was covered.
    explained : by how much the score fell when what the explanation points to was covered.
    random : by how much it fell for each of the draws elsewhere.
    """

    share: float
    explained: float
    random: tuple[float, ...]

    @property
    def is_faithful(self) -> bool:
        """Tell whether the score fell, and further than for all but a twentieth of the draws."""
        below = sum(fell < self.explained for fell in self.random)
        return self.explained > 0 and below >= FAITHFUL * len(self.random)


def grid_of(shape: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of the heat map of a picture."""
    longest = max(shape)
    return max(1, round(GRID * shape[0] / longest)), max(1, round(GRID * shape[1] / longest))


def scattered(rows: Heat, cols: Heat, weights: Heat, shape: tuple[int, int]) -> Heat:
    """Return a heat map of weighted points, in pixels of a picture of ``shape``."""
    heat = np.zeros(grid_of(shape), dtype=np.float32)
    down = np.clip(rows / shape[0] * heat.shape[0], 0, heat.shape[0] - 1).astype(np.intp)
    across = np.clip(cols / shape[1] * heat.shape[1], 0, heat.shape[1] - 1).astype(np.intp)
    np.add.at(heat, (down, across), weights.astype(np.float32))
    return normalised(cv2.GaussianBlur(heat, (0, 0), 1.5))


def normalised(heat: NDArray[np.floating]) -> Heat:
    """Return a map brought to [0, 1]; zeros if it is the same everywhere."""
    low, high = float(heat.min()), float(heat.max())
    return np.asarray((heat - low) / (high - low) if high > low else np.zeros_like(heat), dtype=np.float32)


def likeness(query: Vector, other: Vector) -> float:
    """Return the inner product of two vectors; of several views of a query, that of the best."""
    if isinstance(query, SparseVector) and isinstance(other, SparseVector):
        _, ours, theirs = np.intersect1d(query.indices, other.indices, return_indices=True)
        return float(query.values[ours] @ other.values[theirs])
    return float(np.max(np.atleast_2d(np.asarray(query)) @ np.asarray(other)))


def deletion(
    score: Callable[[Picture], float], picture: Picture, heat: Heat, *, share: float = 0.2, draws: int = DRAWS
) -> Deletion:
    """Test an explanation of a hit.

    Parameters
    ----------
    score : of a picture, for the query.
    share : of the area that is covered: where the heat is largest. Elsewhere means the same shape, shifted at
        random with what leaves on one side coming in on the other, so that little of it is covered twice.
    draws : how often elsewhere; fewer where the heat map has fewer places.
    """
    covered = _hottest(heat, share)
    random = np.random.default_rng(0)
    whole = score(picture)
    shifts = random.permutation(_elsewhere(covered, draws))[:draws].tolist()
    fell = [whole - score(_without(picture, np.roll(covered, shift, (0, 1)))) for shift in shifts]
    return Deletion(float(covered.mean()), whole - score(_without(picture, covered)), tuple(fell))


def _elsewhere(covered: NDArray[np.bool_], least: int) -> NDArray[np.intp]:
    """Return shifts (n, 2) that take a mask to where it covers little of itself, ``OVERLAP`` at most.

    Where those are fewer than ``least``, the shifts of least overlap. Never the one that stays where it is.
    """
    spectrum = np.fft.fft2(covered)
    overlaps = np.rint(np.fft.ifft2(spectrum * spectrum.conj()).real).ravel()[1:]
    order = np.argsort(overlaps, kind="stable")
    n = max(least, int((overlaps <= OVERLAP * covered.sum()).sum()))
    return np.stack(np.unravel_index(order[:n] + 1, covered.shape), axis=1)


def _hottest(heat: Heat, share: float) -> NDArray[np.bool_]:
    n = max(1, round(share * heat.size))
    covered = np.zeros(heat.size, dtype=bool)
    covered[np.argsort(-heat.ravel(), kind="stable")[:n]] = True
    return covered.reshape(heat.shape)


def _without(picture: Picture, covered: NDArray[np.bool_]) -> Picture:
    """Return a picture with its mean where a coarse mask says so."""
    rows, cols = picture.shape[:2]
    mask = cv2.resize(covered.astype(np.uint8), (cols, rows), interpolation=cv2.INTER_NEAREST).astype(bool)
    pixels = picture.pixels.copy()
    pixels[mask] = picture.pixels.mean(axis=(0, 1))
    return replace(picture, pixels=pixels)
