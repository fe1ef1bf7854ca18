"""NIfTI and Analyze: volumes slice by slice; the values by nibabel, the orientation by ``nifti_affine``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import PictureError
from .kinds import check_wanted, kind_of_nifti, with_kind
from .limits import declare
from .nifti_affine import affine_of, origin_of, slice_axis_of
from .nifti_pair import header_beside, pixels_beside
from .source import NotAPictureError, Read, Source
from .unpacking import opened
from .volume import Volume
from .window import Limits

_MILLIMETRES = {1: 1000.0, 2: 1.0, 3: 1e-3}  # nifti1.h: metre, millimetre, micrometre


def read(source: Source) -> Iterator[Read]:
    """Yield the slices of a file, from left to right, back to front or feet to head; volume by volume.

    The slices are across the axis that ``Volume.across`` says. Axial slices have anterior at the top, coronal
    and sagittal ones superior; the patient's right, or anterior, is on the left. The series is the file. One
    window serves the whole file: cal_min to cal_max of its header under ``auto`` if they are set, else the
    robust range of a sample of slices. A pair of .hdr and .img is read as the .img.
    """
    with _opened(source) as (header, load):
        kind = kind_of_nifti(_number(header, "intent_code"))
        check_wanted(kind, source.also)
        yield from with_kind(load().pictures(), kind)


@contextmanager
def open_volume(source: Source) -> Iterator[Volume]:
    """Lend the volume of a file, of any kind. PictureError if it cannot be read."""
    with _opened(source) as (_, load):
        yield load()


@contextmanager
def _opened(source: Source) -> Iterator[tuple[Any, Callable[[], Volume]]]:
    """Lend the header of a file, and what opens its values."""
    head_path, pixel_path = _paths(source.path)
    with ExitStack() as stack:
        head = stack.enter_context(opened(head_path, source))
        header = _header(head)

        def load() -> Volume:
            pixels = head if pixel_path == head_path else stack.enter_context(opened(pixel_path, source))
            return _volume(header, pixels, source, is_pair=pixel_path != head_path)

        yield header, load


def _paths(path: Path) -> tuple[Path, Path]:
    """Return where the header is, and where the pixels are."""
    if (header := header_beside(path)) is not None:
        return header, path
    if (pixels := pixels_beside(path)) is not None:
        raise NotAPictureError(f"no image: it is the header of {pixels.name}; name that file")
    with path.open("rb") as file:
        if path.name.lower().endswith((".hdr", ".hdr.gz")) or file.read(348)[344:348] == b"ni1\0":
            raise PictureError("its pixels are missing: there is no .img file of this name beside it")
    return path, path


def _header(file: IO[bytes]) -> Any:
    """Read a header without the checks of nibabel, which refuse pixels for an orientation."""
    from nibabel import AnalyzeHeader, Nifti1Header, Nifti1Pair, Nifti2Header

    # nifti1.h and nifti2.h: magic at byte 344 of a header of 348, or at byte 4 of one of 540.
    start = file.read(348)
    file.seek(0)
    kind: Any = Nifti1Header
    if start[4:8] in (b"n+2\0", b"ni2\0"):
        kind = Nifti2Header
    elif start[344:348] == b"ni1\0":
        kind = Nifti1Pair.header_class
    elif start[344:348] != b"n+1\0":
        kind = AnalyzeHeader
    # Extensions are not read: one of a wrong length must not cost the pixels.
    return kind(file.read(kind.template_dtype.itemsize), check=False)


def _volume(header: Any, file: IO[bytes], source: Source, is_pair: bool) -> Volume:
    from nibabel.arrayproxy import ArrayProxy

    # Some programs write a length of 0 for an axis without use; nifti1_io.c takes it for 1 as well.
    shape = tuple(int(n) or int(axis >= 3) for axis, n in enumerate(header.get_data_shape()))
    if not 2 <= len(shape) <= 7 or min(shape) < 1:
        raise PictureError(f"a NIfTI file of shape {shape} is no image")
    dtype, offset = header.get_data_dtype(), _offset(header, is_pair)
    # nifti1.h: datatype 0 is unknown. Its values take no bytes, and a file would hold any number of them.
    if not dtype.itemsize:
        raise PictureError("its header does not say what type its values have")
    # Counted in Python integers: a damaged shape overflows 64 bits.
    expected = offset + int(dtype.itemsize) * int(np.prod([int(n) for n in shape], dtype=object))
    there = file.seek(0, os.SEEK_END)
    if there < expected:
        raise PictureError(f"the file is truncated: {there:,} of {expected:,} bytes")
    declare(expected, 0)
    array = ArrayProxy(file, (shape, dtype, offset, *_scaling(header)), mmap=False)
    return Volume(
        source,
        array.__getitem__,
        shape,
        affine_of(header, shape),
        _distances(header),
        _shown(header),
        slice_axis_of(header),
        None if (origin := origin_of(header, shape)) is None else origin * _scale(header),
    )


def _offset(header: Any, is_pair: bool) -> int:
    """Return where the values begin; a single file cannot have them within its header."""
    offset = float(header["vox_offset"])
    least = 0 if is_pair else int(header["sizeof_hdr"]) + 4
    return max(int(offset), least) if np.isfinite(offset) else least


def _scaling(header: Any) -> tuple[float, float]:
    """Return slope and intercept; 1 and 0 if the slope is 0 or no number, and for colours."""
    # nifti1.h: y = scl_slope * x + scl_inter if scl_slope is nonzero, which makes no sense of colours.
    if header.get_data_dtype().names:
        return 1.0, 0.0
    try:
        slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    except (KeyError, ValueError, IndexError):  # Analyze has neither
        return 1.0, 0.0
    if slope == 0 or not np.isfinite(slope):
        return 1.0, 0.0
    return slope, intercept if np.isfinite(intercept) else 0.0


def _distances(header: Any) -> tuple[float, ...]:
    """Return the spacing along the axes in mm, three numbers; 0 if it is not known."""
    zooms = [abs(float(z)) * _scale(header) for z in header["pixdim"][1:4]]
    n_axes = len(header.get_data_shape())
    return tuple(z if np.isfinite(z) and n < n_axes else 0.0 for n, z in enumerate(zooms))


def _scale(header: Any) -> float:
    return _MILLIMETRES.get(_number(header, "xyzt_units") & 7, 1.0)


def _shown(header: Any) -> Limits:
    return float(header["cal_min"]), float(header["cal_max"])


def _number(header: Any, name: str) -> int:
    try:
        return int(header[name])
    except (KeyError, ValueError, IndexError):
        return 0
