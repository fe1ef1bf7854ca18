"""GeoJSON: what QuPath writes is read, and what is written comes back to the last bit."""

from __future__ import annotations

import gzip
import json
import zipfile

import pytest

from retrieval.errors import PictureError
from viewer.queries.geojson import Shape, is_geojson, read_shapes, stem_of, write_shapes

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


EXPORTED = [
    {
        "type": "Feature",
        "id": "3f2ad0f5-6fd0-4a5f-9a43-9f5d1c3b2a10",
        "geometry": {"type": "MultiPolygon", "coordinates": [[RING], [HOLE]], "plane": {"z": 0, "t": 0}},
        "properties": {
            "objectType": "annotation",
            "color": [200, 0, 0],
            "classification": {"names": ["Tumor", "Positive"], "color": [200, 0, 0]},
            "isLocked": True,
            "measurements": {"Area µm^2": 12.5},
            "metadata": {"ANNOTATION_DESCRIPTION": "x"},
        },
    },
    {
        "type": "Feature",
        "id": "PathDetectionObject",
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "nucleusGeometry": {"type": "Polygon", "coordinates": [HOLE]},
        "properties": {
            "object_type": "cell",
            "name": None,
            "classification": {"parentClass": {"name": "Immune"}, "name": "CD8", "colorRGB": -3670016},
            "measurements": [{"name": "Area", "value": 1}],
        },
    },
]
"""Features as QuPath 0.4 and later writes them, and as earlier ones did."""


def _packed(tmp_path, how):
    text = json.dumps({"type": "FeatureCollection", "features": EXPORTED}).encode()
    path = tmp_path / f"s.svs.geojson{how}"
    if how == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("s.svs.json", text)
    else:
        path.write_bytes(gzip.compress(text) if how == ".gz" else b"\xef\xbb\xbf" + text)
    return path


@pytest.mark.parametrize("how", ["", ".gz", ".zip"])
def test_compressed_exports_and_classes_of_all_versions_are_read(tmp_path, how) -> None:
    path = _packed(tmp_path, how)
    shapes = read_shapes(path)
    assert [(shape.name, shape.classified) for shape in shapes] == [
        ("Tumor: Positive", "Tumor: Positive"),
        ("Immune: CD8", "Immune: CD8"),
    ]
    assert [len(shape.polygons) for shape in shapes] == [2, 1]
    assert is_geojson(path.name)
    assert stem_of(path.name) == "s.svs"


def test_what_was_read_is_written_with_all_that_qupath_said_of_it(tmp_path) -> None:
    written = json.loads(write_shapes(read_shapes(_packed(tmp_path, ""))))["features"]
    for before, after in zip(EXPORTED, written, strict=True):
        assert after["geometry"]["coordinates"] == before["geometry"]["coordinates"]
        said = {key: value for key, value in before["properties"].items() if value is not None}
        assert said.items() <= after["properties"].items()
        assert None not in after["properties"].values()


def test_an_annotation_without_area_is_passed_over(tmp_path) -> None:
    features = [_feature("Polygon", []), _feature("MultiPolygon", [[], [RING]])]
    assert [len(shape.polygons) for shape in read_shapes(_file(tmp_path, features[:2]))] == [1]
    with pytest.raises(PictureError, match="holds no polygon"):
        read_shapes(_file(tmp_path, features[0]))


@pytest.mark.parametrize("how", [".gz", ".zip"])
def test_a_compressed_file_that_is_cut_off_is_refused(tmp_path, how) -> None:
    path = _packed(tmp_path, how)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(PictureError, match="compressed, and damaged; export it again"):
        read_shapes(path)


@pytest.mark.parametrize("name", ["1,2,3,4", "labels.csv", "labels.csv.gz", "s.svs", "x.gz"])
def test_other_names_are_none_of_annotations(name) -> None:
    assert not is_geojson(name)
    assert stem_of(name) == name
