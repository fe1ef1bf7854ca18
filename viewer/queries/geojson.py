"""GeoJSON as QuPath writes and reads it: polygons of a slide, in pixels of its finest level.

RFC 7946 counts rings from a corner back to itself, the outer one first and then its holes; QuPath's x is to
the right and y down, from the upper left corner of the slide, as here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.errors import PictureError

Ring = tuple[tuple[float, float], ...]
"""Corners (x, y), without the first one again at the end."""
Polygon = tuple[Ring, ...]
"""An outer ring and its holes."""

_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_LARGEST = 100_000_000
"""Bytes of a file; a hundred thousand cells take less."""


@dataclass(frozen=True)
class Shape:
    """One annotation: its polygons, and what it is called."""

    polygons: tuple[Polygon, ...]
    name: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return x, y, width and height of the smallest box around it."""
        xs, ys = zip(*(corner for rings in self.polygons for ring in rings for corner in ring), strict=True)
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)

    @classmethod
    def box(cls, x: float, y: float, width: float, height: float) -> Shape:
        """Return a box as a shape."""
        return cls((((((x, y), (x + width, y), (x + width, y + height), (x, y + height))),),))


def read_shapes(path: Path) -> list[Shape]:
    """Read the annotations of a GeoJSON file, with area, in their order.

    Raises PictureError if it is none, or holds no polygon.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise PictureError(f"{path}: larger than {_LARGEST // 1_000_000} MB; export fewer annotations")
        shapes = [shape for one in _features(json.loads(path.read_text("utf-8"))) if (shape := _shape(one))]
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise PictureError(f"{path}: no GeoJSON; export annotations from QuPath as GeoJSON") from error
    if not shapes:
        raise PictureError(f"{path}: holds no polygon; points and lines mark no field")
    return shapes


def write_shapes(shapes: Sequence[Shape]) -> str:
    """Write annotations as QuPath opens them; what ``read_shapes`` reads again is equal to the last bit."""
    features = [
        {
            "type": "Feature",
            "geometry": _geometry(shape.polygons),
            "properties": {"objectType": "annotation", "name": shape.name, **shape.properties},
        }
        for shape in shapes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1) + "\n"


def _features(data: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the features of whatever QuPath exports: a collection, a list, or one of them."""
    if isinstance(data, list):
        for one in data:
            yield from _features(one)
    elif data["type"] == "FeatureCollection":
        yield from _features(data["features"])
    elif data["type"] == "Feature":
        yield data
    elif data["type"] in _GEOMETRIES:
        yield {"geometry": data, "properties": {}}
    else:
        raise ValueError("none of GeoJSON")


def _shape(feature: Mapping[str, Any]) -> Shape | None:
    geometry, properties = feature["geometry"], feature.get("properties") or {}
    kind = None if geometry is None else geometry["type"]
    if kind not in ("Polygon", "MultiPolygon"):
        return None
    found = [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]
    polygons = tuple(tuple(_ring(ring) for ring in rings) for rings in found)
    name = properties.get("name") or (properties.get("classification") or {}).get("name") or ""
    return Shape(polygons, str(name), properties)


def _ring(corners: Any) -> Ring:
    ring = tuple((float(corner[0]), float(corner[1])) for corner in corners)
    ring = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    if len(ring) < 3 or not all(abs(number) < float("inf") for corner in ring for number in corner):
        raise ValueError("a ring has three corners or more")
    return ring


def _geometry(polygons: tuple[Polygon, ...]) -> dict[str, Any]:
    closed = [[[list(corner) for corner in (*ring, ring[0])] for ring in rings] for rings in polygons]
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed[0]}
    return {"type": "MultiPolygon", "coordinates": closed}
