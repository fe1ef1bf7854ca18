"""JPEG 2000: files (.jp2) and bare codestreams (.j2k), with all their depth, by imagecodecs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..picture import Picture, Pixels
from .codestream import codestream, with_end
from .source import Source
from .values import as_mask, colour, grey, over_black

_PALETTE = b"pclr"
_KNOWN_SPACES = (16, 17, 18)
"""sRGB, grey, and sYCC, of which the decoder makes RGB; others are ink, CIELab and the like."""


def read(source: Source) -> Iterator[Picture]:
    """Yield the one image of the file. What is transparent is laid on black."""
    import imagecodecs

    for _ in source.wanted(1):
        data = source.path.read_bytes()
        stated = codestream(data)
        if stated is None:
            raise PictureError("the file is truncated: it has no codestream")
        # Its size is asked before anything is decoded.
        source.check_size(stated.rows, stated.cols)
        boxes = data[: data.find(b"\xff\x4f\xff\x51")]
        data = with_end(data)
        decoded = _raised(np.asarray(imagecodecs.jpeg2k_decode(data)), stated.bits)
        values = _on_black(decoded, boxes, stated.bits)
        pixels = as_mask(values) if source.as_mask else _shown(values, stated.bits, source)
        rows, cols = pixels.shape[:2]
        metadata = {"rows": rows, "cols": cols, "frame": 0}
        yield Picture(np.ascontiguousarray(pixels), source.id, metadata=metadata)


def _raised(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return several components without a sign: the lowest value of a colour is none of it."""
    if values.ndim == 2 or values.dtype.kind != "i":
        return values
    return (values.astype(np.int64) + (1 << bits - 1)).astype(f"u{values.dtype.itemsize}")


def _on_black(values: NDArray[Any], boxes: bytes, bits: int) -> NDArray[Any]:
    """Return (rows, cols) or (rows, cols, 3): an even number of components has alpha as its last one."""
    if _PALETTE in boxes:
        raise PictureError("a palette in JPEG 2000 is not supported; convert it to PNG")
    if (space := _colour_space(boxes)) not in (None, *_KNOWN_SPACES):
        raise PictureError(f"JPEG 2000 colours of the kind {space} are not supported; convert it to PNG")
    if values.ndim == 2 or values.shape[2] == 3:
        return values
    if values.shape[2] not in (1, 2, 4):
        raise PictureError(
            f"JPEG 2000 with {values.shape[2]} components is not supported; save them as pages"
        )
    colours = values[..., 0] if values.shape[2] < 3 else values[..., :3]
    return colours if values.shape[2] == 1 else over_black(colours, values[..., -1], bits)


def _shown(values: NDArray[Any], bits: int, source: Source) -> Pixels:
    if values.ndim == 3:
        return colour(values, bits)
    # Fewer bits fill the range of 8, as in other formats; more are windowed.
    if bits < 8:
        values = np.rint(values * np.float32(255 / ((1 << bits) - 1))).astype(np.uint8)
    return grey(values, source.window)


def _colour_space(boxes: bytes) -> int | None:
    """Return the number of the enumerated colour space, ISO 15444-1 I.5.3.3; None if there is none."""
    at = boxes.find(b"colr")
    # Method 1 names a space by its number, others bring a profile.
    is_named = at >= 0 and boxes[at + 4 : at + 5] == b"\x01" and len(boxes) >= at + 11
    return int.from_bytes(boxes[at + 7 : at + 11], "big") if is_named else None
