"""MetaImage: volumes of ITK, .mha in one file, .mhd beside a file of values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .array_volume import ArrayHeader, beside, millimetres, read_head, volume_of
from .source import Read, Source
from .volume import Volume

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",  # whatever a machine takes for a long
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def read(source: Source) -> Iterator[Read]:
    """Yield the slices of a MetaImage file, turned and ordered as those of NIfTI."""
    with open_volume(source) as volume:
        yield from volume.pictures()


def open_volume(source: Source) -> AbstractContextManager[Volume]:
    """Lend the volume of a file. PictureError if it cannot be read."""
    return volume_of(_header(source), source)


def _header(source: Source) -> ArrayHeader:
    lines, size = read_head(source.path, b"elementdatafile")
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition("=") for line in lines)
    }
    data = fields.get("elementdatafile", "")
    if not data or data.upper().split()[0] == "LIST" or "%" in data:
        raise PictureError("MetaImage with a list of files is not supported; save it as one .mha file")
    local = data.upper() == "LOCAL"
    skipped = 0 if local else int(fields.get("headersize", "0"))
    shape, n_channels = _whole(fields, "dimsize"), int(fields.get("elementnumberofchannels", "1"))
    kind = _TYPES.get(fields.get("elementtype", "").upper().removesuffix("_ARRAY"))
    if not shape or kind is None:
        raise PictureError("the header of a MetaImage lacks its size, or its type of values is unknown")
    # A fourth dimension is time: the volumes follow each other.
    n_space = min(len(shape), 3)
    first = 1 if n_channels > 1 else 0  # channels are the fastest axis
    is_colour = n_channels in (3, 4) and kind == "u1"
    return ArrayHeader(
        (n_channels, *shape) if first else shape,
        np.dtype(f"{'>' if _is_true(fields, 'byteordermsb') else '<'}{kind}"),
        _encoding(fields),
        source.path if local else beside(source.path, data),
        size if local else skipped,
        tuple(range(first, first + n_space)),
        0 if is_colour else None,
        _directions(fields, n_space),
        _origin(fields, n_space),
    )


def _encoding(fields: dict[str, str]) -> str:
    if fields.get("binarydata", "true").lower() in ("false", "0"):
        return "text"
    return "deflated" if _is_true(fields, "compresseddata") else "raw"


def _is_true(fields: dict[str, str], ending: str) -> bool:
    """Both BinaryDataByteOrderMSB and ElementByteOrderMSB are written."""
    return any(value.lower() in ("true", "1") for name, value in fields.items() if name.endswith(ending))


def _directions(fields: dict[str, str], n: int) -> NDArray[np.float64]:
    """Return directions times spacing, float (3, 3), a column for each axis; plain ones by default.

    The numbers of TransformMatrix are the direction of the first axis, then of the second one, and so on;
    those of time are among them.
    """
    matrix: Any = next(
        (_numbers(fields, k) for k in ("transformmatrix", "rotation", "orientation") if k in fields), []
    )
    directions, n_axes = np.eye(3), math.isqrt(len(matrix))
    if n_axes >= n and len(matrix) == n_axes**2:
        directions[:n, :n] = np.reshape(matrix, (n_axes, n_axes))[:n, :n].T
    spacing = _numbers(fields, "elementspacing") or _numbers(fields, "elementsize")
    if len(spacing) < n:
        return np.full((3, 3), np.nan)
    return np.asarray(directions * [*(abs(s) * _scale(fields) for s in spacing[:n]), *[1.0] * (3 - n)])


def _origin(fields: dict[str, str], n: int) -> NDArray[np.float64] | None:
    names = ("offset", "position", "origin")
    place = next((_numbers(fields, name) for name in names if name in fields), [])[:n]
    return np.array([*place, *[0.0] * (3 - n)]) * _scale(fields) if len(place) == n else None


def _scale(fields: dict[str, str]) -> float:
    """Return the millimetres of DistanceUnits; 1 if it is missing, or unknown ("?")."""
    return millimetres(fields.get("distanceunits", "")) or 1.0


def _numbers(fields: dict[str, str], name: str) -> list[float]:
    try:
        return [float(part) for part in fields.get(name, "").split()]
    except ValueError:  # it must not cost the pixels
        return []


def _whole(fields: dict[str, str], name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in fields.get(name, "").split())
