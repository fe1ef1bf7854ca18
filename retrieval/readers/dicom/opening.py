"""Opening DICOM files: the header is read, and the pixels are found but not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from ...errors import PictureError
from ..kinds import check_wanted
from ..source import NotAPictureError, Source
from .deflated import inflated
from .frames import BIG_ENDIAN, EXPLICIT, IMPLICIT, NATIVE, Stored
from .geometry import numbers
from .header import element, kind_of, metadata_of, syntax_name, text_of

_VRS = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN")
"""Of pixels. In implicit files a length is there, which is even: 'O' and 'U' are no low byte of one."""
_WORDS = (1, 8, 16, 32, 64)
"""Bits that can be allocated for a value; PS3.5 section 8.1.1. Old files may have packed others."""
_KEYWORDS = {8: "FloatPixelData", 9: "DoubleFloatPixelData", 0x10: "PixelData"}  # elements of group 7FE0


@contextmanager
def open_frames(source: Source) -> Iterator[Stored]:
    """Read the header of a DICOM file and find its pixels; its frames can be read within the context.

    Raises NotAPictureError for objects that have none by their nature (plans, reports, waveforms),
    PassedOverError for kinds that are not wanted, and PictureError for images that have lost their pixels,
    are too large, or are not encoded as their transfer syntax says.
    """
    from pydicom import dcmread

    with inflated(source.path) as file:
        dataset = dcmread(file, force=True, stop_before_pixels=True)
        syntax = _syntax(dataset)
        more = _enter_pixels(file, syntax)
        offset = file.tell()
        more["start"] = file.read(4)
        if not more.get("pixel_keyword"):
            raise _no_pixels(dataset, syntax)
        check_wanted(kind_of(dataset), source.also)
        _check_encoding(more, syntax)
        options = _options(dataset, source, more, syntax)
        yield Stored(dataset, syntax, options, file, offset, more["length"] or None)


def _options(dataset: Any, source: Source, more: dict[str, Any], syntax: Any) -> dict[str, Any]:
    from pydicom.pixels import as_pixel_options

    found = numbers(dataset, "NumberOfFrames")
    if len(found) != 1 or found[0] < 1:  # it cannot be read: the pixels can
        dataset.pop(0x00280008, None)
    more = {key: value for key, value in more.items() if key.startswith("pixel_")}
    options = {"transfer_syntax_uid": syntax, **as_pixel_options(dataset, **more)}
    options["high_bit"] = element(dataset, "HighBit")
    if missing := [name for name in ("rows", "columns", "bits_allocated") if not options.get(name)]:
        raise PictureError(f"the DICOM header lacks {missing[0].replace('_', ' ')}")
    is_colour = options.get("samples_per_pixel") == 3
    defaults = {
        "samples_per_pixel": 1,
        "photometric_interpretation": "RGB" if is_colour else "MONOCHROME2",
    }
    if more["pixel_keyword"] == "PixelData":
        defaults["pixel_representation"] = 0
    # An empty element gives None, which is no better than a missing one.
    options |= {name: value for name, value in defaults.items() if options.get(name) in (None, "")}
    # Some writers spell the terms in small letters, which decoders do not know.
    options["photometric_interpretation"] = str(options["photometric_interpretation"]).upper()
    if syntax in NATIVE and options["photometric_interpretation"].startswith("YBR_PARTIAL"):
        raise PictureError(
            f"its colours are {options['photometric_interpretation']}, which is retired and not read; "
            "convert the file to RGB"
        )
    if options["photometric_interpretation"] == "YBR_FULL_422":
        options["planar_configuration"] = 0  # pixels that share their differences have no planes; C.7.6.3.1.2
    if options["samples_per_pixel"] not in (1, 3):
        raise PictureError(
            f"a pixel has {options['samples_per_pixel']} samples, which is not read; convert the file to RGB"
        )
    if options["bits_allocated"] not in _WORDS:
        raise PictureError(
            f"{options['bits_allocated']} bits are allocated for a value, which is not read; convert it to 16"
        )
    if not 0 < int(options.get("bits_stored") or 0) <= int(options["bits_allocated"]):
        options["bits_stored"] = options["bits_allocated"]
    source.check_size(options["rows"], options["columns"])
    return options


def _syntax(dataset: Any) -> Any:
    """Return the transfer syntax, guessed from the encoding if the file does not name it."""
    from pydicom.uid import UID

    if stated := text_of(getattr(dataset, "file_meta", None) or {}, "TransferSyntaxUID"):
        return UID(stated)
    implicit, little_endian = dataset.original_encoding
    return UID(IMPLICIT if implicit else EXPLICIT if little_endian else BIG_ENDIAN)


def _enter_pixels(file: IO[bytes], syntax: Any) -> dict[str, Any]:
    """Read the header of the pixel data element at the file's place; return what decoders ask of it.

    ``length`` is that of the value in bytes; it is None if it is undefined, as it is of encapsulated pixels.
    """
    header = file.read(8)
    order: Any = "big" if syntax == BIG_ENDIAN else "little"
    group, number = (int.from_bytes(header[i : i + 2], order) for i in (0, 2))
    if group != 0x7FE0 or number not in _KEYWORDS:
        return {}
    more: dict[str, Any] = {"pixel_keyword": _KEYWORDS[number]}
    length = header[4:8]
    if header[4:6] in _VRS:  # asked of the file itself: some are implicit in spite of their transfer syntax
        more["pixel_vr"] = header[4:6].decode("ascii")
        length = file.read(4)
    more["length"] = None if length == b"\xff\xff\xff\xff" else int.from_bytes(length, order)
    return more


def _check_encoding(more: dict[str, Any], syntax: Any) -> None:
    """Refuse pixels that are not encoded as the transfer syntax says: read as it says, they are noise.

    PS3.5 A.4: encapsulated pixels have an undefined length and begin with an item, (FFFE,E000).
    """
    begins_item = more.get("start") == b"\xfe\xff\x00\xe0"
    if syntax in NATIVE and (more["length"] is None or (begins_item and more.get("pixel_vr") != "OW")):
        raise PictureError(
            f"the header says {syntax_name(syntax)}, but the pixels are encapsulated (compressed); "
            "correct the transfer syntax of the file"
        )
    if syntax not in NATIVE and more.get("start") and not begins_item:
        if str(syntax.name) == str(syntax):  # private, or later than our table of UIDs
            raise PictureError(
                "its transfer syntax is unknown; convert the file to Explicit VR Little Endian"
            )
        raise PictureError(
            f"the header says {syntax_name(syntax)}, but the pixels are not encapsulated (not compressed); "
            "correct the transfer syntax of the file"
        )


def _no_pixels(dataset: Any, syntax: Any) -> PictureError:
    # PS3.3 C.12.1: every object has group 8, a DICOMDIR (F.3) group 4; read wrongly, they are others.
    if dataset and not {4, 8} & {int(tag) >> 16 for tag in list(dataset.keys())}:
        return PictureError(
            f"its header is not encoded as it says, {syntax_name(syntax)}; correct the transfer syntax"
        )
    if element(dataset, "PixelDataProviderURL"):  # PS3.3 C.7.6.3.3
        return PictureError(
            "its pixels are not in the file, but with a server (JPIP); export it with its pixels"
        )
    if element(dataset, "Rows"):
        return PictureError("the pixel data are missing: the file is truncated or was stripped")
    # A damaged header may hold anything in the place of the kind; the allow-list lets known kinds through.
    known = metadata_of(dataset)
    kind = known.get("sop_class") or known.get("modality") or "of unknown kind"
    return NotAPictureError(f"a DICOM object without pixels ({kind})")
