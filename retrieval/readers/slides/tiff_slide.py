"""Slides in plain TIFF: tiled pyramids and OME-TIFF, by tifffile."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ...picture import Value
from ..codestream import is_cut_off
from ..ome import image_of_page, ome_images, spacing_of
from ..slide import is_associated
from ..tiff_colours import holds_ycbcr, orientation_of
from .slide import RGB, About, Level

_CACHE = 192 << 20
"""Bytes of decoded tiles that are kept: two rows of a slide of 100,000 columns, each 77 MB."""
_INCHES_AND_CENTIMETRES = {2: 25_400.0, 3: 10_000.0}  # µm of ResolutionUnit, TIFF 6.0 section 8
_COLOURS = (1, 2, 6)  # PhotometricInterpretation: grey, RGB, and YCbCr of JPEG
_ALPHA = (1, 2)  # ExtraSamples: associated alpha, or not
_JPEG, _DEEP_ZOOM = 7, 0.05
_QUANTISATION = b"\xff\xdb"  # the marker of the tables without which no JPEG is decoded, T.81 table B.1


class TiffSlide:
    """A tiled pyramid in TIFF. Raises PictureError if its pixels are not 8-bit colours or greys."""

    def __init__(self, path: Path) -> None:
        import tifffile

        self._file = tifffile.TiffFile(path)
        try:
            self._pages, left_out = _levels_of(self._file)
            self.orientation = orientation_of(self._pages[0])
            spacing = _spacing_of(self._file, self._pages[0])
            self.about = About(spacing, {}, _tags_of(self._file), left_out)
        except BaseException:
            self._file.close()
            raise
        self.levels: Sequence[Level] = [
            Level(int(page.imagelength), int(page.imagewidth)) for page in self._pages
        ]
        self._kept: OrderedDict[tuple[int, int], NDArray[np.uint8] | None] = OrderedDict()
        self._stored: dict[int, _StoredTiles] = {}
        self._size = int(self._file.filehandle.size)
        self._bytes = 0

    def read(self, level: int, box: tuple[int, int, int, int]) -> RGB:
        """Return the pixels of a box (row, col, rows, cols) of a level."""
        top, left, rows, cols = box
        page = self._pages[level]
        height, width = int(page.tilelength), int(page.tilewidth)
        across = -(-int(page.imagewidth) // width)
        if top // height == (top + rows - 1) // height and left // width == (left + cols - 1) // width:
            # Most boxes are one tile: it is not copied, and if it is wanted whole nobody else wants it.
            is_whole = (rows, cols) == (height, width)
            only = (self._decoded if is_whole else self._tile)(level, top // height * across + left // width)
            if only is not None:
                return only[top % height :, left % width :][:rows, :cols]
        values = np.full((rows, cols, 3), 255, dtype=np.uint8)
        for down in range(top // height, (top + rows - 1) // height + 1):
            for right in range(left // width, (left + cols - 1) // width + 1):
                tile = self._tile(level, down * across + right)
                if tile is not None:
                    _paste(values, tile, down * height - top, right * width - left)
        return values

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _tile(self, level: int, number: int) -> NDArray[np.uint8] | None:
        """Return a tile, (rows, cols, 3); None for one that the file leaves out: it is white there."""
        key = level, number
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        tile = self._decoded(level, number)
        self._kept[key] = tile
        # The oldest goes first: tiles are asked for row by row.
        self._bytes += 0 if tile is None else tile.nbytes
        while self._bytes > _CACHE:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= 0 if oldest is None else oldest.nbytes
        return tile

    def _stored_tiles(self, level: int) -> _StoredTiles:
        """Return where the tiles of a level are; tifffile would read that again at each asking."""
        if level not in self._stored:
            self._stored[level] = _StoredTiles(self._pages[level])
        return self._stored[level]

    def _decoded(self, level: int, number: int) -> NDArray[np.uint8] | None:
        stored = self._stored_tiles(level)
        offset, n_bytes = int(stored.offsets[number]), int(stored.counts[number])
        if not n_bytes:
            return None
        if offset + n_bytes > self._size:
            raise PictureError("the file is truncated: pixels lie behind its end")
        file = self._file.filehandle
        file.seek(offset)
        data = file.read(n_bytes)
        try:
            values = stored.decode(data, number, **stored.tables)[0]
        except Exception as error:  # decoders fail in many ways
            if stored.is_jpeg and not stored.tables and _QUANTISATION not in data:
                raise PictureError("damaged: the tables of its JPEG tiles are missing") from error
            raise
        if values is None:
            return None
        tile = stored.checked(values)
        if stored.is_jpeg and is_cut_off(data, tile, stored.tables.get("jpegtables")):
            raise PictureError("the file is truncated within a JPEG tile")
        return tile


class _StoredTiles:
    """The tiles of a level as they are in the file."""

    def __init__(self, page: Any) -> None:
        self.offsets, self.counts = np.asarray(page.dataoffsets), np.asarray(page.databytecounts)
        self.decode, tables = page.decode, page.jpegtables
        self.tables = {} if tables is None else {"jpegtables": tables}
        self._shape = int(page.tilelength), int(page.tilewidth)
        self.is_jpeg, self._is_ycbcr = int(page.compression) == _JPEG, holds_ycbcr(page)
        self._has_alpha = any(int(sample) in _ALPHA for sample in page.extrasamples)

    def checked(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return a decoded tile as RGB, (rows, cols, 3). Raise PictureError if it is too large."""
        tile: NDArray[Any] = values.reshape(values.shape[-3:])
        # tifffile cuts off what is outside of the image, so that it may be smaller.
        if tile.shape[0] > self._shape[0] or tile.shape[1] > self._shape[1]:
            raise PictureError("damaged: a tile has another size than its header says")
        if tile.shape[2] == 1:
            return np.repeat(tile, 3, axis=2)
        if tile.shape[2] == 3 and self._is_ycbcr:
            return np.asarray(cv2.cvtColor(tile[..., [0, 2, 1]], cv2.COLOR_YCrCb2RGB), dtype=np.uint8)
        if tile.shape[2] == 3:
            return tile
        # Without alpha, which is coverage: what a scanner leaves transparent is glass, not black.
        colours = np.ascontiguousarray(tile[..., :3])
        if self._has_alpha and not tile[..., 3].all():
            colours[~tile.any(axis=2)] = 255
        return colours


def _paste(values: RGB, tile: RGB, top: int, left: int) -> None:
    rows = slice(max(top, 0), min(top + tile.shape[0], values.shape[0]))
    cols = slice(max(left, 0), min(left + tile.shape[1], values.shape[1]))
    if rows.start < rows.stop and cols.start < cols.stop:
        values[rows, cols] = tile[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]


def _levels_of(file: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Return a page for each level, the finest first, and the numbers of other images that are as fine."""
    named = [series for series in file.series if not is_associated(series.name)]
    if not named:
        raise PictureError("holds a label or an overview alone, which may show a name")
    main = max(named, key=lambda series: series.pages[0].imagelength * series.pages[0].imagewidth)
    pages = []
    for level in main.levels:
        # Levels of one size, of which only the first is no reduced image, are one level that is there twice.
        if len(level.pages) != 1 and not all(p.aspage().subfiletype & 1 for p in level.pages[1:]):
            raise PictureError("its channels or planes are pages of their own: no slide in colour")
        pages.append(level.pages[0].aspage())
    if len(main.levels) == 1 or not file.is_ome:
        known = {page.imagewidth for page in pages}
        pages += [page for page in _smaller_pages(file, pages[0]) if page.imagewidth not in known]
    for page in pages:
        _check(page)
    left_out = (n for n, series in enumerate(file.series) if series in named and series is not main)
    others = tuple(n for n in left_out if not file.series[n].pages[0].aspage().subfiletype & 1)
    return sorted(pages, key=lambda page: -int(page.imagewidth)), others


def _smaller_pages(file: Any, finest: Any) -> list[Any]:
    """Return the pages of a pyramid that only their sizes reveal, which tifffile takes for images."""
    found: list[Any] = []
    shape = finest.imagelength / finest.imagewidth
    by_width = sorted((page.aspage() for page in file.pages), key=lambda page: -int(page.imagewidth))
    for page in by_width:
        is_smaller = page.imagewidth < (found[-1] if found else finest).imagewidth
        if not (is_smaller and page.is_tiled and page.dtype == finest.dtype):
            continue
        # Cut to whole pixels, a level of 30 × 40 may be of another shape by a twentieth.
        if abs(page.imagelength / page.imagewidth / shape - 1) < _DEEP_ZOOM and page.subfiletype & 1:
            found.append(page)
    return found


def _check(page: Any) -> None:
    """Raise PictureError if the pixels of a page are not those of a slide in colour."""
    what = ""
    if not page.is_tiled:
        what = "a level of it is not cut into tiles"
    elif page.dtype != np.uint8:
        what = f"its samples are {page.dtype}, not 8 bits"
    elif int(page.photometric) not in _COLOURS or (page.photometric == 6 and page.compression != _JPEG):
        what = f"its colours are {page.photometric.name}"
    elif page.planarconfig != 1 or page.samplesperpixel not in (1, 3, 4) or page.imagedepth != 1:
        what = f"it has {page.samplesperpixel} samples a pixel, in planes of their own or in depth"
    if what:
        raise PictureError(f"no slide in colour that can be read: {what}")


def _spacing_of(file: Any, page: Any) -> tuple[float, float] | None:
    """Return micrometres a pixel along (x, y): OME-XML says them, else tags of resolution that can be true.

    72 dots an inch, and other resolutions of print, are what programs write that know of none.
    """
    images = ome_images(file)
    own = image_of_page(images).get(page.index)
    # Of several images each has its own scale.
    if (found := spacing_of(images if own is None else [own])) is not None:
        return found[1] * 1000, found[0] * 1000
    unit = _INCHES_AND_CENTIMETRES.get(int(page.resolutionunit or 0))
    across, down = page.resolution
    if unit is None or not across or not down:
        return None
    spacing = unit / across, unit / down
    return spacing if all(0.05 <= um <= 20 for um in spacing) else None


def _tags_of(file: Any) -> dict[str, Value]:
    return {"slide_format": "OME-TIFF" if file.is_ome else "TIFF"}
