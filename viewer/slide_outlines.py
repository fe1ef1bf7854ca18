"""Where hits are on their slides: outlines in pixels of the finest level, and GeoJSON files of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import PictureError

from .files import write_text
from .queries.geojson import Ring, Shape, write_shapes
from .queries.query import ids_of

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.readers.tiling import Field

    from .answer import Answer, Row

_QUERY, _HIT = (214, 39, 40), (31, 119, 180)
"""Colours in QuPath."""
_WHOLE = ("TIFF", "OME-TIFF", "DICOM", "aperio", "generic-tiff")
"""Formats whose slides begin where they were scanned."""


def outline_of(index: Index, row: Row, query: Ring) -> tuple[str, Ring] | None:
    """Return the slide of a hit, and where on it the query matches; None if it is of no slide.

    Local matches that agree place the whole outline of the query, turned and scaled; else it is the box
    that matches, or the tile.

    Parameters
    ----------
    query : what asked: corners (x, y) in pixels of the query's image.
    """
    from retrieval.readers.tiling import box_of

    entry = index.picture(row.caption.id)
    box = box_of(entry.metadata)
    if box is None:
        return None
    rows, cols = entry.shape
    return entry.groups.get("slide", entry.source), tuple(
        _on_slide(corner, box, (cols, rows)) for corner in _in_tile(row, query, (cols, rows))
    )


def _in_tile(row: Row, query: Ring, size: tuple[int, int]) -> Ring:
    if row.transform is not None:
        a, b, c, d, e, f = row.transform
        return tuple((a * x + b * y + c, d * x + e * y + f) for x, y in query)
    x, y, width, height = row.box or (0, 0, *size)
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


def _on_slide(corner: tuple[float, float], box: Field, size: tuple[int, int]) -> tuple[float, float]:
    return box.x + corner[0] * box.width / size[0], box.y + corner[1] * box.height / size[1]


def hit_shapes(index: Index, answer: Answer, query: Ring) -> dict[str, list[Shape]]:
    """Return the hits of an answer as annotations, by the names of their slides."""
    found: dict[str, list[Shape]] = defaultdict(list)
    for row in answer.rows:
        if (placed := outline_of(index, row, query)) is not None:
            slide, ring = placed
            properties = {
                "classification": {"name": "Semblance hit", "color": list(_HIT)},
                "measurements": {"rank": row.rank, "score": row.score, "inliers": row.inliers or 0},
            }
            found[slide].append(Shape(((ring,),), f"{row.rank}: {row.caption.id}", properties))
    return found


def query_shape(shape: Shape, name: str) -> Shape:
    """Return what was asked with as an annotation; its corners stay as they are to the last bit."""
    properties = {"classification": {"name": "Semblance query", "color": list(_QUERY)}}
    return replace(shape, name=name, properties=properties)


class SlideOrigins:
    """Where QuPath counts from on the slides of an index, each of which is opened once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, slide: str, path: Path | None = None) -> tuple[int, int]:
        """Return the origin of a slide, by its name in the index, or its file if it is in none.

        Raises PictureError if its file is not there, and it may count from elsewhere.
        """
        if slide not in self._known:
            self._known[slide] = self._read(slide, path)
        return self._known[slide]

    def _read(self, slide: str, path: Path | None) -> tuple[int, int]:
        ids = ids_of(self._index, slide)
        if ids and self._index.picture(ids[0]).metadata.get("slide_format") in _WHOLE:
            return 0, 0
        path = path or (self._index.path_of(ids[0]) if ids else None)
        if path is None or not path.is_file():
            raise PictureError(
                f"{slide}: its file is not there, which alone says where QuPath counts from; bring it back, "
                "or leave --geojson out"
            )
        facts = self._index.slide_facts(path)
        return (0, 0) if facts is None else facts.origin


def write_geojson(shapes: Iterable[tuple[str, Shape]], folder: Path) -> list[Path]:
    """Write a file for each slide, named after it, into a folder; return their paths.

    An annotation has no slide of its own in GeoJSON: those of two slides in one file would be drawn on one.
    """
    by_slide: dict[str, list[Shape]] = defaultdict(list)
    for slide, shape in shapes:
        by_slide[slide].append(shape)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for slide, own in by_slide.items():
        path = folder / f"{slide.replace('/', '__')}.geojson"
        write_text(write_shapes(own), path)
        written.append(path)
    return written
