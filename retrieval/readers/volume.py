"""The volume: slices of an array on disk, turned as a radiologist looks at them.

World axes are those of NIfTI: 0 towards the right, 1 towards the front, 2 towards the head of the patient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..picture import Picture, Pixels, Value
from .pseudonym import hashed
from .sampling import sample_frames
from .source import Read, Source
from .values import as_mask, colour, finite, opaque
from .window import Limits, looks_like_hounsfield, stretch

_NORMALS = ("sagittal", "coronal", "axial")
_THICK = 1.25
"""How many times longer than the others the spacing across slices is at least, if it decides."""


@dataclass(frozen=True, eq=False)
class Volume:
    """Slices of an array that stays on disk. An axis is one of the file, if not called world axis.

    Parameters
    ----------
    source : what is asked of the file.
    data : gives the values at an index, as an array does; its first three axes are those of space.
    shape : of ``data``, 2 to 7 axes.
    affine : float (4, 4), from voxels to world axes; its directions alone are used.
    distances : spacing along the axes in mm; 0 if it is not known.
    shown : lowest and highest value that the file itself wants to be shown, None if it does not say.
    slice_axis : the axis across the slices as the machine took them, None if the file does not say.
    origin : centre of the first voxel in world axes in mm, float (3,); None if the file does not say.
    """

    source: Source
    data: Callable[[tuple[Any, ...]], NDArray[Any]]
    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    distances: tuple[float, ...]
    shown: Limits | None = None
    slice_axis: int | None = None
    origin: NDArray[np.float64] | None = None

    def pictures(self) -> Iterator[Read]:
        """Yield the slices from left to right, back to front or feet to head; volume by volume."""
        source = self.source
        n_slices = self.n_slices * self.n_volumes
        source.check_size(*(self.extent[axis] for axis in self.plane))
        groups = {"series": hashed(source.salt, "series", source.id)}

        def picture(number: int) -> Picture:
            pixels = self.pixels(number)
            metadata: dict[str, Value] = {"rows": pixels.shape[0], "cols": pixels.shape[1], "frame": number}
            metadata |= {"position": self.position(number), "plane": _NORMALS[self.normal]}
            return Picture(pixels, source.frame_id(number, n_slices), self.spacing, groups, metadata)

        yield from source.each(n_slices, picture)

    @cached_property
    def extent(self) -> tuple[int, ...]:
        """The shape with three axes of space at least."""
        return self.shape + (1,) * (3 - len(self.shape))

    @property
    def n_volumes(self) -> int:
        """The number of volumes, one behind the other."""
        return int(np.prod(self.extent[3:], dtype=np.int64))

    @property
    def n_slices(self) -> int:
        """The number of slices of one volume."""
        return self.extent[self.across]

    @cached_property
    def turned(self) -> list[tuple[int, bool]]:
        """For left to right, back to front, feet to head: the axis, and whether it runs the other way."""
        from nibabel.orientations import io_orientation

        orientation = io_orientation(self.affine)  # a row for each axis: world axis, direction
        axes = {int(world): (axis, flip < 0) for axis, (world, flip) in enumerate(orientation)}
        return [axes[world] for world in range(3)]

    @cached_property
    def across(self) -> int:
        """The axis across the slices.

        The only axis of length 1; else the one whose spacing is clearly the longest; else the one along
        which the machine took slices, which is the last one if the file does not say: converters of DICOM
        keep slices along it, so that a volume and its DICOM series are cut in the same way.
        """
        flat = [axis for axis in range(3) if self.extent[axis] == 1]
        if len(flat) == 1:
            return flat[0]
        longest = sorted(range(3), key=lambda axis: self.distances[axis])
        if self.distances[longest[2]] > _THICK * self.distances[longest[1]]:
            return longest[2]
        return 2 if self.slice_axis is None else self.slice_axis

    @property
    def normal(self) -> int:
        """The world axis across the slices: 0 sagittal, 1 coronal, 2 axial."""
        return next(world for world in range(3) if self.turned[world][0] == self.across)

    @property
    def plane(self) -> tuple[int, int]:
        """The axes that become rows and columns."""
        rows, cols = {0: (2, 1), 1: (2, 0), 2: (1, 0)}[self.normal]
        return self.turned[rows][0], self.turned[cols][0]

    @property
    def spacing(self) -> tuple[float, float] | None:
        """The (row, col) spacing of slices in mm, None if it is not known."""
        rows, cols = (self.distances[axis] for axis in self.plane)
        return (rows, cols) if rows and cols else None

    def position(self, number: int) -> float:
        """Return the distance of a slice from the first one, in mm."""
        return round(number % self.n_slices * (self.distances[self.across] or 1.0), 4)

    def pixels(self, number: int) -> Pixels:
        """Return a slice, float32 (rows, cols) or (rows, cols, 3) in [0, 1]."""
        values = self._slice(number)
        if self.source.as_mask:
            return np.ascontiguousarray(as_mask(values))
        shown = colour(values) if values.ndim == 3 else stretch(values, self._limits)
        return np.ascontiguousarray(shown)

    def _slice(self, number: int) -> NDArray[Any]:
        """Read one slice and turn it: all three world axes fall along rows and columns."""
        volume, place = divmod(number, self.n_slices)
        backwards = self.turned[self.normal][1]
        index: list[Any] = [slice(None)] * 3
        index[self.across] = self.n_slices - 1 - place if backwards else place
        more = self.extent[3:]
        index += np.unravel_index(volume, more) if self.n_volumes > 1 else [0] * len(more)
        values = _plain(np.asarray(self.data(tuple(index[: len(self.shape)]))))
        rows, cols = self.plane
        values = values if rows < cols else values.swapaxes(0, 1)
        flips = dict(self.turned)
        # The file's axes run towards R, A, S unless flipped; the image runs towards L, P, I.
        values = values if flips[rows] else values[::-1]
        return values if flips[cols] else values[:, ::-1]

    @cached_property
    def _limits(self) -> Limits:
        """The window of the whole file."""
        window = self.source.window
        sample = sample_frames(self.n_slices * self.n_volumes, self._slice, window)
        # A preset comes before the range of the file, and that before what is measured.
        fixed = window.limits(looks_like_hounsfield(sample))
        if fixed is None and window.name != "full":
            fixed = self._shown(sample)
        return window.measured(sample) if fixed is None else fixed

    def _shown(self, sample: NDArray[Any]) -> Limits | None:
        """The range that the file wants to be shown, if it shows anything of the sample."""
        if self.shown is None or not np.isfinite(self.shown).all():
            return None
        low, high = self.shown
        return self.shown if low < high and low < sample.max() and high > sample.min() else None


def usable(affine: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.float64] | None:
    """Return an affine whose three directions are finite and independent; None if they are not.

    The direction of an axis of length 1 may be missing: it is at right angles to the two others.
    """
    directions = np.array(affine[:3, :3], dtype=np.float64)
    if not np.isfinite(directions).all():
        return None
    lengths = np.linalg.norm(directions, axis=0)
    for axis in range(3):
        if lengths[axis] == 0 and (axis >= len(shape) or shape[axis] == 1):
            # In the order that keeps the axes right-handed.
            directions[:, axis] = np.cross(directions[:, axis - 2], directions[:, axis - 1])
    lengths = np.linalg.norm(directions, axis=0)
    # The determinant of unit vectors is the volume that they span: 0 for two that are parallel.
    if not lengths.all() or abs(np.linalg.det(directions / lengths)) < 1e-3:
        return None
    whole = np.eye(4)
    whole[:3, :3] = directions
    return whole


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Return real finite numbers: RGB as a last axis, on black, complex ones as magnitudes."""
    if values.dtype.names:
        return opaque(np.stack([values[name] for name in values.dtype.names[:4]], axis=-1))
    if values.dtype.kind == "c":
        values = np.abs(values)
    if values.dtype == np.longdouble:
        values = values.astype(np.float64)
    if values.dtype.kind != "f":
        return values
    # A slice without any number is black; the others may hold some.
    return finite(values) if np.isfinite(values).any() else np.zeros_like(values)
