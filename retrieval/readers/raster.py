"""Raster files: PNG, JPEG, BMP, WebP and GIF, by Pillow; 16-bit colour PNG by OpenCV."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..picture import Picture, Pixels
from . import webp_chunks
from .codestream import codestream, is_cut_off, with_end
from .png_chunks import END, is_filled, is_interlaced, lacks_rows, pixels_alone
from .source import Source
from .values import as_mask, colour, grey, over_black, upright
from .window import Window

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_BITS = 8
_MOST_OF_A_BYTE = 10_000
"""Pixels of a byte: 8,256 of a black PNG of 1 bit (deflate, 1032:1), 2,730 of a GIF, 512 of a JPEG."""
_COMMON = (0xC0, 0xC1, 0xC2)
"""Frames of sequential and progressive JPEG; others are lossless, hierarchical, arithmetic or JPEG-LS."""
_GREY_MODES = ("L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def read(source: Source) -> Iterator[Picture]:
    """Yield the one image of the file, upright; of an animation the first frame.

    What is transparent is laid on black. Colours of any kind become RGB; grey stays grey.
    """
    for _ in source.wanted(1):
        pixels = np.ascontiguousarray(_decode(source))
        rows, cols = pixels.shape[:2]
        yield Picture(pixels, source.id, metadata={"rows": rows, "cols": cols, "frame": 0})


def _decode(source: Source) -> Pixels:
    try:
        return _decoded(source, source.path)
    except PictureError:
        raise
    except Exception as error:  # Pillow fails in many ways
        data = source.path.read_bytes()
        stated = codestream(data)
        if stated is not None and (stated.bits != 8 or stated.process not in _COMMON):
            raise PictureError(
                f"JPEG {'of an uncommon kind' if stated.bits == 8 else f'of {stated.bits} bits'} "
                "is not read outside of DICOM; convert it to PNG"
            ) from error
        bare = pixels_alone(data) if stated is None else with_end(data)
        if bare is None:
            raise
        try:
            # Damaged sizes, times and texts must not cost the pixels, nor a missing end marker.
            return _decoded(source, io.BytesIO(bare))
        except Exception:  # it was not for these: what is said of the whole file is true
            raise error from None


def _decoded(source: Source, file: Path | IO[bytes]) -> Pixels:
    with _opened(source, file) as image:
        _check_plausible(image, source)
        source.check_size(image.height, image.width)
        image.load()
        if _is_part(image, source):
            raise PictureError("the file is truncated within its image")
        orientation, depth = _orientation(image), _depth(source) if image.format == "PNG" else 8
        if source.as_mask and _numbers_mark(image):
            return as_mask(upright(np.asarray(image), orientation))
        if source.as_mask and _is_lossy(image, source):
            return as_mask(upright(_without_noise(_array(image, depth)), orientation))
        if not (depth == 16 and image.mode in ("RGB", "RGBA", "LA")):
            return _shown(upright(_array(image, depth), orientation), source)
    # Pillow has proved that the file is whole, but keeps 8 of the 16 bits of colours and alpha.
    return _shown(upright(_deep(source), orientation), source)


def _numbers_mark(image: Any) -> bool:
    """Whether the numbers of a palette are what a mask marks: if no colour is black, as its ground would be.

    Masks of several labels have the label as number; the ground, 0, may be shown in any colour.
    """
    if image.mode != "P" or "transparency" in image.info:
        return False
    palette = image.getpalette()
    return all(any(palette[3 * number : 3 * number + 3]) for _, number in image.getcolors(256))


def _is_lossy(image: Any, source: Source) -> bool:
    """Whether values are nearly what was written, as in JPEG and most WebP."""
    if image.format == "WEBP":
        return webp_chunks.lossy_pixels(source.path.read_bytes()) is not None
    return image.format in ("JPEG", "MPO")


def _without_noise(values: NDArray[Any]) -> NDArray[Any]:
    """Return a mask without what lossy compression puts around its edges: it is far below the brightest."""
    return np.where(values > values.max() / 4, values, values.dtype.type(0))


def _opened(source: Source, file: Path | IO[bytes]) -> Any:
    """Open a file by Pillow, which reads its header only."""
    from PIL import Image

    try:
        return Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError:
        raise PictureError(
            f"the header names more pixels than the {source.limits.max_pixels:,} allowed; cut it into tiles"
        ) from None


def _check_plausible(image: Any, source: Source) -> None:
    """Refuse a header that names more pixels than the file can hold, before they are decoded."""
    # WebP is left out: an image of one colour takes the same few bytes whatever its size.
    most = source.path.stat().st_size * _MOST_OF_A_BYTE
    if image.format in ("BMP", "GIF", "JPEG", "PNG") and image.height * image.width > most:
        raise PictureError("damaged: the header names more pixels than the file can hold")


def _array(image: Any, depth: int) -> NDArray[Any]:
    """Return (rows, cols) or (rows, cols, 3) of a Pillow image whose file has ``depth`` bits a sample."""
    mode = image.mode
    if mode == "1" or mode in _GREY_MODES:
        values = np.array(image, dtype=bool) if mode == "1" else np.asarray(image)
        return _without_level(values, image, depth)
    if mode in ("P", "PA", "RGBA", "LA", "La", "RGBa") or "transparency" in image.info:
        return _flat(image)
    return np.asarray(image.convert("RGB"))


def _without_level(values: NDArray[Any], image: Any, depth: int) -> NDArray[Any]:
    """Make the one grey level black that a PNG file calls transparent; PNG specification, 11.3.2.1 tRNS."""
    level = image.info.get("transparency")
    if not isinstance(level, int):
        return values
    if values.dtype == bool:
        return values & (not level)
    if values.dtype == np.uint8:
        # Pillow widens 2 and 4 bits to 8, and leaves the transparent level as it is in the file.
        level *= 255 // ((1 << depth) - 1)
    return np.where(values == level, values.dtype.type(0), values)


def _flat(image: Any) -> NDArray[Any]:
    """Lay what may be transparent on black; a palette of greys is grey."""
    if image.mode in ("LA", "La"):
        parts = np.asarray(image.convert("LA"))
        return over_black(parts[..., 0], parts[..., 1])
    parts = np.asarray(image.convert("RGBA"))
    # A fourth byte of 0 throughout is one that a BMP writer left unused, not an image of nothing.
    if image.format == "BMP" and not parts[..., 3].any():
        return parts[..., :3]
    values = over_black(parts[..., :3], parts[..., 3])
    greys = image.mode == "P" and bool(
        (values[..., 0] == values[..., 1]).all() and np.ptp(values, axis=2).max() == 0
    )
    return values[..., 0] if greys else values


def _shown(values: NDArray[Any], source: Source) -> Pixels:
    return as_mask(values) if source.as_mask else shown(values, source.window)


def shown(values: NDArray[Any], window: Window) -> Pixels:
    """Return the pixels of an image given as an array, (rows, cols) or (rows, cols, 3), through a window."""
    return grey(values, window) if values.ndim == 2 else colour(values)


def shown_image(image: Any, window: Window) -> Pixels:
    """Return the pixels of an image that Pillow holds in memory, as those of its file are shown."""
    return shown(upright(_array(image, _BITS), _orientation(image)), window)


def _orientation(image: Any) -> int:
    """Return the EXIF orientation, 1 (upright) if it cannot be read: it must not cost the pixels."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # Pillow parses EXIF here, and damaged EXIF fails in many ways
        return 1


def _depth(source: Source) -> int:
    """Return the bits of a sample of a PNG: byte 24, in the header chunk."""
    with source.path.open("rb") as file:
        return file.read(25)[24]


def _is_part(image: Any, source: Source) -> bool:
    """Tell whether an image that has been decoded lacks pixels, of which Pillow says nothing."""
    if image.format in ("JPEG", "MPO"):
        return is_cut_off(source.path.read_bytes(), np.asarray(image))
    if image.format == "WEBP":
        return webp_chunks.is_filled(source.path.read_bytes())
    return image.format == "PNG" and _lacks_pixels(image, source)


def _lacks_pixels(image: Any, source: Source) -> bool:
    """Tell whether a PNG that has been decoded lacks pixels."""
    if not _has_end(source) and is_filled(source.path.read_bytes()):
        return True
    with source.path.open("rb") as file:
        in_passes = is_interlaced(file.read(29))
    # Rows that are missing are 0 in memory, and the last one is the first to be missing.
    last = image.crop((0, image.height - 1, image.width, image.height))
    return (in_passes or not any(last.tobytes())) and lacks_rows(source.path.read_bytes())


def _has_end(source: Source) -> bool:
    """Whether a PNG ends with its end, so that all of it need not be looked at."""
    with source.path.open("rb") as file:
        file.seek(max(0, source.path.stat().st_size - END))
        return b"IEND" in file.read()


def _deep(source: Source) -> NDArray[np.uint16]:
    """Decode a 16-bit PNG with alpha or colours: uint16 (rows, cols) or (rows, cols, 3)."""
    data = np.frombuffer(source.path.read_bytes(), dtype=np.uint8)
    values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    # OpenCV turns a transparent colour (tRNS) into an alpha channel of 0 and 65535.
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        raise PictureError("its 16-bit PNG data cannot be decoded; the file is damaged")
    rgb = values[..., 2::-1]
    if values.shape[2] == 4:
        rgb = over_black(rgb, values[..., 3])
    is_grey = source.path.open("rb").read(26)[25:] == b"\x04"
    return np.asarray(rgb[..., 0] if is_grey else rgb, dtype=np.uint16)
