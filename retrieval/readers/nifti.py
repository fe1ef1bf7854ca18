"""NIfTI: volumes slice by slice, turned as a radiologist looks at them, by nibabel."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..picture import Picture, Pixels, Value
from .pseudonym import hashed
from .source import Source
from .values import colour, finite
from .window import Limits, Window, looks_like_hounsfield, stretch

_SAMPLED_SLICES = 16
_SAMPLED_VALUES = 1 << 17
_IN_MEMORY = 1 << 26
_MOST_FRAMES_OF_PIXELS = 20
_DEFLATE_AT_BEST = 1032
_MILLIMETRES = {1: 1000.0, 2: 1.0, 3: 1e-3}
_NORMALS = ("sagittal", "coronal", "axial")


def read(source: Source) -> Iterator[Picture]:
    """Yield the slices of a NIfTI file, from left to right, back to front or feet to head; volume by volume.

    The slices stand across the axis of the largest spacing, and are axial where it is the same along two.
    Axial slices have anterior at the top, coronal and sagittal ones superior; the patient's right, or
    anterior, is on the left. The series is the file. One window serves the whole file: cal_min to cal_max of
    its header under ``auto`` if they are set, else the robust range of a sample of slices.
    """
    with _opened(source) as file:
        volume = _Volume(_image(file, source), source.window)
        n_slices = volume.n_slices * volume.n_volumes
        source.check_size(*(volume.shape[axis] for axis in volume.plane))
        groups = {"series": hashed(source.salt, "series", source.id)}
        for number in source.wanted(n_slices):
            pixels = volume.pixels(number)
            metadata: dict[str, Value] = {"rows": pixels.shape[0], "cols": pixels.shape[1], "frame": number}
            metadata |= {"position": volume.position(number), "plane": _NORMALS[volume.normal]}
            yield Picture(pixels, source.frame_id(number, n_slices), volume.spacing, groups, metadata)


@dataclass(frozen=True, eq=False)
class _Volume:
    """Slices of a nibabel image that stays on disk. An axis is one of the file, if not called world axis."""

    image: Any
    window: Window

    @cached_property
    def shape(self) -> tuple[int, ...]:
        shape = tuple(int(n) for n in self.image.shape)
        return shape + (1,) * (3 - len(shape))

    @property
    def n_volumes(self) -> int:
        return int(np.prod(self.shape[3:], dtype=np.int64))

    @property
    def n_slices(self) -> int:
        return self.shape[self.across]

    @cached_property
    def turned(self) -> list[tuple[int, bool]]:
        """For left to right, back to front, feet to head: the axis, and whether it runs the other way."""
        from nibabel.orientations import io_orientation

        affine = self.image.affine
        if not np.isfinite(affine).all():
            affine = np.eye(4)
        orientation = io_orientation(affine)  # a row for each axis of the file: world axis, direction
        if np.isnan(orientation).any():
            orientation = io_orientation(np.eye(4))
        axes = {int(world): (axis, flip < 0) for axis, (world, flip) in enumerate(orientation)}
        return [axes[world] for world in range(3)]

    @cached_property
    def distances(self) -> tuple[float, ...]:
        """Spacing along the axes of the file in mm; 0 where it is not known."""
        header = self.image.header
        scale = _MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
        zooms = [float(z) * scale for z in header.get_zooms()[:3]]
        zooms = [z if np.isfinite(z) and z > 0 else 0.0 for z in zooms]
        return (*zooms, *(0.0,) * (3 - len(zooms)))

    @cached_property
    def normal(self) -> int:
        """The world axis across the slices: 0 sagittal, 1 coronal, 2 axial."""
        if len(self.image.shape) < 3:
            return next(world for world in range(3) if self.turned[world][0] == 2)
        along = [self.distances[self.turned[world][0]] for world in range(3)]
        thickest = [world for world in range(3) if along[world] > 0.99 * max(along)]
        return thickest[0] if len(thickest) == 1 else 2

    @property
    def across(self) -> int:
        return self.turned[self.normal][0]

    @property
    def plane(self) -> tuple[int, int]:
        """The axes of the file that become rows and columns."""
        rows, cols = {0: (2, 1), 1: (2, 0), 2: (1, 0)}[self.normal]
        return self.turned[rows][0], self.turned[cols][0]

    @property
    def spacing(self) -> tuple[float, float] | None:
        rows, cols = (self.distances[axis] for axis in self.plane)
        return (rows, cols) if rows and cols else None

    def position(self, number: int) -> float:
        """Return the distance of a slice from the first one, in mm."""
        return round(number % self.n_slices * (self.distances[self.across] or 1.0), 4)

    def pixels(self, number: int) -> Pixels:
        """Return a slice, float32 (rows, cols) or (rows, cols, 3) in [0, 1]."""
        values = self._slice(number)
        shown = colour(values) if values.ndim == 3 else stretch(values, self._limits)
        return np.ascontiguousarray(shown)

    def _slice(self, number: int) -> NDArray[Any]:
        """Read one slice and turn it: all three world axes fall along rows and columns."""
        volume, place = divmod(number, self.n_slices)
        backwards = self.turned[self.normal][1]
        index: list[Any] = [slice(None)] * 3
        index[self.across] = self.n_slices - 1 - place if backwards else place
        index += (
            np.unravel_index(volume, self.shape[3:]) if self.n_volumes > 1 else [0] * (len(self.shape) - 3)
        )
        values = _plain(np.asarray(self.image.dataobj[tuple(index[: len(self.image.shape)])]))
        rows, cols = self.plane
        values = values if rows < cols else values.swapaxes(0, 1)
        flips = dict(self.turned)
        # The file's axes run towards R, A, S unless flipped; the picture runs towards L, P, I.
        values = values if flips[rows] else values[::-1]
        return values if flips[cols] else values[:, ::-1]

    @cached_property
    def _limits(self) -> Limits:
        n_slices = self.n_slices * self.n_volumes
        chosen = np.unique(np.linspace(0, n_slices - 1, _SAMPLED_SLICES).astype(int))
        parts = (self._slice(int(number)).reshape(-1) for number in chosen)
        sample = np.concatenate([part[:: (part.size // _SAMPLED_VALUES) | 1] for part in parts])
        fixed = self.window.limits(looks_like_hounsfield(sample))
        if fixed is None and self.window.name != "full":
            fixed = self._calibrated(sample)
        return self.window.measured(sample) if fixed is None else fixed

    def _calibrated(self, sample: NDArray[Any]) -> Limits | None:
        """The display range of the header, where it shows anything of the sample."""
        low, high = float(self.image.header["cal_min"]), float(self.image.header["cal_max"])
        fits = np.isfinite([low, high]).all() and low < high
        return (low, high) if fits and low < sample.max() and high > sample.min() else None


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Return real finite numbers: RGB as a last axis, complex ones as magnitudes."""
    if values.dtype.names:
        return np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    if values.dtype.kind == "c":
        values = np.abs(values)
    if values.dtype == np.longdouble:
        values = values.astype(np.float64)
    if values.dtype.kind != "f" or not np.isnan(values).all():
        return finite(values) if values.dtype.kind == "f" else values
    return np.zeros_like(values)


def _image(file: IO[bytes], source: Source) -> Any:
    """Read the header, and refuse what the file cannot hold."""
    from nibabel import Nifti1Image, Nifti2Image
    from nibabel.fileholders import FileHolder

    kind = Nifti2Image if file.read(8)[4:] == b"n+2\0" else Nifti1Image
    file.seek(0)
    image = kind.from_file_map({"image": FileHolder(fileobj=file)}, mmap=False)
    if not 2 <= len(image.shape) <= 7 or min(image.shape) < 1:
        raise PictureError(f"a NIfTI file of shape {image.shape} is no picture")
    expected = int(image.dataobj.offset) + _n_bytes(image.header)
    there = file.seek(0, os.SEEK_END)
    if there < expected:
        raise PictureError(f"the file is truncated: {there:,} of {expected:,} bytes")
    return image


def _n_bytes(header: Any) -> int:
    n_values = 1
    for n in header.get_data_shape():
        n_values *= int(n)
    return n_values * int(header.get_data_dtype().itemsize)


@contextmanager
def _opened(source: Source) -> Iterator[IO[bytes]]:
    """Open the file for reading anywhere in it; unpack it first, beyond 64 MB to disk."""
    with source.path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            file.seek(0)
            yield file
            return
        file.seek(0)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as unpacked, gzip.open(file) as packed:
            _unpack(packed, unpacked, source)
            unpacked.seek(0)
            yield unpacked


def _unpack(packed: Any, unpacked: IO[bytes], source: Source) -> None:
    """Unpack no more than a volume within the limits can hold."""
    size = source.path.stat().st_size
    left = min(size * _DEFLATE_AT_BEST, source.max_pixels * _MOST_FRAMES_OF_PIXELS)
    while chunk := packed.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            raise PictureError("the compressed volume is too large; raise max_pixels, or unpack it first")
        unpacked.write(chunk)
