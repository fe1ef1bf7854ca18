"""Opening slides: which back end reads a file, decided by its content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import PictureError
from ..formats import recognise
from ..slide import is_slide as is_of_scanner

if TYPE_CHECKING:
    from .slide import Slide

_OTHER = (".mrxs", ".vms", ".vmu", ".svslide", ".czi")
"""Endings of slides that are no TIFF and no DICOM; OpenSlide looks at their content."""
_SMALL = 2048
"""Rows and columns of a tiled TIFF of one level that is an image and no slide."""


@contextmanager
def open_slide(path: Path, salt: bytes = b"") -> Iterator[Slide | None]:
    """Open a slide within the context; None if the file is no slide.

    Raises
    ------
    PassedOverError : it is the label of a slide, or a part that is read with another file.
    PictureError : it is a slide and cannot be read.
    """
    slide = _opened(path, salt)
    try:
        yield slide
    finally:
        if slide is not None:
            slide.close()


def _opened(path: Path, salt: bytes) -> Slide | None:
    kind = recognise(path)
    if kind == "dicom":
        from .dicom_slide import DicomSlide, is_dicom_slide

        return DicomSlide(path, salt) if is_dicom_slide(path) else None
    if kind == "tiff":
        return _opened_tiff(path)
    return _by_openslide(path) if path.suffix.lower() in _OTHER else None


def _opened_tiff(path: Path) -> Slide | None:
    import tifffile

    with tifffile.TiffFile(path) as file:
        # Scanners first: their files are tiled pyramids too, with labels among the pages.
        vendor, is_plain = is_of_scanner(file), _is_pyramid(file)
    if vendor:
        return _by_openslide(path, must=True)
    if not is_plain:
        return None
    from .tiff_slide import TiffSlide

    return TiffSlide(path)


def _is_pyramid(file: Any) -> bool:
    """Tell if a TIFF is a slide: cut into tiles, and with lower levels or large."""
    page = file.pages.first
    if not page.is_tiled or page.dtype is None:
        return False
    is_large = max(page.imagelength, page.imagewidth) > _SMALL
    has_levels = len(file.series[0].levels) > 1 or any(p.subfiletype & 1 for p in file.pages[1:])
    return bool(is_large or has_levels)


def _by_openslide(path: Path, must: bool = False) -> Slide | None:
    from .openslide_slide import OpenSlideSlide, format_of

    try:
        import openslide  # noqa: F401
    except ImportError:
        raise PictureError("a slide of a scanner; `pip install 'semblance[slides]'` to read it") from None
    if format_of(path) is None:
        if must:
            raise PictureError("OpenSlide does not know this kind of slide, or the file is damaged")
        return None
    return OpenSlideSlide(path)
