"""CRC-32 of a long text from those of its parts: what a part adds, moved to its place.

The CRC-32 of two parts is that of the first, times a power of x, plus that of the second, all of them
polynomials over GF(2) modulo that of CRC-32 (``crc32_combine`` of zlib). So one part can be exchanged without
reading the others. Bit 31 of a number is the coefficient of 1, bit 0 that of x³¹.
"""

from __future__ import annotations

from functools import cache, lru_cache

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31


def shifted(crc: int, n_bytes: int) -> int:
    """Return what a CRC-32 adds to that of a text which goes on for ``n_bytes`` after its part."""
    return _times(_power(n_bytes), crc) if crc else 0


@lru_cache(1 << 12)
def _power(n_bytes: int) -> int:
    """Return x to the number of bits."""
    power, k = _ONE, 3
    while n_bytes:
        if n_bytes & 1:
            power = _times(_squared(k), power)
        n_bytes >>= 1
        k += 1
    return power


@cache
def _squared(k: int) -> int:
    """Return x to the power of 2 to the k."""
    return _times(_squared(k - 1), _squared(k - 1)) if k else _ONE >> 1


def _times(a: int, b: int) -> int:
    """Return the product of two polynomials."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0)
    return product
