"""TIFF: every page as a picture, with all its depth, by tifffile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..picture import Picture, Pixels
from .codestream import codestream_size
from .pseudonym import hashed
from .slide import is_slide, slide_pages
from .source import Source
from .values import colour, grey, over_black, upright
from .window import Window, stretch

_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR = range(7)
_JPEG = (6, 7, 33003, 33005, 34712)  # these decoders make RGB of YCbCr
_HEAD = 1 << 16  # bytes of a codestream in which its size is looked for
_ALPHA = (1, 2)  # associated, unassociated
_REDUCED, _TRANSPARENCY = 1, 4
_ORIENTATION = 274
_MILLIMETRES = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "µm": 1e-3, "um": 1e-3, "nm": 1e-6}


def read(source: Source) -> Iterator[Picture]:
    """Yield the pages of a TIFF file; thumbnails, lower levels of pyramids and masks are passed over.

    Of a whole-slide file only the slide itself is read: its label may show a name. Resolution tags say how
    large a picture is printed and are not taken for millimetres; the physical size of OME-TIFF is.
    """
    import tifffile

    with tifffile.TiffFile(source.path) as file:
        pages = _pages(file)
        n_pages = len(pages)
        spacing = _spacing(file)
        groups = {"series": hashed(source.salt, "series", source.id)} if n_pages > 1 else {}
        for number in source.wanted(n_pages):
            page = pages[number]
            source.check_size(page.imagelength, page.imagewidth * page.imagedepth)
            _check_length(page, file.filehandle.size)
            _check_codestreams(page, file.filehandle, source)
            pixels = np.ascontiguousarray(_shown(page, source.window))
            metadata = {"rows": pixels.shape[0], "cols": pixels.shape[1], "frame": number}
            yield Picture(pixels, source.frame_id(number, n_pages), spacing, groups, metadata)


def _pages(file: Any) -> list[Any]:
    if is_slide(file):
        return slide_pages(file)
    pages = [page.aspage() for page in _chain(file)]
    full = [page for page in pages if not page.subfiletype & (_REDUCED | _TRANSPARENCY)]
    if len(full) == 1 and (images := (file.imagej_metadata or {}).get("images", 1)) > 1:
        raise PictureError(f"an ImageJ stack with {images} pictures in one page; save it as several pages")
    return full or pages


def _chain(file: Any) -> Iterator[Any]:
    """Yield the pages one by one: tifffile follows a chain that comes back to itself for ever."""
    passed: set[int] = set()
    for page in file.pages:
        if page.offset in passed:
            raise PictureError("damaged: its chain of pages comes back to an earlier one")
        passed.add(page.offset)
        yield page


def _check_length(page: Any, size: int) -> None:
    """Refuse truncated files: missing strips would be read as black."""
    ends = (offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False))
    if max(ends, default=0) > size:
        raise PictureError("the file is truncated: pixels lie behind its end")


def _check_codestreams(page: Any, file: Any, source: Source) -> None:
    """Refuse JPEG frames that claim more pixels than are allowed: they are decoded at their own size."""
    if int(page.compression) not in _JPEG:
        return
    for offset, n_bytes in zip(page.dataoffsets, page.databytecounts, strict=False):
        file.seek(offset)
        size = codestream_size(file.read(min(n_bytes, _HEAD)))
        if size is not None:
            source.check_size(max(size[0], 1), max(size[1], 1))


def _shown(page: Any, window: Window) -> Pixels:
    """Return float32 (rows, cols[, 3]) in [0, 1] of a page."""
    values = _samples_last(page)
    photometric, n_colours = int(page.photometric), _n_colours(page)
    if photometric not in (_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR):
        raise PictureError(
            f"TIFF colours of the kind {page.photometric!s} are not supported; convert it to RGB"
        )
    if values.dtype.kind == "c":
        values = np.abs(values)
    extra = page.extrasamples[:1]
    if values.ndim == 3 and values.shape[2] > n_colours and extra and int(extra[0]) in _ALPHA:
        values = over_black(values[..., :n_colours], values[..., n_colours])
    if values.ndim == 3:
        values = values[..., :n_colours] if n_colours > 1 else values[..., 0]
    tag = page.tags.get(_ORIENTATION)
    return _in_colour(upright(values, int(tag.value) if tag else 1), page, window)


def _in_colour(values: NDArray[Any], page: Any, window: Window) -> Pixels:
    photometric = int(page.photometric)
    if photometric == _PALETTE and page.colormap is not None:
        return colour(page.colormap[:, values].transpose(1, 2, 0))
    if photometric == _SEPARATED:  # cyan, magenta, yellow and black ink
        inks = stretch(values, (0.0, float(np.iinfo(values.dtype).max)))
        return np.asarray((1 - inks[..., :3]) * (1 - inks[..., 3:]), dtype=np.float32)
    if photometric == _YCBCR and int(page.compression) not in _JPEG:
        return _from_ycbcr(values)
    if values.ndim == 3:
        return colour(values)
    if values.dtype == np.uint8 and page.bitspersample < 8:
        values = values.astype(np.float32) * (255 / ((1 << page.bitspersample) - 1))
        values = np.rint(values).astype(np.uint8)
    pixels = grey(values, window)
    return 1 - pixels if photometric == _MINISWHITE else pixels


def _samples_last(page: Any) -> NDArray[Any]:
    """Decode a page to (rows, cols) or (rows, cols, samples), whatever order the file keeps them in."""
    values = np.asarray(page.asarray())
    axes = page.axes
    if "Z" in axes:
        raise PictureError("TIFF volumes within one page are not supported; save the slices as pages")
    if axes == "SYX":
        return np.moveaxis(values, 0, 2)
    if axes not in ("YX", "YXS"):
        raise PictureError(f"a TIFF page with axes {axes} is not supported")
    return values


def _n_colours(page: Any) -> int:
    return {_RGB: 3, _YCBCR: 3, _SEPARATED: 4}.get(int(page.photometric), 1)


def _from_ycbcr(values: NDArray[Any]) -> Pixels:
    """ITU-R BT.601, full range, as TIFF 6.0 section 21 has it by default; 8 bits."""
    luma, blue, red = np.moveaxis(values.astype(np.float32), 2, 0)
    blue, red = blue - 128, red - 128
    rgb = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2)
    return stretch(rgb, (0.0, 255.0))


def _spacing(file: Any) -> tuple[float, float] | None:
    """Return the (row, col) spacing in mm of the first image of an OME-TIFF, None of any other file."""
    if not file.is_ome:
        return None
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(file.ome_metadata)
    except (ElementTree.ParseError, TypeError):
        return None
    pixels = next((e for e in root.iter() if e.tag.endswith("}Pixels")), None)
    sizes = []
    for axis in "YX":
        unit = "" if pixels is None else pixels.get(f"PhysicalSize{axis}Unit", "µm")
        text = None if pixels is None else pixels.get(f"PhysicalSize{axis}")
        if text is None or unit not in _MILLIMETRES or not 0 < float(text) < float("inf"):
            return None
        sizes.append(float(text) * _MILLIMETRES[unit])
    return sizes[0], sizes[1]
