"""The parity of pages: the exclusive or of those that share a page of it, made chunk by chunk."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def add_parity(parity: bytearray, at: int, data: memoryview) -> None:
    """Take bytes that begin at ``at`` in the file into its parity."""
    # One stretch of as many pages as there are stripes after the other.
    while data:
        first = at % len(parity)
        piece, data = data[: len(parity) - first], data[len(parity) - first :]
        end = first + len(piece)
        parity[first:end] = xor([parity[first:end], piece])
        at += len(piece)


def xor(parts: Sequence[bytes | bytearray | memoryview]) -> bytes:
    """Return the exclusive or of byte strings of one length."""
    if "numpy" in sys.modules:
        import numpy as np

        sums = np.zeros(len(parts[0]), np.uint8)
        for part in parts:
            sums ^= np.frombuffer(part, np.uint8)
        return sums.tobytes()
    total = 0
    for part in parts:  # whole numbers of any length: six times as slow, but NumPy need not be loaded
        total ^= int.from_bytes(part, "little")
    return total.to_bytes(len(parts[0]), "little")
