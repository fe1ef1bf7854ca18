"""GeoJSON as QuPath writes and reads it: polygons of a slide, in pixels of its finest level.

RFC 7946 counts rings from a corner back to itself, the outer one first and then its holes; QuPath's x is to
the right and y down, from the upper left corner of what was scanned, which in files of some scanners is not
that of the slide. It exports a FeatureCollection or a
list of features, as they are, by gzip, or in a ZIP file; a class is a name, or since 0.4 the names of a class
and of those that it is derived from.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retrieval.errors import PictureError

Ring = tuple[tuple[float, float], ...]
"""Corners (x, y), without the first one again at the end."""
Polygon = tuple[Ring, ...]
"""An outer ring and its holes."""

_AREAS = ("Polygon", "MultiPolygon")
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "GeometryCollection", *_AREAS)
_COMPRESSED = (".gz", ".zip")
_LARGEST = 100_000_000
"""Bytes of a file; a hundred thousand cells take less."""


@dataclass(frozen=True)
class Shape:
    """One annotation: its polygons, and what it is called.

    ``as_read`` : its polygons as a file has them, if they were moved since.
    """

    polygons: tuple[Polygon, ...]
    name: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    as_read: tuple[Polygon, ...] | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return x, y, width and height of the smallest box around it."""
        xs, ys = zip(*(corner for rings in self.polygons for ring in rings for corner in ring), strict=True)
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)

    @property
    def classified(self) -> str:
        """Return its class, as QuPath shows it; empty if it has none."""
        return _class_of(self.properties.get("classification"))

    def from_file(self, origin: tuple[int, int]) -> Shape:
        """Return an annotation of a file, which counts from an origin, in pixels of the slide."""
        return replace(self, polygons=_moved(self.polygons, *origin), as_read=self.polygons)

    def for_file(self, origin: tuple[int, int]) -> Shape:
        """Return it as a file has it; one that was read has its corners as they were, to the last bit."""
        x, y = origin
        moved = _moved(self.polygons, -x, -y) if self.as_read is None else self.as_read
        return replace(self, polygons=moved, as_read=None)

    @classmethod
    def box(cls, x: float, y: float, width: float, height: float) -> Shape:
        """Return a box as a shape."""
        return cls((((((x, y), (x + width, y), (x + width, y + height), (x, y + height))),),))


def _moved(polygons: tuple[Polygon, ...], across: float, down: float) -> tuple[Polygon, ...]:
    if not across and not down:
        return polygons
    return tuple(
        tuple(tuple((x + across, y + down) for x, y in ring) for ring in rings) for rings in polygons
    )


def read_shapes(path: Path) -> list[Shape]:
    """Read the annotations of a GeoJSON file, with area, in their order.

    Raises PictureError if it is none, or holds no polygon.
    """
    try:
        content = _content(path)
        if len(content) > _LARGEST:
            raise PictureError(f"{path}: larger than {_LARGEST // 1_000_000} MB; export fewer annotations")
        # Some editors write a mark of the byte order before the text.
        shapes = [s for one in _features(json.loads(content.decode("utf-8-sig"))) if (s := _shape(one))]
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise PictureError(f"{path}: compressed, and damaged; export it again") from error
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})") from error
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise PictureError(f"{path}: no GeoJSON; export annotations from QuPath as GeoJSON") from error
    if not shapes:
        raise PictureError(f"{path}: holds no polygon; points and lines mark no field")
    return shapes


def is_geojson(name: str) -> bool:
    """Tell by its name if a file holds annotations; QuPath compresses them on demand."""
    return stem_of(name) != name


def stem_of(name: str) -> str:
    """Return the name of a file of annotations without its endings, or any other name as it is."""
    stem = name
    for endings in (_COMPRESSED, (".geojson", ".json")):
        stem = next((stem[: -len(e)] for e in endings if stem.lower().endswith(e)), stem)
    # Of compressed files the endings of what is in them may be missing, but gzip alone says nothing.
    return name if stem.lower() == name.lower().removesuffix(".gz") else stem


def _content(path: Path) -> bytes:
    """Read a file, of a compressed one what is in it, and one byte more than is allowed at most."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(file) as unpacked:
                return unpacked.read(_LARGEST + 1)
        if start == b"PK\3\4":
            return _of_archive(io.BytesIO(file.read(_LARGEST + 1)))
        return file.read(_LARGEST + 1)


def _of_archive(file: io.BytesIO) -> bytes:
    """Return the first file of annotations in a ZIP file. Raise ValueError if there is none."""
    with zipfile.ZipFile(file) as archive:
        found = next((one for one in archive.namelist() if is_geojson(one)), None)
        if found is None:
            raise ValueError("no GeoJSON in it")
        with archive.open(found) as unpacked:
            return unpacked.read(_LARGEST + 1)


def write_shapes(shapes: Sequence[Shape]) -> str:
    """Write annotations as QuPath opens them; what ``read_shapes`` reads again is equal to the last bit."""
    features = [
        {
            "type": "Feature",
            "geometry": _geometry(shape.polygons),
            "properties": {
                "objectType": "annotation",
                **({"name": shape.name} if shape.name else {}),
                # A name that is null is read by others, and refused by QuPath.
                **{key: value for key, value in shape.properties.items() if value is not None},
            },
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
    if kind not in _AREAS:
        return None
    found = [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]
    # What has no area any more, as after one annotation was taken away from another, has no ring.
    polygons = tuple(tuple(_ring(ring) for ring in rings) for rings in found if rings)
    name = properties.get("name") or _class_of(properties.get("classification"))
    return Shape(polygons, str(name), properties) if polygons else None


def _class_of(classification: Any) -> str:
    """Return a class as QuPath shows it, ``Tumor: Positive`` if it is derived from another."""
    if not classification or isinstance(classification, str):
        return classification or ""
    # Before 0.4 a derived class held the one that it is derived from.
    parent = _class_of(classification.get("parentClass"))
    names = classification.get("names") or [classification.get("name") or ""]
    return ": ".join(str(name) for name in (parent, *names) if name)


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
