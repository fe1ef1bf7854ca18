"""Deflated DICOM files: unpacked piece by piece, since pydicom would hold them in memory several times."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ...errors import PictureError
from .header import element, text_of

_DEFLATED = b"1.2.840.10008.1.2.1.99\0"[:22]
_EXPLICIT = b"1.2.840.10008.1.2.1\0\0\0"  # as long as the other
_IN_MEMORY = 1 << 26
_LARGEST = 1 << 31


@contextmanager
def inflated(path: Path) -> Iterator[IO[bytes]]:
    """Open a file; a deflated one as one of Explicit VR Little Endian, beyond 64 MB on disk.

    PS3.5 A.5: all behind the file meta information is one deflate stream without a header.

    Raises
    ------
    PictureError : it holds more than 2 GiB.
    """
    from pydicom.filereader import read_file_meta_info

    with path.open("rb") as file:
        meta: Any = read_file_meta_info(path) if file.read(132)[128:] == b"DICM" else {}
        file.seek(0)
        if text_of(meta, "TransferSyntaxUID") != _DEFLATED.decode():
            yield file
            return
        # 128 bytes of preamble, DICM, and the element that says how long the rest of the group is.
        head = file.read(144 + int(element(meta, "FileMetaInformationGroupLength") or 0))
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as whole:
            whole.write(head.replace(_DEFLATED, _EXPLICIT, 1))
            _inflate(file, whole)
            whole.seek(0)
            yield whole


def _inflate(packed: IO[bytes], whole: IO[bytes]) -> None:
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    data = packed.read(1 << 16)
    while not inflater.eof:
        piece = inflater.decompress(data, 1 << 20)
        if not data and not piece:  # zlib may hold something back when all is read
            return
        size += len(piece)
        if size > _LARGEST:
            raise PictureError("the deflated file holds more than 2 GiB; inflate it with a DICOM toolkit")
        whole.write(piece)
        data = inflater.unconsumed_tail or packed.read(1 << 16)
