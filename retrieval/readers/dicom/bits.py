"""DICOM bits: where the stored value is within the word that was allocated for it; PS3.5 section 8.1.1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bit_shift(options: dict[str, Any]) -> int:
    """Return how many bits are below the stored value: HighBit + 1 - BitsStored.

    0 for a HighBit that fits no word: such headers are damaged, and their values are where all others are.
    """
    allocated, stored = int(options["bits_allocated"]), int(options["bits_stored"])
    shift = int(options.get("high_bit") or stored - 1) + 1 - stored
    return shift if 0 < shift <= allocated - stored else 0


def stored_values(words: NDArray[Any], options: dict[str, Any]) -> NDArray[Any]:
    """Return the stored values within words of any shape; same dtype, signed if the header says so.

    The other bits may hold anything: overlays of old machines (group 60xx) or noise.
    """
    allocated, stored = int(options["bits_allocated"]), int(options["bits_stored"])
    if words.dtype.kind not in "iu" or allocated != 8 * words.dtype.itemsize or not 0 < stored < allocated:
        return words
    shift = bit_shift(options)
    # value = (word >> shift) & (2^stored - 1); to the left first, so that the sign bit is the highest.
    above = allocated - stored - shift
    values: NDArray[Any] = np.right_shift(np.left_shift(words, above), above + shift)
    return values


def signed(values: NDArray[Any], options: dict[str, Any]) -> NDArray[Any]:
    """Give values their sign, which JPEG and JPEG-LS do not know; the sign bit is that of ``bits_stored``.

    Decoders take the highest bit of the codestream for it, which may be deeper than the values: what comes
    out then is positive, and larger than a signed value can be.
    """
    if options.get("pixel_representation") != 1 or values.dtype.kind not in "iu" or not values.size:
        return values
    spare, top = 8 * values.dtype.itemsize - options["bits_stored"], 1 << options["bits_stored"] - 1
    if spare < 0 or (values.dtype.kind == "i" and (values.min() < 0 or values.max() < top)):
        return values
    raised: NDArray[Any] = np.left_shift(values, spare).view(f"i{values.dtype.itemsize}")
    return np.asarray(np.right_shift(raised, spare))
