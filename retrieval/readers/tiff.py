"""TIFF: every page as an image, or each of its channels, with all its depth, by tifffile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import PictureError
from ..picture import Picture
from .codestream import codestream_size, is_cut_off
from .ome import ome_images, pages_by_name, spacings_of
from .pseudonym import hashed
from .slide import is_associated, is_slide, slide_pages
from .source import Read, Source
from .tiff_colours import JPEG_CODECS, PlaneWindow, channels_of, is_turned

_HEAD = 1 << 16  # bytes of a codestream in which its size is looked for
_JPEG = 7
_REDUCED, _TRANSPARENCY = 1, 4  # bits of NewSubfileType, TIFF 6.0 section 8


def read(source: Source) -> Iterator[Read]:
    """Yield the pages of a TIFF file; thumbnails, lower levels of pyramids and masks are passed over.

    A page whose samples are channels, such as fluorescence, yields an image for each. Of a whole-slide file
    only the slide itself is read. Resolution tags say how large an image is printed and are not taken for
    millimetres; the physical size of OME-TIFF is.
    """
    import tifffile

    with tifffile.TiffFile(source.path) as file:
        images = ome_images(file)
        planes = [plane for page in _pages(file, images) for plane in channels_of(page)]
        if not planes:
            raise PictureError("damaged: it holds no image")
        spacing, n = spacings_of(images), len(planes)
        groups = {"series": hashed(source.salt, "series", source.id)} if n > 1 else {}
        window = PlaneWindow(planes, source, lambda plane: _check(plane.page, file, source))

        def picture(number: int) -> Picture:
            pixels = window.show(planes[number])
            metadata = {"rows": pixels.shape[0], "cols": pixels.shape[1], "frame": number}
            page = planes[number].page
            own = spacing(page.index)
            # Of rows and of columns as they are stored.
            own = own[::-1] if own is not None and is_turned(page) else own
            return Picture(pixels, source.frame_id(number, n), own, groups, metadata)

        yield from source.each(n, picture)


def _pages(file: Any, images: list[Any]) -> list[Any]:
    """Return the pages that hold images of their own."""
    if is_slide(file):
        return slide_pages(file)
    names = pages_by_name(images) if len(images) > 1 else {}
    chained = [page.aspage() for page in _chain(file)]
    pages = [page for number, page in enumerate(chained) if not is_associated(names.get(number, ""))]
    full = [page for page in pages if not page.subfiletype & (_REDUCED | _TRANSPARENCY)]
    if len(full) == 1 and (n := _images_of_stack(file)) > 1 and _holds(file, full[0], n):
        raise PictureError(f"a stack with {n} images in one page; save it as several pages")
    return full or pages


def _images_of_stack(file: Any) -> int:
    """Return how many images are in one page, as ImageJ writes them above 4 GB, and MetaMorph (STK)."""
    try:
        if file.is_imagej:
            return int(file.imagej_metadata.get("images", 1))
        if file.is_stk:
            return int(file.stk_metadata["NumberPlanes"])
        shape = file.shaped_metadata[0]["shape"] if file.is_shaped else ()
        return int(np.prod(shape, dtype=np.int64)) // int(np.prod(file.pages.first.shape))
    except Exception:  # free text, parsed by tifffile: it must not cost the pixels
        return 1


def _holds(file: Any, page: Any, n: int) -> bool:
    """Tell whether a file is large enough for n images: a page may have kept the description of a stack."""
    start = min(page.dataoffsets, default=0)
    return bool(file.filehandle.size - start >= n * sum(page.databytecounts))


def _chain(file: Any) -> Iterator[Any]:
    """Yield the pages one by one: tifffile follows a chain that comes back to itself for ever."""
    passed: set[int] = set()
    for page in file.pages:
        if page.offset in passed:
            raise PictureError("damaged: its chain of pages comes back to an earlier one")
        passed.add(page.offset)
        yield page


def _check(page: Any, file: Any, source: Source) -> None:
    """Refuse a page before it is decoded if it is too large or incomplete."""
    source.check_size(page.imagelength, page.imagewidth * page.imagedepth)
    # Truncated files: missing strips would be read as black.
    ends = (offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False))
    if max(ends, default=0) > file.filehandle.size:
        raise PictureError("the file is truncated: pixels lie behind its end")
    if len(page.dataoffsets) < int(np.prod(page.chunked, dtype=np.int64)):
        raise PictureError("damaged: the header names more pixels than the file can hold")
    _check_codestreams(page, file.filehandle, source)


def _check_codestreams(page: Any, file: Any, source: Source) -> None:
    """Refuse JPEG that is cut off, or claims more pixels than are allowed: it is decoded as it is."""
    if int(page.compression) not in JPEG_CODECS:
        return
    for offset, n_bytes in zip(page.dataoffsets, page.databytecounts, strict=False):
        file.seek(offset)
        size = codestream_size(file.read(min(n_bytes, _HEAD)))
        if size is not None:
            source.check_size(max(size[0], 1), max(size[1], 1))
        # Tiles of NDPI are parts of one stream, whose end is elsewhere.
        if int(page.compression) == _JPEG and n_bytes and page.jpegheader is None:
            file.seek(offset)
            if is_cut_off(file.read(n_bytes), tables=page.jpegtables):
                raise PictureError("the file is truncated within a JPEG tile")
