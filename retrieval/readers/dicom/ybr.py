"""DICOM YBR: luma and colour differences become red, green and blue; PS3.3 C.7.6.3.1.2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codestream import Codestream
from .syntaxes import JPEG, JPEG_2000, LOSSLESS_JPEG

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


def with_true_colours(options: dict[str, Any], stated: Codestream | None, syntax: Any) -> dict[str, Any]:
    """Correct the photometric interpretation if the codestream itself says otherwise."""
    photometric = str(options["photometric_interpretation"])
    if stated is None or options["samples_per_pixel"] != 3:
        return options
    if syntax in JPEG_2000 and photometric in ("YBR_ICT", "YBR_RCT") and not stated.is_mixed:
        # Its encoder was given YCbCr, and transformed nothing: what comes out is YCbCr.
        return {**options, "photometric_interpretation": "YBR_FULL"}
    if syntax in JPEG - LOSSLESS_JPEG and stated.adobe is None:
        # Components are called so by encoders of RGB; in RGB none has fewer samples than another.
        if stated.components == b"RGB":
            return {**options, "photometric_interpretation": "RGB"}
        if photometric == "RGB" and stated.is_subsampled:
            return {**options, "photometric_interpretation": "YBR_FULL"}
    return options
