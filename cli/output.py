"""Writing results: a file is written beside its place and renamed, so that it is whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import SettingError

if TYPE_CHECKING:
    from PIL import Image

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


def write_text(text: str, path: Path) -> None:
    """Write text as UTF-8; what UTF-8 cannot hold becomes an escape."""
    _write(text.encode("utf-8", "backslashreplace"), path)


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in the format that its suffix names."""
    import io

    check_picture_name(path)
    encoded = io.BytesIO()
    picture.save(encoded, format=_format(path))
    _write(encoded.getvalue(), path)


def check_picture_name(path: Path) -> None:
    """Raise SettingError unless the suffix is one of a picture that can be written."""
    if path.suffix.lower() not in _SUFFIXES:
        raise SettingError(f"{path}: cannot write this kind of picture; end the name in .png")


def _format(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    return {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)


def _write(content: bytes, path: Path) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
