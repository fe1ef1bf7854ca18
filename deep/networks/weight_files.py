"""Weight files as bytes: where they are, their hash, and what their header says. Needs no network library."""

from __future__ import annotations

import hashlib
import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

from ..settings import TIMM

BUNDLED = "bundled"
"""The name of the weights that come with the package."""

PREFIX = "sha256:"

_HEADER = 8  # bytes that hold the length of the header
_KINDS: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_LONGEST_HEADER = 100_000_000  # the limit of the safetensors library


def bundled() -> Path:
    """Return the file of the weights that come with the package."""
    return Path(str(files("deep") / "bundled.safetensors"))


def where(source: str | Path) -> Path:
    """Return the path of a weight file. Raise SettingError if there is none."""
    path = bundled() if source == BUNDLED else Path(source)
    if not path.is_file():
        raise SettingError(f"weights: {path}: no such file; give the path of a weight file")
    return path


def read(source: str | Path) -> bytes:
    """Return a weight file. Raise SettingError if it cannot be read."""
    path = where(source)
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"weights: {path}: {error.strerror}; check the file") from error


def fingerprint(data: bytes) -> str:
    """Return ``sha256:`` and the hash of a weight file, 64 hexadecimal digits."""
    return PREFIX + hashlib.sha256(data).hexdigest()


def belong(data: bytes, model: str, weights: str) -> bool:
    """Return whether a stored weight file is the one that settings name by its hash.

    A file of timm's is stored converted: its header says what it was converted from.
    """
    if model.startswith(TIMM):
        try:
            return header(data, model).get("timm") == conversion(model, weights)
        except SettingError:
            return False
    return not weights.startswith(PREFIX) or fingerprint(data) == weights


def conversion(model: str, weights: str) -> str:
    """Return what the header of a converted file says: the network, and the hash of its weights."""
    return json.dumps([model, weights])


def side(data: bytes, name: str) -> int | None:
    """Return the side that a weight file names, or None. Raise SettingError for a damaged header."""
    try:
        found = json.loads(header(data, name).get("architecture", "{}")).get("side")
        if found is not None and type(found) is not int:
            raise ValueError("side")
    except (AttributeError, ValueError, RecursionError) as error:
        if isinstance(error, SettingError):  # a ValueError, too: it already says more
            raise
        raise SettingError(f"weights: {name}: damaged header; restore it, or give another") from error
    return found


def canonical(data: bytes) -> bytes:
    """Return a safetensors file with its header in one order: equal contents then have equal hashes."""
    length = int.from_bytes(data[:_HEADER], "little")
    parsed = json.loads(data[_HEADER : _HEADER + length])
    text = json.dumps(parsed, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _HEADER)  # tensors begin at a multiple of 8 bytes, as the format asks
    return len(text).to_bytes(_HEADER, "little") + text + data[_HEADER + length :]


def header(data: bytes, name: str) -> dict[str, str]:
    """Return the metadata in the header of a safetensors file. Raise SettingError if it is none.

    The file begins with the header's length, 8 bytes little-endian, and the header as JSON.
    """
    length = int.from_bytes(data[:_HEADER], "little")
    try:
        if len(data) < _HEADER or length > min(_LONGEST_HEADER, len(data) - _HEADER):
            raise ValueError("too short")
        found = json.loads(data[_HEADER : _HEADER + length]).get("__metadata__", {})
        return {str(key): str(value) for key, value in found.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise SettingError(
            f"weights: {name}: no safetensors file, or a damaged one; restore it, or give another"
        ) from error


def tensors(data: bytes, name: str) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a safetensors file as float32. Raise SettingError if it is none.

    Raises ValueError, TypeError or LookupError for tensors that are not as the header says: they fill the
    file from the header's end, without a gap, and are of 16 or 32 bits.
    """
    header(data, name)
    first = _HEADER + int.from_bytes(data[:_HEADER], "little")
    listed = dict(json.loads(data[_HEADER:first]))
    listed.pop("__metadata__", None)
    body, found, end = memoryview(data)[first:], {}, 0
    for key, about in sorted(listed.items(), key=lambda item: list(item[1]["data_offsets"])):
        if (kind := _KINDS.get(about["dtype"])) is None:
            raise ValueError(f"{key} is of {about['dtype']}; numbers of 16 or 32 bits, F16 or F32, are read")
        shape, (begin, until) = tuple(about["shape"]), about["data_offsets"]
        if begin != end or not all(type(n) is int and n >= 0 for n in (*shape, begin, until)):
            raise ValueError(f"{key} is not where the tensor before it ends")
        values = np.frombuffer(body[begin:until], dtype=kind)
        if until > len(body) or values.size != math.prod(shape):
            raise ValueError(f"{key} has {values.size} values, not those of {shape}")
        # A copy, so that a network does not hold the whole file.
        found[str(key)], end = values.reshape(shape).astype(np.float32), until
    if end != len(body):
        raise ValueError(f"{len(body) - end} bytes belong to no tensor")
    return found
