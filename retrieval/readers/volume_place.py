"""The place of a volume: where its slices are in the patient, as the header of its file says.

Files of one patient may begin at other slices, or count them the other way; places tell which are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .formats import FORMATS, recognise
from .limits import current_limits
from .source import Source
from .volume import Volume
from .window import Window

_FORMATS = ("nifti", "metaimage", "nrrd")
_SAME_PLACE = 0.1
"""Millimetres between slices that are the same one, unless slices are nearer to each other."""
_SAME_PIXEL = 0.75
"""Of a pixel: programs that count from its corner or its centre differ by half of it along both sides."""
_PARALLEL = 0.999
"""Least cosine between the normals of slices that do not cross."""


@dataclass(frozen=True, eq=False)
class VolumePlace:
    """Where the slices of a file are.

    Parameters
    ----------
    plane : the world axis across the slices.
    n_slices, n_volumes : of one volume, and of the file.
    shape : rows and columns.
    ends : first and last pixel of each slice of a volume in mm, float (n_slices, 2, 3) to the patient's
        right, front and head; None if the header does not say it.
    normal : unit vector across the slices, towards right, front or head, float (3,).
    near, beside : mm that slices, and pixels, of one place may be apart.
    """

    plane: int
    n_slices: int
    n_volumes: int
    shape: tuple[int, int]
    ends: NDArray[np.float64] | None
    normal: NDArray[np.float64]
    near: float
    beside: float


def place_of(path: Path) -> VolumePlace | None:
    """Return where the slices of a file are; None if it holds no volume. PictureError: it cannot be read."""
    kind = recognise(path)
    if kind not in _FORMATS:
        return None
    module = import_module(f".{FORMATS[kind].module}", __package__)
    with module.open_volume(Source(path, path.name, Window(), b"", None, current_limits())) as volume:
        return _place(volume)


def same_slice(path: Path, mask: VolumePlace, image: VolumePlace, frame: int) -> int:
    """Return the number of the slice of a mask, of ``path``, that is where a frame of an image is.

    Where one of them does not say its place, it is the slice of the same number; of a mask with one volume
    for an image with several, the same slice of that volume.

    Raises
    ------
    PictureError : there is none, or none that is clearly meant.
    """
    volume, number = divmod(frame, image.n_slices)
    volume = 0 if mask.n_volumes == 1 else volume
    if mask.n_volumes not in (1, image.n_volumes):
        raise PictureError(
            f"{path}: holds {mask.n_volumes} volumes, and the file of the query {image.n_volumes}; name the "
            f"image that is meant, such as {path}#{min(number, mask.n_slices - 1)}"
        )
    if mask.ends is None or image.ends is None:
        if mask.n_slices != image.n_slices and (mask.ends is None) != (image.ends is None):
            raise PictureError(
                f"{path}: has {mask.n_slices} slices, and the volume of the query {image.n_slices}, and only "
                f"one of them says where they are; name the slice that is meant, such as {path}#0"
            )
        return volume * mask.n_slices + number
    if abs(float(mask.normal @ image.normal)) < _PARALLEL:
        raise PictureError(f"{path}: its slices cross those of the query; resample it to the query's grid")
    heights, here = mask.ends[:, 0] @ image.normal, float(image.ends[number, 0] @ image.normal)
    nearest = int(np.abs(heights - here).argmin())
    found = volume * mask.n_slices + nearest
    if abs(heights[nearest] - here) > min(mask.near, image.near):
        raise PictureError(
            f"{path}: its slices are at {heights.min():g} to {heights.max():g} mm, and the query at "
            f"{here:g} mm; if it is meant all the same, name a slice, such as {path}#{found}"
        )
    beside = float(np.linalg.norm(mask.ends[nearest] - image.ends[number], axis=1).max())
    # Of another size it is refused anyway.
    if mask.shape == image.shape and beside > image.beside:
        raise PictureError(
            f"{path}: its pixels are up to {beside:g} mm beside those of the query; resample it to the "
            f"query's grid, or name the slice, {path}#{found}, if they are the same"
        )
    return found


def _place(volume: Volume) -> VolumePlace:
    lengths = np.array([distance or 1.0 for distance in volume.distances], dtype=np.float64)
    directions = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0) * lengths
    rows, cols = volume.plane
    normal = np.cross(directions[:, rows], directions[:, cols])
    normal *= np.sign(normal[volume.normal]) or 1.0
    step = float(lengths[volume.across])
    return VolumePlace(
        volume.normal,
        volume.n_slices,
        volume.n_volumes,
        (volume.extent[rows], volume.extent[cols]),
        _ends(volume, directions),
        normal / np.linalg.norm(normal),
        min(_SAME_PLACE, step / 4),
        _SAME_PIXEL * float(min(lengths[rows], lengths[cols])),
    )


def _ends(volume: Volume, directions: NDArray[np.float64]) -> NDArray[np.float64] | None:
    origin = volume.origin
    if origin is None or not np.isfinite(origin).all():
        return None
    # What programs write that know no place.
    if not origin.any() and np.allclose(np.abs(directions), np.eye(3)):
        return None
    index = np.zeros((volume.n_slices, 2, 3))
    for axis in volume.plane:
        # As shown: the last one first, unless the axis runs the other way (``Volume.pixels``).
        backwards = next(flip for one, flip in volume.turned if one == axis)
        last = volume.extent[axis] - 1
        index[:, 0, axis], index[:, 1, axis] = (0, last) if backwards else (last, 0)
    order = np.arange(volume.n_slices)
    index[:, :, volume.across] = (order[::-1] if volume.turned[volume.normal][1] else order)[:, None]
    return np.asarray(index @ directions.T + origin)
