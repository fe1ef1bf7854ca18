"""Mutations of bytes: what chance, age and malice do to a file. Each is a pure function of a seed."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Sequence

_EDGES = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WORDS = (
    b"-1", b"0", b"1e309", b"nan", b"inf", b"99999999999999999999", b"%s", b"../", b"\0", b"\xff\xfe",
    b"'", b'"', b"(", b")", b",", b"\n", b"\r\n", b";", b"{", b"}", b"[" * 200, b"not ", b" like ", b"%",
    b"_", b"and", "ſ".encode(), b"\\",
)  # fmt: skip
_HEAD = 600  # bytes, in which most of what decides is


def mutant(seeds: Sequence[bytes], seed: str) -> bytes:
    """Return one of some inputs, with one to five mutations."""
    rng = random.Random(seed)
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        rng.choice(_MUTATIONS)(data, rng)
    if rng.random() < 0.03:  # two halves of two files
        other = rng.choice(seeds)
        data = data[: len(data) // 2] + other[len(other) // 2 :]
    return bytes(data)


def mend_png(data: bytes) -> bytes:
    """Return a PNG file with the checksum of each chunk put right."""
    mended, at = bytearray(data), 8
    while at + 12 <= len(mended):
        end = at + 8 + int.from_bytes(mended[at : at + 4], "big")
        if end + 4 > len(mended):
            break
        mended[end : end + 4] = zlib.crc32(mended[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(mended)


def mend_gzip(data: bytes) -> bytes:
    """Return what is mutated as the contents of a gzip file."""
    return gzip.compress(data, 1, mtime=0)


def _place(data: bytearray, rng: random.Random) -> int:
    most = len(data) if rng.random() < 0.3 else min(len(data), _HEAD)
    return rng.randrange(max(most, 1))


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random) -> None:
    if data:
        data[_place(data, rng)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(data: bytearray, rng: random.Random) -> None:
    n = rng.choice((2, 4, 4, 8))
    value = rng.choice((*_EDGES, rng.randrange(1 << 16))) % (1 << 8 * n)
    at = _place(data, rng)
    data[at : at + n] = value.to_bytes(n, rng.choice(("little", "big")))


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _remove(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 16, 100))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at, n = _place(data, rng), rng.choice((1, 4, 16, 200))
    data[at:at] = data[at : at + n] * rng.choice((1, 2, 30))


def _insert(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.choice((*_WORDS, rng.randbytes(4)))


def _overwrite(data: bytearray, rng: random.Random) -> None:
    at, word = _place(data, rng), rng.choice(_WORDS)
    data[at : at + len(word)] = word


_MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _byte, _byte, _number, _number, _cut, _remove, _repeat, _insert, _overwrite,
)  # fmt: skip
