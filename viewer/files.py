"""Writing what people look at: text and images, each file whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import SemblanceError, SettingError
from retrieval.rankers.atomic_write import write_atomically

if TYPE_CHECKING:
    from PIL import Image

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
_NO_PAGES = (*_SUFFIXES, ".gif", ".bmp", ".svg", ".dcm", ".pdf", ".json", ".csv")


def write_text(text: str, path: Path) -> None:
    """Write text as UTF-8; what UTF-8 cannot hold becomes an escape."""
    # File names that are not UTF-8 arrive as half characters, which UTF-8 refuses.
    _write(text.encode("utf-8", "backslashreplace"), path)


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write an image in the format that its suffix names."""
    import io

    check_picture_name(path)
    # Encoded in memory first: an encoder that fails must not leave half a file.
    encoded = io.BytesIO()
    picture.save(encoded, format=_format(path))
    _write(encoded.getvalue(), path)


def check_picture_name(path: Path) -> None:
    """Raise SettingError unless the suffix is one of an image that can be written; else as check_place."""
    if path.suffix.lower() not in _SUFFIXES:
        raise SettingError(f"{path}: cannot write this kind of image; end the name in .png")
    check_place(path)


def check_page_name(path: Path) -> None:
    """Raise SettingError if the suffix is that of an image or a table; else as check_place."""
    # A page called answer.png would be opened by a viewer of images, which finds it damaged.
    if path.suffix.lower() in _NO_PAGES:
        raise SettingError(f"{path}: the page is HTML; end the name in .html")
    check_place(path)


def check_place(path: Path) -> None:
    """Raise SemblanceError if no file can be made there; asked before the work, which would be lost."""
    if path.is_dir():
        raise SemblanceError(f"{path}: is a folder; name a file")
    if not path.parent.is_dir():
        raise SemblanceError(f"{path}: cannot be written (No such file or directory); make its folder first")


def _format(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    return {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)


def _write(content: bytes, path: Path) -> None:
    check_place(path)
    write_atomically(content, path)
