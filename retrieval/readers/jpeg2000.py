"""JPEG 2000: files (.jp2) and bare codestreams (.j2k), with all their depth, by imagecodecs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..picture import Picture, Pixels
from .codestream import codestream
from .source import Source
from .values import as_mask, colour, grey, over_black

_SYCC, _PALETTE = b"\x00\x00\x00\x12", b"pclr"


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
        values = _on_black(np.asarray(imagecodecs.jpeg2k_decode(data)), boxes)
        pixels = as_mask(values) if source.as_mask else _shown(values, stated.bits, boxes, source)
        rows, cols = pixels.shape[:2]
        metadata = {"rows": rows, "cols": cols, "frame": 0}
        yield Picture(np.ascontiguousarray(pixels), source.id, metadata=metadata)


def _on_black(values: NDArray[Any], boxes: bytes) -> NDArray[Any]:
    """Return (rows, cols) or (rows, cols, 3): an even number of components has alpha as its last one."""
    if _PALETTE in boxes:
        raise PictureError("a palette in JPEG 2000 is not supported; convert it to PNG")
    if values.ndim == 2 or values.shape[2] == 3:
        return values
    if values.shape[2] not in (1, 2, 4):
        raise PictureError(
            f"JPEG 2000 with {values.shape[2]} components is not supported; save them as pages"
        )
    colours = values[..., 0] if values.shape[2] < 3 else values[..., :3]
    return colours if values.shape[2] == 1 else over_black(colours, values[..., -1])


def _shown(values: NDArray[Any], bits: int, boxes: bytes, source: Source) -> Pixels:
    if values.ndim == 3:
        # ISO 15444-1 I.5.3.3: enumerated colour space 18 is sYCC, which the decoder leaves as it is.
        at = boxes.find(b"colr")
        if at >= 0 and boxes[at + 7 : at + 11] == _SYCC:
            return _from_sycc(values, bits)
        return colour(values, bits)
    # Fewer bits fill the range of 8, as in other formats; more are windowed.
    if bits < 8:
        values = np.rint(values * np.float32(255 / ((1 << bits) - 1))).astype(np.uint8)
    return grey(values, source.window)


def _from_sycc(values: NDArray[Any], bits: int) -> Pixels:
    """ITU-R BT.601, full range: luma, and differences to blue and red that are centred at half."""
    top = float((1 << bits) - 1)
    luma, blue, red = np.moveaxis(values.astype(np.float32) / top, 2, 0)
    blue, red = blue - (top + 1) / 2 / top, red - (top + 1) / 2 / top
    rgb = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2)
    return np.asarray(np.clip(rgb, 0, 1), dtype=np.float32)
