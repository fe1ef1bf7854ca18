"""Files that claim or hold far more than they seem to; each must end within the limits of a file."""

from __future__ import annotations

import bz2
import gzip
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import tifffile
from support.dicom_files import write_dicom

DEFLATED = "1.2.840.10008.1.2.1.99"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
_MB = 1 << 20

Write = Callable[[Path, int], Any]


def write_bomb(folder: Path, name: str, megabytes: int = 300) -> tuple[Path, str | int]:
    """Write a bomb; return its path, and what its refusal says, or how many black images it holds.

    Parameters
    ----------
    name : one of ``BOMBS``.
    megabytes : what the compressed ones hold.
    """
    write, expected = BOMBS[name]
    path = folder / name
    write(path, megabytes * _MB)
    return path, megabytes * 4 if expected == "slices" else expected


def _gif(path: Path, n: int) -> None:
    """35 bytes: 10,000 × 10,000 pixels, of which none is there."""
    screen = struct.pack("<HHBBB", 10_000, 10_000, 0x80, 0, 0) + bytes(6)
    image = struct.pack("<4HB", 0, 0, 10_000, 10_000, 0)
    path.write_bytes(b"GIF89a" + screen + b"," + image + b"\x02\x01\x2c\0;")


def _bmp(path: Path, n: int) -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 90_000, 90_000, 1, 24, 0, 0, 0, 0, 0, 0)
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header)


def _tiff(path: Path, n: int) -> None:
    """One page whose header says 99,000 × 99,000 pixels."""
    tifffile.imwrite(path, np.zeros((2, 2), np.uint8))
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        for tag in ("ImageWidth", "ImageLength"):
            found = file.pages[0].tags[tag]
            struct.pack_into("<I", data, found.valueoffset, 99_000)
            struct.pack_into("<H", data, found.offset + 2, 4)  # a number of 32 bits
    path.write_bytes(data)


def _dicom(**values: Any) -> Write:
    return lambda path, n: write_dicom(path, np.zeros((8, 8), np.uint8), **values)


def _nifti(*shape: int) -> Write:
    return lambda path, n: path.write_bytes(_nifti_header(shape) + bytes(8))


def _nifti_gz(*shape: int) -> Write:
    """A NIfTI file of many zeros; slices of 512 × 512 if no shape is given."""

    def write(path: Path, n: int) -> None:
        path.write_bytes(gzip.compress(_nifti_header(shape or (512, 512, n >> 18)) + bytes(n), 9))

    return write


def _nrrd(path: Path, n: int) -> None:
    head = f"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 512 512 {n >> 18}\nencoding: bzip2\n\n"
    path.write_bytes(head.encode() + bz2.compress(bytes(n)))


def _nrrd_huge(path: Path, n: int) -> None:
    path.write_text("NRRD0004\ntype: uint8\ndimension: 3\nsizes: 99999 99999 99999\nencoding: raw\n\n")


def _mha(path: Path, n: int) -> None:
    head = f"ObjectType = Image\nNDims = 3\nDimSize = 512 512 {n >> 18}\nElementType = MET_UCHAR\n"
    path.write_bytes(
        f"{head}CompressedData = True\nElementDataFile = LOCAL\n".encode() + zlib.compress(bytes(n), 9)
    )


def _png(path: Path, side: int) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


def write_deflated(path: Path, n: int, **values: Any) -> None:
    """Write a deflated DICOM file of 8 × 8 pixels, behind which many zeros follow."""
    write_dicom(path, np.zeros((8, 8), np.uint8), syntax=DEFLATED, **values)
    raw = path.read_bytes()
    start = 144 + struct.unpack("<I", raw[140:144])[0]
    body = zlib.decompress(raw[start:], -15)
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, n)
    packed = pack.compress(body[: body.index(pixels[:4])] + pixels)
    packed += b"".join(pack.compress(bytes(_MB)) for _ in range(n // _MB)) + pack.flush()
    path.write_bytes(raw[:start] + packed)


def _nifti_header(shape: tuple[int, ...]) -> bytes:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(shape)
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header.binaryblock + bytes(4)


_JP2_BOX = bytes.fromhex("0000000c6a5020200d0a870a") + struct.pack(">I", 0) + b"jp2h" + bytes(40)
"""A JPEG 2000 file whose box has no length, and which has no codestream."""

BOMBS: dict[str, tuple[Write, str | int]] = {
    "huge.png": (lambda path, n: _png(path, 60_000), "more pixels than"),
    "empty.png": (lambda path, n: _png(path, 9_900), "more pixels than the file can hold"),
    "empty.gif": (_gif, "more pixels than the file can hold"),
    "huge.bmp": (_bmp, "more pixels than"),
    "huge.tif": (_tiff, "more than the 100,000,000 allowed"),
    "frames.dcm": (_dicom(NumberOfFrames=1_000_000), "1,000,000 images, more than the 250,000 allowed"),
    "rows.dcm": (_dicom(Rows=65_535, Columns=65_535), "more than the 100,000,000 allowed"),
    "jp2_box.dcm": (_dicom(syntax=JPEG_2000, frames=[_JP2_BOX]), "no codestream"),
    "jp2_box.jp2": (lambda path, n: path.write_bytes(_JP2_BOX), "no codestream"),
    "deflated.dcm": (write_deflated, 1),
    "zeros.nii.gz": (_nifti_gz(), "slices"),
    "tail.nii.gz": (_nifti_gz(4, 4, 4), 4),
    "short.nii.gz": (_nifti_gz(1, 1, 30_000, 30_000), "truncated"),
    "huge.nii": (_nifti(30_000, 30_000, 30_000), "truncated"),
    "zeros.nrrd": (_nrrd, "slices"),
    "huge.nrrd": (_nrrd_huge, "truncated"),
    "zeros.mha": (_mha, "slices"),
}
"""What writes each bomb, given its path and a number of bytes, and what comes of it (see ``write_bomb``)."""
