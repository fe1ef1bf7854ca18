"""The contents of files: keyed hashes by which an index recognises a file, whatever it is called.

Names, sizes and times agree for files of two patients: discs number their files alike, and uncompressed
slices of one scanner are all of one size. So an index keeps two hashes of each file that it has read, of a
part and of the whole. The part is cheap to compare, over a network too; the whole decides where a part does
not.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

BLOCK = 1 << 16
"""Bytes of each of the three blocks of a part, 64 KiB: a DICOM header with its UIDs takes a few."""

_LARGEST = 1 << 28
"""Bytes, 256 MiB: larger files, such as slides, are not read whole when they are indexed."""
_DIGEST = 16  # bytes: files are told apart by accident only, not by an attacker


@dataclass(frozen=True)
class Contents:
    """Hashes of a file: of its size and three blocks of it, and of all its bytes; None if it is large."""

    part: bytes
    whole: bytes | None


def contents_of(path: Path, salt: bytes) -> Contents:
    """Return the hashes of a file, keyed: nobody without the index can test what it holds. Raises OSError."""
    is_small = path.stat().st_size <= _LARGEST
    return Contents(part_of(path, salt), whole_of(path, salt) if is_small else None)


def part_of(path: Path, salt: bytes) -> bytes:
    """Return the hash of the size of a file and of its first, middle and last block. Raises OSError."""
    # Three blocks, because volumes often begin and end with air: their middles differ, as headers do.
    with path.open("rb") as file:
        size = file.seek(0, 2)
        made = blake2b(size.to_bytes(8, "big"), digest_size=_DIGEST, key=salt[:64])
        for start in sorted({0, max(0, size // 2 - BLOCK // 2), max(0, size - BLOCK)}):
            file.seek(start)
            made.update(file.read(BLOCK))
    return made.digest()


def whole_of(path: Path, salt: bytes) -> bytes:
    """Return the hash of all bytes of a file. Raises OSError."""
    made = blake2b(digest_size=_DIGEST, key=salt[:64])
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            made.update(chunk)
    return made.digest()
