"""DICOM YBR: luma and colour differences become red, green and blue; PS3.3 C.7.6.3.1.2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

YBR_FULL = ("YBR_FULL", "YBR_FULL_422")

_TO_RGB = np.array([[1, 0, 1.402], [1, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587], [1, 1.772, 0]])
"""ITU-R BT.601, of luma and of differences about 0."""


def rgb_of(values: NDArray[Any], photometric: str, bits: int) -> tuple[NDArray[Any], str]:
    """Return values (rows, cols, 3) as RGB, same dtype, and their photometric interpretation.

    Anything but YBR_FULL, of which no sample is left out any more, is returned as it is. ``bits`` are stored
    in a sample.
    """
    if photometric not in YBR_FULL:
        return values, photometric
    if values.dtype == np.uint8 and bits == 8:
        from pydicom.pixels import convert_color_space

        return convert_color_space(values, photometric, "RGB"), "RGB"
    middle, top = 1 << bits - 1, (1 << bits) - 1
    rgb = (values.astype(np.float64) - [0, middle, middle]) @ _TO_RGB.T
    return np.clip(np.rint(rgb), 0, top).astype(values.dtype), "RGB"
