"""Leaks: near-duplicates of a query among the pictures that answer it, which make any figure too good.

The index itself proposes pairs (the best few hits of each representation), and the stored thumbnails decide:
two pictures are near-duplicates where their fine structure coincides. Both are brought to one size, what is
coarse is taken away (so that anatomy, which all films of a chest share, does not count), and the normalised
cross-correlation is taken at its best shift, as they are and mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..index.storage.snapshot import Snapshot
from .systems import Mask, System

Spectrum = NDArray[np.complex64]
LIKENESS = 0.4
"""Pairs whose fine structure correlates so much or more are near-duplicates.

On six sets of pictures 99.9 % of all pairs are below 0.28, and copies (JPEG of quality 50, half the size,
another gamma, shifted, with noise, turned by 2°) are above 0.5, as are most that were cropped by 5 %.
"""
_SIDE, _COARSE, _BAND, _EVENING = 128, 6.0, (6, 40), 0.7
_NEAREST, _KEPT = 3, 1000


@dataclass(frozen=True)
class Leak:
    """A near-duplicate of a query in the database: its id, and how much their fine structure correlates."""

    query: str
    found: str
    likeness: float


class LeakFinder:
    """Find near-duplicates among what systems rank first.

    Parameters
    ----------
    snapshot : of the index; its thumbnails are compared.
    systems : propose pairs, each the nearest few of a query.
    least : see ``LIKENESS``.
    """

    def __init__(self, snapshot: Snapshot, systems: Sequence[System], least: float = LIKENESS) -> None:
        self._systems, self._least = systems, least
        self._spectrum = lru_cache(_KEPT)(lambda p: fine_structure(_thumbnail(snapshot, p)))

    def find(self, position: int, allowed: Mask) -> dict[int, float]:
        """Return the near-duplicates of a picture among those allowed, by position, with their likeness."""
        nearest = {p for s in self._systems for p in s.rank(position, allowed).ids[:_NEAREST].tolist()}
        own = self._spectrum(position)
        found = {p: likeness(own, self._spectrum(p)) for p in sorted(nearest)}
        return {p: value for p, value in found.items() if value >= self._least}


def fine_structure(grey: NDArray[np.float32]) -> Spectrum:
    """Return the spectrum of what is fine in a picture, complex (128, 65), or zeros where nothing is.

    ``grey`` is (rows, cols) of any size. Amplitudes are raised to 0.3 and frequencies outside 6 to 40 cycles
    a side are left out, so that no single edge or blob decides. The picture it is of has unit length.
    """
    small = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    fine = small - cv2.GaussianBlur(small, (0, 0), _COARSE)
    if float(np.abs(fine).max()) < 1e-3:
        return np.zeros((_SIDE, _SIDE // 2 + 1), dtype=np.complex64)
    window, kept = _band()
    spectrum = np.fft.rfft2(fine * window)
    evened = np.where(kept, spectrum / np.maximum(np.abs(spectrum), np.float32(1e-9)) ** _EVENING, 0)
    length = float(np.linalg.norm(np.fft.irfft2(evened, s=(_SIDE, _SIDE))))
    return np.asarray(evened / max(length, 1e-9), dtype=np.complex64)


def likeness(one: Spectrum, other: Spectrum) -> float:
    """Return the largest cross-correlation of two fine structures over all shifts, in [−1, 1].

    The second is tried as it is and mirrored left to right.
    """
    straight = np.fft.irfft2(one * np.conj(other), s=(_SIDE, _SIDE))
    # Mirrored, a real picture's spectrum has its rows in the other order and is conjugated, up to a shift.
    turned = np.roll(other[::-1], 1, axis=0)
    mirrored = np.fft.irfft2(one * turned, s=(_SIDE, _SIDE))
    return max(float(straight.max()), float(mirrored.max()))


@cache
def _band() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the window in space, and which frequencies count."""
    window = np.outer(np.hanning(_SIDE), np.hanning(_SIDE)).astype(np.float32)
    rows, cols = np.fft.fftfreq(_SIDE)[:, None] * _SIDE, np.fft.rfftfreq(_SIDE)[None] * _SIDE
    radius = np.hypot(rows, cols)
    return window, (radius >= _BAND[0]) & (radius <= _BAND[1])


def _thumbnail(snapshot: Snapshot, position: int) -> NDArray[np.float32]:
    with Image.open(BytesIO(snapshot.thumbnail(position))) as image:
        return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)
