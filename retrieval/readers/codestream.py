"""The codestream: what a compressed frame says of itself, read before anything is decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

_JPEG_LS = 0xF7
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {_JPEG_LS}
_J2K = b"\xff\x4f\xff\x51"
_END = b"\xff\xd9"
_FILLER = b"\x55" * 64


@dataclass(frozen=True)
class Codestream:
    """Size and samples of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Parameters
    ----------
    rows, cols : in pixels.
    bits : of a sample.
    is_mixed : whether a JPEG 2000 codestream has turned RGB into luma and colour differences itself
        (multiple component transformation), so that its decoder gives RGB.
    components : the identifiers of the components of JPEG; empty for JPEG 2000.
    adobe : the colour transformation of an Adobe segment: 0 none, 1 YCbCr, 2 YCCK; None without one.
    process : the marker of the frame, which says how JPEG is coded; 0 for JPEG 2000.
    """

    rows: int
    cols: int
    bits: int
    is_mixed: bool = False
    components: bytes = b""
    adobe: int | None = None
    process: int = 0

    @property
    def codec(self) -> str:
        """The family that it is of: JPEG, lossless JPEG, JPEG-LS or JPEG 2000."""
        if not self.process:
            return "JPEG 2000"
        if self.process == _JPEG_LS:
            return "JPEG-LS"
        return "lossless JPEG" if self.process in _LOSSLESS else "JPEG"


def codestream(data: bytes) -> Codestream | None:
    """Read the beginning of a codestream; None if it is none, or does not say."""
    start = data.find(_J2K, 0, 4096)  # bare, or within the boxes of a JP2 file
    if start >= 0 and len(data) >= start + 44:
        # ISO 15444-1 A.5.1: SIZ has Xsiz, Ysiz, XOsiz, YOsiz, and Ssiz of each component.
        right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
        return Codestream(bottom - top, right - left, (data[start + 42] & 0x7F) + 1, _is_mixed(data, start))
    return _jpeg(data) if data.startswith(b"\xff\xd8") else None


def codestream_size(data: bytes) -> tuple[int, int] | None:
    """Return (rows, cols) of a JPEG, JPEG-LS or JPEG 2000 codestream; None if it does not say."""
    found = codestream(data)
    return None if found is None else (found.rows, found.cols)


def is_ended(data: bytes) -> bool:
    """Tell whether JPEG or JPEG-LS has its end marker, behind which bytes may pad it to an even length."""
    # 0 or FF, or one byte of anything (DCMTK).
    return data.rstrip(b"\0\xff").endswith(_END) or data[-3:-1] == _END


def is_cut_off(data: bytes, tables: bytes | None = None) -> bool:
    """Tell whether JPEG ends before its image: decoders show the rest as grey, and say nothing.

    Streams that lack nothing but their end marker are whole. ``tables`` are those that a TIFF file keeps
    once for all of its tiles.
    """
    import imagecodecs

    if is_ended(data):
        return False
    # What follows a whole image is passed over; behind a part of one it is taken for the rest.
    try:
        longer = imagecodecs.jpeg8_decode(data + _FILLER + _END, tables=tables)
        return not np.array_equal(longer, imagecodecs.jpeg8_decode(data, tables=tables))
    except Exception:  # who decodes it in earnest says what is wrong
        return False


def bare_j2k(data: bytes) -> bytes:
    """Return a JPEG 2000 codestream without the boxes of a JP2 file around it; as it is if it has none.

    PS3.5 A.4.4 forbids the boxes, and a damaged box holds some decoders for ever.
    """
    start = data.find(_J2K, 0, 4096)
    return data[start:] if start > 0 and data[4:8] == b"jP  " else data


def _is_mixed(data: bytes, start: int) -> bool:
    """ISO 15444-1 A.6.1: COD has the transformation in its seventh byte."""
    cod = data.find(b"\xff\x52", start, start + 4096)
    return 0 <= cod < len(data) - 8 and data[cod + 8] == 1


def _jpeg(data: bytes) -> Codestream | None:
    """Walk the marker segments to the first start of frame; ITU-T T.81 B.1."""
    position, adobe = 2, None
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _FRAMES:
            bits, rows, cols, n = struct.unpack_from(">BHHB", data, position + 4)
            components = data[position + 10 : position + 10 + 3 * n : 3]
            return Codestream(rows, cols, bits, components=components, adobe=adobe, process=marker)
        if marker == 0xEE and data[position + 4 : position + 9] == b"Adobe" and len(data) > position + 15:
            adobe = data[position + 15]
        length = struct.unpack_from(">H", data, position + 2)[0]
        position += 2 + max(length, 2)
    return None
