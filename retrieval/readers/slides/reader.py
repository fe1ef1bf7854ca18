"""Reading slides: tiles on tissue, or the parts that are named, as images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ...picture import Picture, Value
from ..kinds import Kind
from ..limits import current_limits
from ..reasons import reason_of
from ..source import Band, DamagedFrame, Read, Source
from ..tiling import Field, Frame, Tile, Tiling
from .facts import SlideFacts, facts_of
from .opening import open_named, open_slide
from .slide import Slide, check_scale, overview, read_field
from .stain import normalise
from .tissue import longest_of, sharpness, tissue_mask
from .tissue_tiles import KEPT_TILES, tissue_tiles

GROUP = "slide"
"""The group of the tiles of one slide: its value is the name of the file in the index."""


@dataclass(frozen=True, eq=False)
class SlideView:
    """The overview of a slide, with where tissue is: uint8 (rows, cols, 3) and bool (rows, cols)."""

    facts: SlideFacts
    overview: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    fields: tuple[Field, ...]


def read(source: Source, slide: Slide) -> Iterator[Read]:
    """Yield the tiles on tissue of a slide, or the parts that are wanted of it; one costs no other."""
    facts = facts_of(slide, source.tiling)
    if source.frames is not None:
        for frame in sorted(source.frames, key=str):
            yield _picture(source, slide, facts, frame)
        return
    tiling = source.tiling
    assert tiling is not None  # else the reader of the format reads it
    band = source.band or Band(0, 1)
    left_out = list(_left_out(slide, facts, tiling))
    if not band.number:
        yield from left_out
    tiles = KEPT_TILES.tiles(source.path, slide, facts, tiling, source.limits.max_frames)
    for tile in band.part(tiles):
        item = _tried(source, slide, facts, tile)
        if item is not None:
            yield item
    if not tiles and len(left_out) < len(tiling.um_per_px) + len(slide.about.left_out):
        raise PictureError("no tissue is found on the slide; give --tissue off if it has no colour")


def _left_out(slide: Slide, facts: SlideFacts, tiling: Tiling) -> Iterator[DamagedFrame]:
    """Yield other images of the file, and scales that the slide has not the detail for."""
    for number in slide.about.left_out:
        yield DamagedFrame(f"image {number}", "only the largest image of a file is read; save it alone")
    # Said once for a scale, and not for each of its tiles, of which a slide has thousands.
    for um_per_px in tiling.um_per_px:
        try:
            check_scale(um_per_px, facts.spacing)
        except PictureError as error:
            yield DamagedFrame(f"{um_per_px}um", str(error))


def tile_names(path: Path, id: str, tiling: Tiling, salt: bytes) -> Iterator[list[Tile]]:
    """Yield, once, the tiles on tissue of a slide; nothing if the file is no slide. None is read."""
    with open_slide(path, salt) as slide:
        if slide is not None:
            most = current_limits().max_frames
            yield list(KEPT_TILES.tiles(path, slide, facts_of(slide, tiling), tiling, most))


def view_slide(path: Path, tiling: Tiling) -> Iterator[SlideView]:
    """Yield, once, the overview of a slide, its tissue and its tiles; nothing if the file is no slide."""
    with open_named(path) as slide:
        if slide is not None:
            facts = facts_of(slide, tiling)
            small = overview(slide, longest_of(facts.extent))
            fields = (tiling.field(t, facts.spacing, facts.size) for t in tissue_tiles(slide, facts, tiling))
            yield SlideView(facts, small, tissue_mask(small, tiling.tissue), tuple(fields))


def _tried(source: Source, slide: Slide, facts: SlideFacts, tile: Tile) -> Read | None:
    """Return a tile; None if it is out of focus."""
    tiling = source.tiling
    assert tiling is not None
    try:
        picture = _picture(source, slide, facts, tile)
    except Exception as error:  # decoders fail in many ways
        return DamagedFrame(str(tile), reason_of(error))
    least = tiling.tissue.sharpness
    return picture if not least or sharpness(picture.pixels) >= least else None


def _picture(source: Source, slide: Slide, facts: SlideFacts, frame: Frame) -> Picture:
    part = _part(source, facts, frame)
    # On bytes, before the floats: four times less is moved.
    values = read_field(slide, part, facts.spacing)
    source.check_size(*values.shape[:2])  # lends the memory for what is shown of it
    if source.tiling is not None:
        values = normalise(values, source.tiling.stain)
    pixels = np.multiply(values, np.float32(1 / 255), dtype=np.float32)
    metadata: dict[str, Any] = {**slide.about.metadata, **_of_part(part, pixels.shape[:2])}
    spacing = part.um_per_px / 1000
    groups = {**slide.about.groups, GROUP: source.id}
    return Picture(pixels, f"{source.id}#{frame}", (spacing, spacing), groups, metadata)


def _part(source: Source, facts: SlideFacts, frame: Frame) -> Field:
    if isinstance(frame, Field):
        return frame
    if not isinstance(frame, Tile):
        raise PictureError(f"there is no frame {frame}: it is a whole slide; name a tile, such as 1.0um/3,2")
    if source.tiling is None:
        raise PictureError(f"{frame} is a tile of an index; name a field, such as 1.0um/0,0,512,512")
    tiling = source.tiling
    cols, rows = tiling.grid(facts.extent, frame.um_per_px)
    if frame.col >= cols or frame.row >= rows:
        raise PictureError(f"there is no tile {frame}; the slide has {cols} × {rows} at that scale")
    return tiling.field(frame, facts.spacing, facts.size)


def _of_part(part: Field, shape: tuple[int, ...]) -> dict[str, Value]:
    """Return the tags of a part: its scale, and its box in pixels of the finest level."""
    box = {key: round(float(getattr(part, key)), 3) for key in ("x", "y", "width", "height")}
    return {"rows": shape[0], "cols": shape[1], "um_per_px": part.um_per_px, **box, "kind": str(Kind.TILE)}
