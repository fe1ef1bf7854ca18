"""Weight files as bytes: where they are, their hash, and what their header says. Needs no network library."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

from retrieval.errors import SettingError

from ..settings import TIMM

BUNDLED = "bundled"
"""The name of the weights that come with the package."""

PREFIX = "sha256:"

_HEADER = 8  # bytes that hold the length of the header
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
