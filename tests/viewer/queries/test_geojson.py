"""GeoJSON: what QuPath writes is read, and what is written comes back to the last bit."""

from __future__ import annotations

import json

import pytest

from retrieval.errors import PictureError
from viewer.queries.geojson import Shape, read_shapes, write_shapes

RING = [[10, 20.1], [300.3333333333333, 25], [290, 400], [10, 20.1]]
HOLE = [[100, 100], [110, 100], [105, 110], [100, 100]]


def _file(tmp_path, data):
    path = tmp_path / "a.geojson"
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def _feature(kind, coordinates, **properties):
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


@pytest.mark.parametrize("wrap", [
    lambda one: one,
    lambda one: [one],
    lambda one: {"type": "FeatureCollection", "features": [one]},
    lambda one: one["geometry"],
])  # fmt: skip
def test_all_that_qupath_exports_is_read(tmp_path, wrap) -> None:
    (shape,) = read_shapes(_file(tmp_path, wrap(_feature("Polygon", [RING, HOLE]))))
    assert shape.polygons == ((tuple(map(tuple, RING[:-1])), tuple(map(tuple, HOLE[:-1]))),)
    assert shape.bounds == (10, 20.1, 300.3333333333333 - 10, 400 - 20.1)


def test_an_annotation_is_called_by_its_name_or_its_class(tmp_path) -> None:
    named = _feature("Polygon", [RING], name="A")
    classified = _feature("MultiPolygon", [[RING], [HOLE]], classification={"name": "Tumor"})
    line = _feature("LineString", RING)
    shapes = read_shapes(_file(tmp_path, [named, classified, line]))
    assert [(shape.name, len(shape.polygons)) for shape in shapes] == [("A", 1), ("Tumor", 2)]


def test_what_is_written_is_read_again_to_the_last_bit(tmp_path) -> None:
    shapes = [
        Shape(((((0.1, 1 / 3), (1e6 + 1 / 7, 2.0), (5.5, 99.9)),),), "a"),
        Shape.box(1.25, 2.5, 3.75, 10 / 3),
    ]
    again = read_shapes(_file(tmp_path, write_shapes(shapes)))
    assert [shape.polygons for shape in again] == [shape.polygons for shape in shapes]
    assert write_shapes(again) == write_shapes(shapes)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{}",
        "[1]",
        '{"type": "Polygon"}',
        "[" * 100_000,
        {"type": "Topology"},
        _feature("Polygon", [[[0, 0], [1, 1]]]),
        _feature("Polygon", [[[0, "x"]] * 4]),
        _feature("Polygon", [[[0, 1e999], [1, 2], [3, 4]]]),
    ],
)
def test_anything_else_is_refused(tmp_path, data) -> None:
    with pytest.raises(PictureError, match="no GeoJSON; export annotations from QuPath"):
        read_shapes(_file(tmp_path, data))


def test_points_mark_no_field(tmp_path) -> None:
    with pytest.raises(PictureError, match="holds no polygon"):
        read_shapes(_file(tmp_path, _feature("Point", [1, 2])))
