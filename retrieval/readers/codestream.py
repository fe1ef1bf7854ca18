"""The codestream: what a compressed frame says of itself, read before anything is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError

_SEQUENTIAL = (0xC0, 0xC1)
_SCAN = 0xDA
_JPEG_LS = 0xF7
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {_JPEG_LS}
_J2K = b"\xff\x4f\xff\x51"
_END = b"\xff\xd9"
_FILLER = b"\x55" * 64
_MANY_ZEROS, _FEW_ZEROS = 64, 8
_SECTOR = 500  # of 512 bytes that a disk loses, some may belong to what is before and behind


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
    is_subsampled : whether components of JPEG have fewer samples than others, as colour differences may.
    """

    rows: int
    cols: int
    bits: int
    is_mixed: bool = False
    components: bytes = b""
    adobe: int | None = None
    process: int = 0
    is_subsampled: bool = False

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
    """Tell whether a codestream has its end marker, behind which bytes may pad it to an even length."""
    # 0 or FF, or one byte of anything (DCMTK).
    return data.rstrip(b"\0\xff").endswith(_END) or data[-3:-1] == _END


def with_end(data: bytes) -> bytes:
    """Return a codestream with its end marker, which some writers leave out and some decoders ask for.

    Raises PictureError if JPEG-LS or JPEG 2000 is not whole; of JPEG ``is_cut_off`` tells that.
    """
    import imagecodecs

    stated = codestream(data)
    if stated is None or is_ended(data):
        return data
    # These are strict about what is before the marker; without one CharLS can spend minutes.
    strict = {"JPEG-LS": imagecodecs.jpegls_decode, "JPEG 2000": imagecodecs.jpeg2k_decode}
    if (decode := strict.get(stated.codec)) is None:
        return data + _END
    for whole in (data, data[:-1]):  # a byte may pad it
        try:
            decode(whole + _END)
        except Exception:  # decoders fail in many ways
            continue
        return whole + _END
    raise PictureError("the file is truncated within a compressed frame")


def is_cut_off(data: bytes, values: NDArray[Any] | None = None, tables: bytes | None = None) -> bool:
    """Tell whether JPEG ends before its image: decoders show the rest as grey, and say nothing.

    Streams that lack nothing but their end marker are whole; an end marker behind a part of an image makes it
    no whole one.

    Parameters
    ----------
    values : as they were decoded, (rows, cols) or (rows, cols, samples), if that has been done.
    tables : those that a TIFF file keeps once for all of its tiles.
    """
    import imagecodecs

    stated = codestream(data)
    start = next((at for marker, at in _segments(data) if marker == _SCAN), -1)
    if stated is None or start < 0:
        return False
    # Within a scan no other FF is followed by D9, and none is the last byte.
    found = data.find(_END, start)
    end = found if found >= 0 else len(data.rstrip(b"\xff"))
    # Zeros may be in the place of the rest before an end marker as well.
    may_be_filled = found < 0 or not any(data[end - _MANY_ZEROS : end])
    if may_be_filled and _lacks_scans(data[:end], start, stated):
        return True
    try:
        shown = imagecodecs.jpeg8_decode(data, tables=tables) if values is None else values
        is_alone = data.find(bytes([0xFF, _SCAN]), start + 2, end) < 0
        has_hole = is_alone and stated.process in _SEQUENTIAL and _has_hole(data[start:end])
        if not (may_be_filled or has_hole) and _is_full(shown, stated, is_alone):
            return False
        if values is not None:  # they may be of another decoder
            shown = imagecodecs.jpeg8_decode(data, tables=tables)

        def is_changed(coded: bytes) -> bool:
            return not np.array_equal(imagecodecs.jpeg8_decode(coded + _END, tables=tables), shown)

        # What follows a whole image is passed over; behind a part of one it is taken for the rest.
        if is_changed(data[:end] + _FILLER + _next_restart(data[start:end]) + _FILLER):
            return True
        is_filled = may_be_filled and _is_filled(data[:end], is_changed)
        return is_filled or (has_hole and _ends_early(data[:end], is_changed))
    except Exception:  # who decodes it in earnest says what is wrong
        return False


def _has_hole(scan: bytes) -> bool:
    """Tell whether a scan has a sector of zeros before its end: one that was lost, or a large even ground."""
    return 0 <= scan.find(bytes(_SECTOR)) < len(scan.rstrip(b"\0\xff"))


def _ends_early(data: bytes, is_changed: Callable[[bytes], bool]) -> bool:
    """Tell whether an image is complete before its data end: zeros need less room than what was lost."""
    taken = data.rstrip(b"\0\xff")[:-_FEW_ZEROS]
    return not any(is_changed(taken + more) for more in (_FILLER, b""))


def _is_filled(data: bytes, is_changed: Callable[[bytes], bool]) -> bool:
    """Tell whether zeros that stand in the place of what was cut off were taken for a part of the image.

    An image that ends in zeros takes all of them; behind a whole one none of them are taken.
    """
    before = len(data.rstrip(b"\0"))
    if len(data) - before < _MANY_ZEROS:
        return False
    # To some decoders and tables nothing is the same as zeros, to others the filler is. The last ones first:
    # most images that end in zeros are whole.
    is_taken = any(is_changed(data[:-_FEW_ZEROS] + more) for more in (_FILLER, b""))
    return not is_taken and is_changed(data[: before + _FEW_ZEROS] + _FILLER)


def _lacks_scans(data: bytes, start: int, stated: Codestream) -> bool:
    """Tell whether a scan is missing that would refine the image, or add a component; ITU-T T.81 G.1.1.1."""
    left = {component: set(range(64)) for component in stated.components}
    at = start
    while (at := data.find(bytes([0xFF, _SCAN]), at)) >= 0 and len(data) >= at + 8 + 2 * data[at + 4]:
        ids = data[at + 5 : at + 5 + 2 * data[at + 4] : 2]
        first, last, approximation = data[at + 5 + 2 * len(ids) : at + 8 + 2 * len(ids)]
        at += 2
        if approximation & 15 == 0:  # the lowest bit has come
            for component in ids:
                left.get(component, set()).difference_update(range(first, last + 1))
    return stated.process not in _LOSSLESS and any(left.values())


def _next_restart(scan: bytes) -> bytes:
    """Return the restart marker that comes next; they count from 0 to 7 and begin again. T.81 B.2.1."""
    last = max(scan.rfind(bytes([0xFF, 0xD0 + n])) for n in range(8))
    return bytes([0xFF, 0xD0 if last < 0 else 0xD0 + (scan[last + 1] + 1) % 8])


def _is_full(values: NDArray[Any], stated: Codestream, is_alone: bool) -> bool:
    """Tell whether the last pixel is none that libjpeg leaves in the place of one that is missing.

    False says nothing. ``is_alone``: one scan holds the whole image.
    """
    last = values[-1, -1]
    if stated.process in _LOSSLESS and min(values.shape[:2]) > 1:
        # Differences of 0 repeat the pixel before, or the one above.
        return not (np.array_equal(last, values[-1, -2]) or np.array_equal(last, values[-2, -1]))
    if stated.process not in _SEQUENTIAL or not is_alone:
        return False
    # Coefficients of 0 are middle grey, in any colours and with or without a sign.
    away = np.abs(last.astype(np.int64) % (1 << stated.bits) - (1 << stated.bits - 1))
    return bool((away > 1).any())


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
    """Read the first start of frame, and the Adobe segment before it."""
    adobe = None
    for marker, position in _segments(data):
        if marker in _FRAMES and len(data) >= position + 10:
            bits, rows, cols, n = struct.unpack_from(">BHHB", data, position + 4)
            parts = data[position + 10 : position + 10 + 3 * n]
            return Codestream(rows, cols, bits, False, parts[::3], adobe, marker, len({*parts[1::3]}) > 1)
        if marker == 0xEE and data[position + 4 : position + 9] == b"Adobe" and len(data) > position + 15:
            adobe = data[position + 15]
    return None


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker segments of JPEG up to its first scan: marker and position; ITU-T T.81 B.1."""
    position, marker = 2, 0
    while position + 9 <= len(data) and marker != _SCAN and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        yield marker, position
        position += 2 + max(struct.unpack_from(">H", data, position + 2)[0], 2)
