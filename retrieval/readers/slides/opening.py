"""Opening slides: which back end reads a file, decided by its content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import PictureError
from ..formats import recognise
from ..reasons import reason_of
from ..slide import is_slide as is_of_scanner
from .damage import damage_of_file, damage_of_page

if TYPE_CHECKING:
    from .slide import Slide

_OTHER = (".mrxs", ".vms", ".vmu", ".svslide", ".czi")
"""Endings of slides that are no TIFF and no DICOM; OpenSlide looks at their content."""
_TILE_WIDTH = 322  # a tag of images that are cut into tiles, TIFF 6.0 section 15
_SMALL = 2048
"""Rows and columns of a tiled TIFF of one level that is an image and no slide."""


def may_be_slide(path: Path, least: int = 0) -> bool:
    """Tell by its first bytes if a file may be a slide, and is no TIFF or DICOM file of fewer bytes.

    Raises OSError if it cannot be read.
    """
    # Slides of other kinds may keep their pixels in files beside the one that is named.
    if path.suffix.lower() in _OTHER:
        return True
    return path.stat().st_size >= least and recognise(path) in ("dicom", "tiff")


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


@contextmanager
def open_named(path: Path) -> Iterator[Slide | None]:
    """Open a slide as ``open_slide`` does; what fails is a PictureError that begins with its name."""
    try:
        with open_slide(path) as slide:
            yield slide
    except PictureError as error:
        raise type(error)(f"{path.name}: {error}") from error
    except Exception as error:  # decoders fail in many ways
        raise PictureError(f"{path.name}: {reason_of(error)}") from error


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
        vendor = is_of_scanner(file)
        is_plain = not vendor and _is_pyramid(file)
    if vendor:
        return _by_openslide(path, must=True)
    if not is_plain:
        return None
    from .tiff_slide import TiffSlide
    from .turned import turned

    slide = TiffSlide(path)
    return turned(slide, slide.orientation)


def _is_pyramid(file: Any) -> bool:
    """Tell if a TIFF is a slide: cut into tiles, and with lower levels or large."""
    page = file.pages.first
    if _TILE_WIDTH not in page.tags or page.dtype is None:
        return False
    pages = [p.aspage() for p in file.pages]
    # Before tifffile puts levels together, which fails where one has no pixels.
    if what := next((what for p in pages if (what := damage_of_page(p))), ""):
        raise PictureError(what)
    is_large = any(p.is_tiled and max(p.imagelength, p.imagewidth) > _SMALL for p in pages)
    has_levels = len(file.series[0].levels) > 1 or any(p.subfiletype & 1 for p in pages[1:])
    return bool(is_large or has_levels)


def _by_openslide(path: Path, must: bool = False) -> Slide | None:
    from .openslide_slide import OpenSlideSlide, format_of

    try:
        import openslide  # noqa: F401
    except ImportError:
        raise PictureError("a slide of a scanner; `pip install 'semblance[slides]'` to read it") from None
    if format_of(path) is None:
        if must:
            unknown = "OpenSlide does not know this kind of slide, or the file is damaged"
            raise PictureError(damage_of_file(path) or unknown)
        # What is left is a JPEG, the overview: it must not be taken for an image of tissue.
        if path.suffix.lower() == ".mrxs":
            raise PictureError(
                "a MIRAX slide whose folder, named as the file is without .mrxs, is not beside it or is "
                "damaged; that holds its pixels"
            )
        return None
    try:
        return OpenSlideSlide(path)
    except PictureError as error:
        # OpenSlide says what it met, and not that the file is cut off.
        raise PictureError((must and damage_of_file(path)) or str(error)) from error
