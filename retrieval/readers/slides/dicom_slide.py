"""Slides in DICOM, by wsidicom: pyramids of several files, concatenations, JPEG 2000."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PictureError
from ...picture import Value
from ..dicom.header import any_issuer_of, groups_of, kind_of, metadata_of, text_of
from ..kinds import Kind, check_wanted
from ..reasons import reason_of
from ..source import PassedOverError
from .slide import RGB, About, Level

_SIBLINGS = 500
"""Files of a folder in which the other levels of a slide are looked for."""
_PLACED = ("PerFrameFunctionalGroupsSequence", "DimensionOrganizationType")
SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"  # VL Whole Slide Microscopy Image Storage


class DicomSlide:
    """A slide in DICOM, with those of its levels that are in files beside it.

    Raises
    ------
    PassedOverError : the file is a label, a lower level, or a further part of a slide.
    PictureError : its tiles have no places, or wsidicom refuses it.
    """

    def __init__(self, path: Path, salt: bytes = b"") -> None:
        header = _header(path)
        _check(header)
        self._slide, self._place = _opened(_files_of(path, header), text_of(header, "SOPInstanceUID"))
        pyramid = self._slide.pyramids[self._place]
        self._numbers = [level.level for level in pyramid.levels]
        self.levels: Sequence[Level] = [
            Level(int(level.size.height), int(level.size.width)) for level in pyramid.levels
        ]
        um = pyramid.levels[0].mpp
        spacing = (float(um.width), float(um.height)) if um is not None else None
        metadata: dict[str, Value] = {
            **metadata_of(header, salt),
            **any_issuer_of(header, salt),
            "slide_format": "DICOM",
        }
        self.about = About(spacing, groups_of(header, salt), metadata)

    def read(self, level: int, box: tuple[int, int, int, int]) -> RGB:
        """Return the pixels of a box (row, col, rows, cols) of a level."""
        top, left, rows, cols = box
        # wsidicom counts the corner in pixels of the level, unlike OpenSlide.
        number = self._numbers[level]
        values = self._slide.read_region((left, top), number, (cols, rows), pyramid=self._place)
        return np.ascontiguousarray(np.asarray(values.convert("RGB")))

    def close(self) -> None:
        """Close its files."""
        self._slide.close()


def is_dicom_slide(path: Path) -> bool:
    """Tell if a DICOM file is of a slide, by its header."""
    header = _header(path)
    return text_of(header, "SOPClassUID") == SLIDE_CLASS or text_of(header, "Modality") == "SM"


def _header(path: Path) -> Any:
    from pydicom import dcmread

    return dcmread(path, force=True, stop_before_pixels=True)


def _check(header: Any) -> None:
    kind = kind_of(header)
    if kind is Kind.LEVEL:
        raise PassedOverError(
            "passed over: a lower level of a slide, which is read with its finest one if that is in the same "
            "folder; to read it alone, index it without --um-per-px and with --also level"
        )
    check_wanted(kind, ())
    if kind is not Kind.IMAGE:
        raise PictureError(f"a {kind}, no slide")
    # wsidicom shows all that is above 255 as white.
    if (bits := text_of(header, "BitsAllocated")) not in ("", "8"):
        raise PictureError(_no_colour(f"its samples have {bits} bits, not 8"))
    # Of several optical paths it shows the first.
    if text_of(header, "SamplesPerPixel") == "1" and len(header.get("OpticalPathSequence") or ()) > 1:
        raise PictureError(_no_colour("each of its channels has frames of its own"))
    # PS3.3 C.8.12.14: either all tiles in order (TILED_FULL), or a position of each.
    if not any(header.get(keyword) for keyword in _PLACED):
        raise PictureError(
            "its header says neither where its tiles are nor that they are all there in order (TILED_FULL): "
            "the slide cannot be put together; index it without --um-per-px, each tile as an image"
        )
    number = text_of(header, "InConcatenationNumber")
    if text_of(header, "ConcatenationUID") and number not in ("", "1"):
        raise PassedOverError(
            f"passed over: part {number} of a slide, which is read with its first part if that is in the "
            "same folder"
        )


def _no_colour(what: str) -> str:
    return f"no slide in colour that can be read: {what}; index it without --um-per-px, each tile as an image"


def _files_of(path: Path, header: Any) -> list[Path]:
    """Return the files of a slide: levels and parts of its series that are in the same folder."""
    series = text_of(header, "SeriesInstanceUID")
    # The slide itself first: it decides what is opened if a file beside it is damaged.
    found = [path]
    beside = sorted(other for other in path.parent.iterdir() if other != path and other.is_file())
    for other in beside[:_SIBLINGS] if series else ():
        if _is_of(other, series):
            found.append(other)
    return found


def _is_of(path: Path, series: str) -> bool:
    from pydicom import dcmread

    with path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            return False
    tags = ["SeriesInstanceUID", "SOPClassUID", "ImageType", "Modality", "SpecimenLabelInImage"]
    try:
        header = dcmread(path, specific_tags=tags, stop_before_pixels=True)
    except Exception:  # a damaged file beside a slide is not the slide's fault
        return False
    # Labels and overviews are not even opened.
    return text_of(header, "SeriesInstanceUID") == series and kind_of(header) in (Kind.IMAGE, Kind.LEVEL)


def _opened(files: Sequence[Path], uid: str) -> tuple[Any, int]:
    """Open a slide, and return it with the number of the pyramid that holds its first file.

    One series may hold a pyramid for each area that was scanned (PS3.3 section C.8.12.4, Total Pixel Matrix
    Origin Sequence).
    """
    try:
        import wsidicom
    except ImportError as error:
        raise PictureError("a slide in DICOM; `pip install 'semblance[slides]'` to read it") from error
    last: Exception | None = None
    for chosen in _choices(files):
        try:
            slide = wsidicom.WsiDicom.open([str(file) for file in chosen])
        except Exception as error:  # of many kinds, if a file is damaged or not as the standard says
            last = last or error
            continue
        # Two areas of one place and scale are one pyramid to wsidicom, which keeps one of them.
        place = _pyramid_of(slide, uid)
        if place is None and len(chosen) == 1 and slide.pyramids:
            place = 0  # one file that is known by another UID
        if place is not None:
            return slide, place
        slide.close()
    if type(last).__name__ == "WsiDicomNoResolutionError":
        raise PictureError(
            "the slide does not say how large its pixels are, without which wsidicom opens none; add "
            "PixelSpacing to its header, or index it without --um-per-px, each tile as an image"
        )
    # Its own words may hold a path, or text of the header.
    why = "none of its files holds pixels of a slide" if last is None else reason_of(last)
    raise PictureError(f"wsidicom refuses it: {why}")


def _pyramid_of(slide: Any, uid: str) -> int | None:
    """Return which pyramid of a slide holds the image of a SOP instance UID; None if none does."""
    for number, pyramid in enumerate(slide.pyramids):
        for level in pyramid.levels:
            images = [image for one in level.instances.values() for image in one.datasets]
            if any(str(image.uids.instance) == uid for image in images):
                return number
    return None


def _choices(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    yield files
    if len(files) > 1:  # a lower level that is damaged must not cost the slide
        yield files[:1]
