"""Near-duplicates: two pictures whose fine structure coincides, decided on arrays of grey values.

Both pictures are brought to one size, what is coarse is taken away (so that anatomy, which all films of a
chest share, does not count), and the normalised cross-correlation is taken at its best shift, for the second
picture as it is and mirrored.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.complex64]

THRESHOLD = 0.4
"""Pairs whose fine structure correlates this much or more are near-duplicates.

On six sets of pictures 99.9 % of all pairs are below 0.28, and copies (JPEG of quality 50, half the size,
another gamma, shifted, with noise, turned by 2°) are above 0.5, as are most that were cropped by 5 %.
"""

_SMALL, _SMALL_THRESHOLD = 48, 0.95
"""Of images with a side of fewer pixels only copies that differ in brightness are found: they have few
frequencies. Half of all pairs of 8 × 8 pixels of noise are above 0.4; pairs of X-rays of 28 come near it."""

_SIDE = 128
"""Rows and columns to which each picture is brought."""
_COARSE = 6.0
"""σ in these pixels of the Gaussian that says what is coarse."""
BAND = (6, 40)
"""Frequencies that count, in cycles a side."""
_EVENING = 0.7
"""Amplitudes are divided by themselves to this power; 1 would be phase correlation."""
_ROWS = np.r_[0 : BAND[1] + 1, -BAND[1] : 0]
"""Rows of a spectrum that are kept; all others are zero."""
_TURNED = np.r_[0, 2 * BAND[1] : 0 : -1]
"""The place of −row for each row that is kept."""


def threshold_of(shape: tuple[int, ...]) -> float:
    """Return how much an image of some shape must correlate with its near-duplicates."""
    return THRESHOLD if min(shape[:2]) >= _SMALL else _SMALL_THRESHOLD


def fine_structure(grey: NDArray[np.float32]) -> Spectrum:
    """Return the spectrum of what is fine in a picture, complex64 (81, 41), or zeros if nothing is.

    ``grey`` is (rows, cols) of any size, in [0, 1]. Amplitudes are raised to 0.3 and frequencies outside 6 to
    40 cycles a side are left out, so that no single edge or blob decides. In space, at 128 × 128, it has unit
    length. Rows hold the frequencies 0 to 40 and −40 to −1, columns 0 to 40.
    """
    small = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    fine = small - cv2.GaussianBlur(small, (0, 0), _COARSE)
    # Of a constant picture only the noise of rounding is left, which would correlate with anything.
    if float(np.abs(fine).max()) < 1e-3:
        return np.zeros((len(_ROWS), BAND[1] + 1), dtype=np.complex64)
    window, kept = _band()
    # Between plain correlation and phase correlation (Kuglin and Hines 1975): |F|^0.3 instead of |F| or 1.
    spectrum = np.fft.rfft2(fine * window)[_ROWS, : BAND[1] + 1]
    evened = np.where(kept, spectrum / np.maximum(np.abs(spectrum), np.float32(1e-9)) ** _EVENING, 0)
    # Parseval's theorem; all columns but the first stand for two frequencies, that of −column as well.
    power = np.abs(evened.astype(np.complex128)) ** 2
    length = float(np.sqrt(2 * power.sum() - power[:, 0].sum())) / _SIDE
    return np.asarray(evened / max(length, 1e-9), dtype=np.complex64)


def correlation(one: Spectrum, other: Spectrum) -> float:
    """Return the largest cross-correlation of two fine structures over all shifts, in [−1, 1].

    The second is tried as it is and mirrored left to right.
    """
    # By the convolution theorem, A · conj(B) is the spectrum of the correlation at every cyclic shift.
    straight = one * np.conj(other)
    # Mirrored, a real picture's spectrum has its rows in the other order and is conjugated, up to a shift.
    mirrored = np.complex64(1j) * one * other[_TURNED]
    # Both are spectra of real values, so that one complex transform has them as real and imaginary part.
    planes = _whole(straight, mirrored).view(np.float32).reshape(_SIDE, _SIDE, 2)
    # OpenCV's transform takes a quarter of the time of NumPy's.
    return float(cv2.dft(planes, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE).max())


def _whole(real: Spectrum, imaginary: Spectrum) -> Spectrum:
    """Return the spectrum (128, 128) of which half of the band is given, of both parts (81, 41)."""
    n = BAND[1]
    whole = np.zeros((_SIDE, _SIDE), dtype=np.complex64)
    half = real + imaginary
    whole[: n + 1, : n + 1], whole[-n:, : n + 1] = half[: n + 1], half[n + 1 :]
    # F(−row, −col) is the conjugate of F(row, col), or its negative if it is imaginary in space; by slices,
    # since fancy indexing would take longer than the transform.
    half = np.conj((real - imaginary)[:, :0:-1])
    whole[0, -n:], whole[: -n - 1 : -1, -n:], whole[n:0:-1, -n:] = half[0], half[1 : n + 1], half[n + 1 :]
    return whole


@cache
def _band() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the window in space, (128, 128), and which frequencies count, (81, 41)."""
    # Without a window the jump from one border to the opposite one would look like fine structure.
    window = np.outer(np.hanning(_SIDE), np.hanning(_SIDE)).astype(np.float32)
    rows, cols = np.fft.fftfreq(_SIDE)[_ROWS, None] * _SIDE, np.arange(BAND[1] + 1)[None]
    radius = np.hypot(rows, cols)
    return window, (radius >= BAND[0]) & (radius <= BAND[1])
