"""Damage of slides in TIFF: what their headers claim that cannot be, found before any pixel is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_TILE_WIDTH, _OFFSETS, _COUNTS = 322, 324, 325  # TIFF 6.0 section 15


def damage_of_page(page: Any) -> str:
    """Return what is wrong with the header of a page, of one with tiles above all; empty if nothing is."""
    if not (page.imagelength and page.imagewidth):
        return "damaged: a level of it has no pixels"
    # tifffile takes what has tiles of no size for strips.
    if _TILE_WIDTH in page.tags and not (page.tilelength and page.tilewidth):
        return "damaged: its tiles have no pixels"
    if not page.is_tiled:
        return ""
    needed = -(-page.imagelength // page.tilelength) * -(-page.imagewidth // page.tilewidth)
    # More, if samples or depths are in planes of their own, which is refused later with its own reason.
    found = page.tags[_OFFSETS].count if _OFFSETS in page.tags and _COUNTS in page.tags else 0
    if page.planarconfig == 1 and page.imagedepth == 1 and found != needed:
        return (
            f"damaged: its header claims {page.imagelength:,} × {page.imagewidth:,} pixels in {needed:,} "
            f"tiles, and says of {found:,} where they are"
        )
    return ""


def damage_of_file(path: Path) -> str:
    """Return why a slide in TIFF that OpenSlide refuses cannot be one; empty if nothing is seen."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        size = int(file.filehandle.size)
        pages = [page.aspage() for page in file.pages]
        if any(end > size for page in pages for end in _ends(page)):
            return "the file is truncated: pixels lie behind its end"
        tiled = [page for page in pages if page.is_tiled]
        if not tiled:
            return "none of its images is cut into tiles: a label or an overview alone, or no slide"
        found = next((what for page in tiled if (what := damage_of_page(page))), "")
        if not found and max(page.imagewidth for page in tiled) > tiled[0].imagewidth:
            return "its levels are not in order: the finest must be the first"
        return found


def _ends(page: Any) -> list[int]:
    return [offset + n for offset, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
