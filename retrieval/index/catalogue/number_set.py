"""A set of numbers of files, in one bit each: as Python's numbers a million files would take 70 MB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet


class NumberSet(MutableSet[int]):
    """A set of numbers from 0, in as many bits as the largest says. It yields them rising."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._bits = bytearray()
        self._n = 0
        self.update(numbers)

    def add(self, value: int) -> None:
        """Add a number."""
        if value not in self:
            at = value >> 3
            self._bits.extend(bytes(max(0, at + 1 - len(self._bits))))
            self._bits[at] |= 1 << (value & 7)
            self._n += 1

    def update(self, numbers: Iterable[int]) -> None:
        """Add some numbers."""
        for number in numbers:
            self.add(number)

    def discard(self, value: int) -> None:
        """Take a number out, if it is in."""
        if value in self:
            self._bits[value >> 3] &= ~(1 << (value & 7))
            self._n -= 1

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int) or not 0 <= value >> 3 < len(self._bits):
            return False
        return bool(self._bits[value >> 3] >> (value & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        for at, bits in enumerate(self._bits):
            while bits:
                low = bits & -bits
                yield 8 * at + low.bit_length() - 1
                bits ^= low

    def __len__(self) -> int:
        return self._n
