"""NRRD: volumes of Teem and 3D Slicer, .nrrd in one file, .nhdr beside a file of values.

Names of fields are those of teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .array_volume import ArrayHeader, beside, millimetres, read_head, volume_of
from .kinds import check_wanted, kind_of_nrrd, with_kind
from .source import Read, Source
from .volume import Volume

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_ENCODINGS = {"raw": "raw", "gz": "deflated", "gzip": "deflated", "bz2": "bzip2", "bzip2": "bzip2"}
_ENCODINGS |= {"txt": "text", "text": "text", "ascii": "text"}
_SPATIAL = ("domain", "space")
_COLOURS = ("rgb-color", "rgba-color")
# From the axes of a space to left, back, head; by name and abbreviation.
_SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}


def read(source: Source) -> Iterator[Read]:
    """Yield the slices of an NRRD file, turned and ordered as those of NIfTI."""
    lines, size = read_head(source.path, b"")
    kind = kind_of_nrrd([line for line in lines if ":=" in line])
    check_wanted(kind, source.also)
    with volume_of(_header(source.path, lines, size), source) as volume:
        yield from with_kind(volume.pictures(), kind)


def open_volume(source: Source) -> AbstractContextManager[Volume]:
    """Lend the volume of a file, of any kind. PictureError if it cannot be read."""
    return volume_of(_header(source.path, *read_head(source.path, b"")), source)


def _header(path: Path, lines: list[str], size: int) -> ArrayHeader:
    # "key:=value" pairs are free text; "field: value" describes the array.
    pairs = (line.split(": ", 1) for line in lines[1:] if ": " in line and not line.startswith("#"))
    fields = {name.lower().replace(" ", ""): value.strip() for name, value in pairs if ":=" not in name}
    shape = tuple(int(n) for n in fields.get("sizes", "").split())
    kind = next((dtype for dtype, names in _TYPES.items() if fields.get("type", "").lower() in names), None)
    encoding = _ENCODINGS.get(fields.get("encoding", "").lower())
    if not shape or kind is None or encoding is None:
        raise PictureError("the header of an NRRD file lacks its sizes, or its type or encoding is not read")
    data = fields.get("datafile", "")
    if data.upper().startswith("LIST") or "%" in data:
        raise PictureError("NRRD with a list of files is not supported; save it as one .nrrd file")
    file = beside(path, data) if data else path
    start, skip = _behind_lines(file, fields, 0 if data else size), int(fields.get("byteskip", "0"))
    if encoding in ("raw", "text"):
        start, skip = -1 if skip < 0 else start + skip, 0
    kinds = fields.get("kinds", "").lower().split()
    spatial = _spatial(fields, kinds, len(shape))
    colour = next((n for n, name in enumerate(kinds) if name in _COLOURS and kind == "u1"), None)
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    directions = _directions(fields, spatial)
    about = (shape, np.dtype(order + kind), encoding, file, start, spatial, colour)
    return ArrayHeader(*about, directions, _origin(fields), skip)


def _behind_lines(path: Path, fields: dict[str, str], start: int) -> int:
    """Return where the file goes on after "line skip" lines; "byte skip" counts bytes once unpacked."""
    with path.open("rb") as file:
        file.seek(start)
        for _ in range(int(fields.get("lineskip", "0"))):
            file.readline()
        return file.tell()


def _spatial(fields: dict[str, str], kinds: list[str], n_axes: int) -> tuple[int, ...]:
    """Return the axes of space: those with a direction, else of kind domain or space, else the first."""
    if "spacedirections" in fields:
        found = [n for n, vector in enumerate(_in_space(fields["spacedirections"])) if vector is not None]
    elif len(kinds) == n_axes:
        found = [n for n, name in enumerate(kinds) if name in _SPATIAL]
    else:
        found = list(range(n_axes))
    if len(found) < 2:
        found = list(range(n_axes))
    return tuple(found[:3])


def _vectors(text: str) -> list[list[float] | None]:
    """Read "(1,0,0) none (0,1,0)"; None for an axis without a direction, NaN for numbers that are none."""
    return [
        None if "none" in part.lower() else [_number(n) for n in part.strip("()").split(",")]
        for part in re.findall(r"\([^)]*\)|none", text, re.IGNORECASE)
    ]


def _in_space(text: str) -> list[list[float] | None]:
    """Return the directions of the axes in space, of up to three numbers; None for an axis of time alone."""
    return [
        None if vector is None or (len(vector) > 3 and not any(vector[:3])) else vector[:3]
        for vector in _vectors(text)
    ]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # it must not cost the pixels
        return math.nan


def _directions(fields: dict[str, str], spatial: tuple[int, ...]) -> NDArray[np.float64]:
    """Return directions times spacing to left, back and head, float (3, 3); NaN if they are not known."""
    directions = np.zeros((3, 3))
    try:
        if "spacedirections" in fields:
            vectors = [vector for vector in _in_space(fields["spacedirections"]) if vector is not None][:3]
            for axis, vector in enumerate(vectors):
                directions[: len(vector), axis] = np.multiply(vector, _signs(fields)[: len(vector)])
            return directions * _scale(fields, "spaceunits")
        spacings = [float(part) for part in fields.get("spacings", "").split()]
        lengths = [abs(spacings[axis]) * _scale(fields, "units") for axis in spatial]
        return np.diag([*lengths, *[1.0] * (3 - len(spatial))])
    except (ValueError, IndexError):  # they must not cost the pixels
        return np.full((3, 3), np.nan)


def _origin(fields: dict[str, str]) -> NDArray[np.float64] | None:
    found = next(iter(_vectors(fields.get("spaceorigin", ""))), None)
    if found is None or len(found) not in (3, 4):
        return None
    return np.multiply(found[:3], _signs(fields)) * _scale(fields, "spaceunits")


def _scale(fields: dict[str, str], name: str) -> float:
    """Return the millimetres of a unit of length; 1 if none is named, or another for each axis."""
    found = {millimetres(unit) for unit in re.findall(r'"([^"]*)"', fields.get(name, ""))} - {None}
    return float(found.pop() or 1.0) if len(found) == 1 else 1.0


def _signs(fields: dict[str, str]) -> tuple[int, int, int]:
    """Return the signs of the axes of the space towards left, back and head; time may be a fourth one."""
    space = fields.get("space", "").lower()
    return _SPACES.get(space.removesuffix("-time" if "-" in space else "t"), (1, 1, 1))
