"""Masks: which pixels of an image a file marks. A mask is values: every one that is not zero marks.

In lossy files, such as JPEG, those nearly zero mark nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, SemblanceError
from ..picture import Picture, Value
from . import read_pictures
from .reasons import reason_of
from .tiling import box_of
from .volume_place import VolumePlace, place_of, same_slice
from .warnings_off import quiet

Mask = NDArray[np.bool_]
_SAME_PLACE = 0.1
"""Millimetres between slices that are the same one."""


@dataclass(frozen=True)
class MarkedImage:
    """The image that a mask is for.

    Parameters
    ----------
    shape : (rows, cols).
    is_one_of_many : whether its file holds several images.
    frame : its number in its file, from 0.
    metadata : its tags; ``position`` and ``plane`` are compared.
    path : finds its file; gives None if it is not known.
    """

    shape: tuple[int, int]
    is_one_of_many: bool = False
    frame: int = 0
    metadata: Mapping[str, Value] = field(default_factory=dict)
    path: Callable[[], Path | None] = lambda: None


def read_mask(argument: Path, image: MarkedImage) -> Mask:
    """Return the pixels that a file marks in an image, bool (rows, cols).

    Parameters
    ----------
    argument : a file; of a file with several images, or with several DICOM regions, ``file#4`` names the
        image, and ``file#NAME`` or its number the region. Without a name the mask of the same slice is
        taken, of two volumes the one in the same place; of DICOM regions all that refer to the image.

    Raises
    ------
    PictureError : no such file, none of the size of the image, or none that is clearly meant.
    """
    path, name = split_name(argument)
    if path.is_dir():
        raise PictureError(f"{argument}: is a folder; name the mask in it")
    if not path.is_file():
        raise PictureError(f"{argument}: no such file; give an image of the query's size")
    mask = _read(path, name, image)
    if mask.shape != image.shape:
        raise PictureError(
            f"{argument}: is {_size(mask.shape)}, and the query {_size(image.shape)}; "
            "give one of the same size"
        )
    if not mask.any():
        where = f" in image {image.frame} of the file of the query" if image.is_one_of_many else ""
        raise PictureError(f"{argument}: is black, and marks nothing{where}")
    return mask


def _read(path: Path, name: str, image: MarkedImage) -> Mask:
    # Late: pydicom is not needed for other masks.
    from .dicom.regions import is_region_file

    try:
        with quiet():
            return _regions(path, name, image) if is_region_file(path) else _pixels(path, name, image)
    except SemblanceError:
        raise
    except Exception as error:  # a damaged file of regions fails in as many ways as an image
        raise PictureError(f"{path}: {reason_of(error)}") from error


def split_name(argument: Path) -> tuple[Path, str]:
    """Return the file and the name behind ``#``, empty without one. A file whose own name has a # wins."""
    file, sign, name = str(argument).rpartition("#")
    return (Path(file), name) if sign and file and not argument.exists() else (argument, "")


def _pixels(path: Path, name: str, image: MarkedImage) -> Mask:
    """Return the mask of an image file: the named one, the only one, or that of the same slice."""
    if name:
        if not (name.isascii() and name.isdigit()):
            raise PictureError(f"{path}#{name}: name an image of the file by its number, such as {path}#0")
        return _marked(_frame(path, int(name)))
    # An id without # is that of a file with one image: it is for all slices.
    first = _frame(path, 0)
    if "#" not in first.id.removeprefix(path.name):
        return _marked(first)
    if not image.is_one_of_many:
        n = sum(1 for _ in read_pictures(path, path.name, as_mask=True))
        raise PictureError(
            f"{path}: the mask holds {n} images, and the query is a single one; name one of them, "
            f"such as {path}#{n // 2}"
        )
    if box_of(image.metadata) is not None:
        raise PictureError(
            f"{path}: the mask holds several images, and the query is a tile of a slide; name one of them, "
            f"such as {path}#0"
        )
    places = _places(path, image)
    if places is None:
        found = _frame(path, image.frame)
    else:
        found = _frame(path, same_slice(path, *places, image.frame))
    if places is None or any(place.ends is None for place in places):
        _check_same_slice(path, found, image)
    return _marked(found)


def _places(path: Path, image: MarkedImage) -> tuple[VolumePlace, VolumePlace] | None:
    """Return where the slices of a mask and of the file of an image are; None unless both are volumes."""
    file = image.path()
    mask = place_of(path) if file is not None and file.is_file() else None
    try:
        whole = place_of(file) if file is not None and mask is not None else None
    except PictureError as error:
        raise PictureError(
            f"{path}: where the query is cannot be read from its file, {error}; name the slice that is "
            f"meant, such as {path}#{image.frame}"
        ) from error
    # Of another plane, they are refused with what they are.
    return (mask, whole) if mask is not None and whole is not None and mask.plane == whole.plane else None


def _frame(path: Path, number: int) -> Picture:
    return next(iter(read_pictures(path, path.name, frames=[number], as_mask=True)))


def _marked(picture: Picture) -> Mask:
    return np.asarray(picture.grey > 0)  # 1 or 0, as the reader was asked for a mask


def _check_same_slice(path: Path, mask: Picture, image: MarkedImage) -> None:
    """Refuse slices in another plane or place than those of the image."""
    planes = mask.metadata.get("plane"), image.metadata.get("plane")
    heights = mask.metadata.get("position"), image.metadata.get("position")
    # Files of one volume may be cut along different axes, which frame numbers do not show.
    if None not in planes and planes[0] != planes[1]:
        raise PictureError(f"{path}: its slices are {planes[0]}, and the query is {planes[1]}")
    if (planes[0] is None) != (planes[1] is None):
        # The slices of NIfTI are turned and ordered; frames of DICOM, or pages, may run the other way.
        raise PictureError(
            f"{path}: only one of the mask and the query says where its slices are, so that they may be in "
            f"another order; name the one that is meant, such as {path}#{image.frame}"
        )
    if all(isinstance(height, float | int) for height in heights) and None not in planes:
        here, there = float(heights[0] or 0), float(heights[1] or 0)
        if abs(here - there) > _SAME_PLACE:
            raise PictureError(
                f"{path}: its slice {image.frame} is at {here:g} mm, and the query at {there:g} mm; "
                f"name the slice that is meant, such as {path}#0"
            )


def _regions(path: Path, name: str, image: MarkedImage) -> Mask:
    """Return the union of the DICOM regions that refer to an image, or the named one of them."""
    from .dicom.regions import regions_of, target_of
    from .dicom.slide_part import regions_of_part

    file = image.path()
    if file is None or not file.is_file():
        raise PictureError(f"{path}: needs the DICOM file of the query, which cannot be found")
    target = target_of(file, image.frame)
    try:
        # Regions refer to frames of a file, and a tile of the grid of an index is none of them.
        box = box_of(image.metadata)
        found = regions_of(path, target) if box is None else regions_of_part(path, target, box, image.shape)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error
    if not found:
        raise PictureError(f"{path}: none of its regions refers to this image")
    named = [region for region in found if name in ("", region.label, str(region.number))]
    if not named:
        there = ", ".join(f"{region.number} ({region.label})" for region in found)
        raise PictureError(f"{path}: has no region {name!r} in this image; it has {there}")
    return np.asarray(np.logical_or.reduce([region.mask for region in named]))


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]} pixels"
