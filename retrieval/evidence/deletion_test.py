"""The deletion test: is an explanation of a hit true?

What it points to is covered with the picture's mean, and the score must fall further than it does when as
much is covered elsewhere (Samek et al. 2017; Petsiuk et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..picture import Picture
from .heat_map import Heat

DRAWS = 40
"""How often as much is covered elsewhere."""
N_SCORED = DRAWS + 2
"""How often the test asks a score, at most."""
FAITHFUL = 0.95
"""An explanation is faithful that lowers the score further than this share of the draws."""
OVERLAP = 0.1
"""Most that is shared by what is covered elsewhere and what is explained, if that is possible."""


@dataclass(frozen=True)
class Deletion:
    """Result of the test.

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


def deletion(
    score: Callable[[Picture], float], picture: Picture, heat: Heat, *, share: float = 0.2, draws: int = DRAWS
) -> Deletion:
    """Test an explanation of a hit.

    Parameters
    ----------
    score : of a picture, for the query.
    share : of the area that is covered: where the heat is largest. Elsewhere means the same shape, shifted at
        random with what leaves on one side coming in on the other, so that little of it is covered twice.
    draws : how often elsewhere; fewer if the heat map has fewer places.
    """
    covered = _hottest(heat, share)
    random = np.random.default_rng(0)
    whole = score(picture)
    shifts = random.permutation(_elsewhere(covered, draws))[:draws].tolist()
    fell = [whole - score(without(picture, np.roll(covered, shift, (0, 1)))) for shift in shifts]
    return Deletion(float(covered.mean()), whole - score(without(picture, covered)), tuple(fell))


def _elsewhere(covered: NDArray[np.bool_], least: int) -> NDArray[np.intp]:
    """Return shifts (n, 2) after which a mask covers little of itself, ``OVERLAP`` at most.

    If those are fewer than ``least``, the shifts of least overlap. Never the one that changes nothing.
    """
    # The autocorrelation of the mask (Wiener-Khinchin): cell (i, j) is its overlap with itself shifted by it.
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


def without(picture: Picture, covered: NDArray[np.bool_]) -> Picture:
    """Return a picture with what a coarse mask, bool (rows, cols), covers replaced by the picture's mean."""
    rows, cols = picture.shape[:2]
    mask = cv2.resize(covered.astype(np.uint8), (cols, rows), interpolation=cv2.INTER_NEAREST).astype(bool)
    pixels = picture.pixels.copy()
    pixels[mask] = picture.pixels.mean(axis=(0, 1))
    return replace(picture, pixels=pixels)
