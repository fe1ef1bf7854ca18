"""NIfTI orientation: sform, qform, or the plain one; no pixels are refused for an orientation.

Names are those of nifti1.h, section "3D IMAGE (VOLUME) ORIENTATION AND LOCATION IN SPACE".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .volume import usable


def affine_of(header: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return directions of the axes of a NIfTI header, float (4, 4): sform first, then qform.

    Each counts if its code is set and it can be used; without either the axes run towards left, front and
    head, as nibabel takes them, or towards right, front and head if the header has codes but no use of them.
    """
    if "sform_code" not in header.keys():  # Analyze 7.5  # noqa: SIM118
        return np.diag([-1.0, 1.0, 1.0, 1.0])
    found = _directions_and_origin(header, shape)
    if found is not None:
        return found[0]
    is_coded = max(int(header["sform_code"]), int(header["qform_code"])) > 0
    return np.eye(4) if is_coded else np.diag([-1.0, 1.0, 1.0, 1.0])


def origin_of(header: Any, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return where the first voxel is, in the units of the header, float (3,); None if it does not say."""
    found = _directions_and_origin(header, shape)
    return None if found is None else found[1]


def _directions_and_origin(
    header: Any, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return those of the sform, else of the qform; None if neither can be used."""
    if "sform_code" not in header.keys():  # Analyze 7.5  # noqa: SIM118
        return None
    if int(header["sform_code"]) > 0:
        rows = np.array([header[f"srow_{axis}"] for axis in "xyz"], dtype=np.float64)
        if (found := usable(rows, shape)) is not None:
            return found, rows[:, 3]
    if int(header["qform_code"]) > 0 and (found := usable(_of_quaternion(header), shape)) is not None:
        return found, np.array([header[f"qoffset_{axis}"] for axis in "xyz"], dtype=np.float64)
    return None


def _of_quaternion(header: Any) -> NDArray[np.float64]:
    """Return method 2, R · diag(1, 1, qfac); NaN if the header holds none."""
    b, c, d = (float(header[f"quatern_{name}"]) for name in "bcd")
    square = b * b + c * c + d * d
    if square > 1:
        # Rounding to float32 makes b² + c² + d² a little larger than 1: a turn by 180 degrees, where a is 0.
        b, c, d = (part / np.sqrt(square) for part in (b, c, d))
    a = np.sqrt(max(0.0, 1.0 - square))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    qfac = -1.0 if header["pixdim"][0] < 0 else 1.0
    return rotation @ np.diag([1.0, 1.0, qfac])


def slice_axis_of(header: Any) -> int | None:
    """Return the axis along which the machine took slices, bits 4 and 5 of dim_info; None if it is 0."""
    try:
        axis = (int(header["dim_info"]) >> 4) & 3
    except (KeyError, ValueError):
        return None
    return axis - 1 if axis else None
