"""Values: what arrays of ordinary files and odd numbers become before they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..picture import Pixels
from .window import Window, looks_like_hounsfield, robust, stretch

SWAPPED, COLS_MIRRORED, ROWS_MIRRORED = (5, 6, 7, 8), (2, 3, 6, 7), (3, 4, 7, 8)
"""Orientations whose rows and columns are swapped, and then mirrored; Exif 2.3, tag 0112."""


def finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return floats with NaN and infinity replaced by the lowest finite value; the same array if all are.

    Raises PictureError if no value is finite.
    """
    # The lowest value is black in most windows; 0 might be grey.
    good = np.isfinite(values)
    if good.all():
        return values
    if not good.any():
        raise PictureError("no pixel has a finite value")
    return np.where(good, values, values[good].min())


def grey(values: NDArray[Any], window: Window, sample: NDArray[Any] | None = None) -> Pixels:
    """Show the values of an ordinary grey file.

    Booleans and 8 bits are shown as they are under ``auto`` and the CT presets; deeper integers and floats
    through their robust range. A preset applies to values below −500, which only Hounsfield units have.

    Parameters
    ----------
    values : (rows, cols), bool, integer or float.
    sample : values of the whole file, on which the window is measured; by default those of the image.
    """
    if values.dtype == bool:
        return values.astype(np.float32)
    plain = values.dtype == np.uint8
    # 8 bits were made to be shown; deeper values were measured.
    values = finite(values) if values.dtype.kind == "f" else values
    sample = values if sample is None else sample
    sample = finite(sample) if sample.dtype.kind == "f" else sample
    limits = window.limits(not plain and looks_like_hounsfield(sample))
    if limits is None:
        limits = (0.0, 255.0) if plain and window.name != "full" else window.measured(sample)
    return stretch(values, limits)


def as_mask(values: NDArray[Any]) -> Pixels:
    """Return float32 (rows, cols): 1 for each value that is not zero, in any channel; NaN is nothing."""
    marked = (values != 0) & ~np.isnan(values) if values.dtype.kind in "fc" else values != 0
    return np.asarray(marked if marked.ndim == 2 else marked.any(axis=2), dtype=np.float32)


def colour(values: NDArray[Any], bits: int | None = None) -> Pixels:
    """Show the values of an ordinary colour file, (rows, cols, 3); colours are never windowed.

    Integers are divided by the largest number of ``bits``, by default that of their type, whatever the
    values in use: a dark image stays dark. Floats within [0, 1] are taken as they are, other floats through
    the robust range of the three channels together.
    """
    if values.dtype.kind == "f":
        values = finite(values)
        inside = values.min() >= 0 and values.max() <= 1
        return stretch(values, (0.0, 1.0) if inside else robust(values))
    if values.dtype == bool:
        return values.astype(np.float32)
    top = float(np.iinfo(values.dtype).max)
    return stretch(values, (0.0, float((1 << bits) - 1) if bits else top))


def opaque(values: NDArray[Any]) -> NDArray[Any]:
    """Return RGB of RGB or RGBA, (rows, cols, 3) of (rows, cols, 3 or 4), on black. Same dtype."""
    return values if values.shape[-1] == 3 else over_black(values[..., :3], values[..., 3])


def over_black(values: NDArray[Any], alpha: NDArray[Any], bits: int | None = None) -> NDArray[Any]:
    """Lay an image on black, the ground of most medical images. Same dtype; alpha (rows, cols).

    Integers of alpha have ``bits``, by default those of their type.
    """
    full = (1 << bits) - 1 if bits else np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1
    top = float(full)
    # 0 is the colour of the ground, so that only the part of the image remains: colour · alpha.
    weight = alpha.astype(np.float32) / np.float32(top)
    weight = weight if values.ndim == 2 else weight[..., None]
    return np.asarray(
        np.rint(values * weight) if values.dtype.kind != "f" else values * weight, dtype=values.dtype
    )


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo the EXIF or TIFF orientation (1 to 8; anything else leaves the array as it is)."""
    if orientation in SWAPPED:
        values = values.swapaxes(0, 1)
    if orientation in COLS_MIRRORED:
        values = values[:, ::-1]
    if orientation in ROWS_MIRRORED:
        values = values[::-1]
    return values
