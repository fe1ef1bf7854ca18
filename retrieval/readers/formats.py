"""The formats: which are read, by which module, and how a file of each is recognised by its content."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from .nifti_pair import header_beside, is_pair_header


@dataclass(frozen=True)
class Format:
    """A format that is read.

    Parameters
    ----------
    title : its name in messages.
    module : the module of ``retrieval.readers`` whose ``read(source)`` yields the images.
    suffixes : endings of file names that promise it, in lower case.
    """

    title: str
    module: str
    suffixes: tuple[str, ...]


FORMATS = {
    "bmp": Format("BMP", "raster", (".bmp",)),
    "dicom": Format("DICOM", "dicom.reader", (".dcm", ".dic", ".dicom", ".ima")),
    "gif": Format("GIF", "raster", (".gif",)),
    "jpeg": Format("JPEG", "raster", (".jpeg", ".jpg")),
    "jp2": Format("JPEG 2000", "jpeg2000", (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jph")),
    "metaimage": Format("MetaImage", "metaimage", (".mha", ".mhd")),
    "nifti": Format("NIfTI", "nifti", (".nii", ".nii.gz")),
    "nrrd": Format("NRRD", "nrrd", (".nrrd", ".nhdr")),
    "png": Format("PNG", "raster", (".png",)),
    "tiff": Format("TIFF", "tiff", (".tif", ".tiff")),
    "webp": Format("WebP", "raster", (".webp",)),
}
"""The formats that are read, by the names that ``recognise`` returns."""

_HEAD = 1024
_METAIMAGE = re.compile(rb"\s*(ObjectType|NDims|Comment|ObjectSubType)\s*=", re.IGNORECASE)
"""The first line of a MetaImage header; the fields may come in another order than usual."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0\x08\0\0\0", "tiff"),  # BigTIFF
    (b"MM\0+\0\x08\0\0", "tiff"),
    (b"NRRD000", "nrrd"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),  # a bare codestream
)

_VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN".split()
    + b"SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)

_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations with a length of 32 bits."""


def recognise(path: Path) -> str | None:
    """Return the format of a file by its first bytes, a key of ``FORMATS``; None if it is none of them.

    Raises OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    # The pixels of a pair have no magic of their own: the header beside them says what they are.
    return recognise_head(head) or ("nifti" if header_beside(path) is not None else None)


def recognise_head(head: bytes) -> str | None:
    """Return the format that the first bytes of a file are of, a key of ``FORMATS``; None if of none."""
    if head[128:132] == b"DICM":  # asked first: the preamble before it may be the head of a TIFF file
        return "dicom"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    for start in (head, inflated(head)):
        if _is_nifti(start) or is_pair_header(start):
            return "nifti"
    if _METAIMAGE.match(head):
        return "metaimage"
    if _is_bmp(head):
        return "bmp"
    return "dicom" if _is_bare_dicom(head) else None


def claims(path: Path) -> str:
    """Return the title of the format that the name of a file promises, empty if it promises none."""
    name = path.name.lower()
    titles = (format.title for format in FORMATS.values() if name.endswith(format.suffixes))
    return next(titles, "")


def _is_nifti(head: bytes) -> bool:
    """NIfTI-1 has its magic at byte 344 of a header of 348, NIfTI-2 at byte 4 of one of 540."""
    if len(head) < 348:
        return False
    sizes = struct.unpack_from("<i", head)[0], struct.unpack_from(">i", head)[0]
    return (348 in sizes and head[344:348] == b"n+1\0") or (540 in sizes and head[4:8] == b"n+2\0")


def inflated(head: bytes) -> bytes:
    """Return the beginning of what gzip has packed; nothing of a file that it has not."""
    if not head.startswith(b"\x1f\x8b"):
        return b""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 600)
    except zlib.error:
        return b""


def _is_bmp(head: bytes) -> bool:
    """Two letters are weak evidence: the size of the second header must be one that exists as well."""
    if len(head) < 26 or head[:2] != b"BM":
        return False
    return struct.unpack_from("<I", head, 14)[0] in (12, 16, 40, 52, 56, 64, 108, 124)


def _is_bare_dicom(head: bytes) -> bool:
    """DICOM without preamble: elements from group 2 or 8 on, in rising order, with plausible lengths."""
    return any(_elements_rise(head, *encoding) for encoding in (("<", True), ("<", False), (">", True)))


def _elements_rise(head: bytes, endian: str, explicit: bool) -> bool:
    """Walk four elements, or two and more to the end of what is there; PS3.5 section 7.1."""
    position, last = 0, (0, -1)
    for count in range(4):
        if position + 12 > len(head):
            return count >= 2
        tag = struct.unpack_from(endian + "HH", head, position)
        if tag <= last or (count == 0 and (tag[0] not in (2, 8) or tag[1] > 0x70)):
            return False
        length, header = _length(head, position, endian, explicit)
        if length is None:
            return False
        if length == 0xFFFFFFFF:  # a sequence of unknown length
            return count >= 1
        if length > 1 << 16 or length % 2:
            return False
        position, last = position + header + length, tag
    return True


def _length(head: bytes, position: int, endian: str, explicit: bool) -> tuple[int | None, int]:
    """Return the lengths of an element's value (None if it is no element) and of its header, in bytes."""
    if not explicit:
        return struct.unpack_from(endian + "I", head, position + 4)[0], 8
    representation = head[position + 4 : position + 6]
    if representation not in _VALUE_REPRESENTATIONS:
        return None, 8
    # PS3.5 section 7.1.2: these have two reserved bytes and a length of four.
    if representation in _LONG:
        return struct.unpack_from(endian + "I", head, position + 8)[0], 12
    return struct.unpack_from(endian + "H", head, position + 6)[0], 8
