"""Facts about the list of near-duplicates: groups, patients, and every form of output."""

from __future__ import annotations

import csv
import io
import json

import cv2
import numpy as np
import pytest

import semblance
from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable


def noise(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(128 + 90 * cv2.GaussianBlur(rng.normal(size=(96, 112)), (0, 0), 1), 0, 255).astype(
        np.uint8
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two patients with one image, one patient with an image twice, and images that are there once."""
    place = tmp_path_factory.mktemp("duplicates")
    images = {f"{i}.png": noise(i) for i in range(8)}
    images["mirror.png"] = np.ascontiguousarray(images["0.png"][:, ::-1])
    images["again.png"] = cv2.resize(images["3.png"], None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    images["blank.png"] = images["empty.png"] = np.full((96, 112), 90, np.uint8)
    (place / "scans").mkdir()
    for name, image in images.items():
        assert cv2.imwrite(str(place / "scans" / name), image)
    rows = [f"{i}.png,x,p{i}" for i in range(8)]
    rows += ["mirror.png,y,other", "again.png,x,p3"]
    (place / "labels.csv").write_text("\n".join(["path,label,patient", *rows, ""]))
    with IndexWriter.create(place / "i") as writer:
        writer.add_representation(Thumbnail(8))
        writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    return place


def test_groups_across_patients_come_first_and_are_marked(place, capsys):
    assert main(["duplicates", str(place / "i")]) == 0
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0] == ["group", "image", "likeness", "patient", "label"]
    assert [(line[0], line[1], line[3], line[-1]) for line in lines[1:]] == [
        ("1", "0.png", "p0", "across"),
        ("1", "mirror.png", "other", "across"),
        ("2", "3.png", "p3", "x"),
        ("2", "again.png", "p3", "x"),
    ]
    assert "2 groups of near-duplicates, 4 of 12 images; 1 across patients" in said.err


def test_json_and_csv_say_the_same(place, capsys):
    assert main(["duplicates", str(place / "i"), "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)
    assert [group["is_across"] for group in groups] == [True, False]
    assert [image["id"] for image in groups[0]["images"]] == ["0.png", "mirror.png"]
    assert all(0.4 <= image["likeness"] <= 1 for group in groups for image in group["images"])
    assert main(["duplicates", str(place / "i"), "--across", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["group"], row["image"], row["case"], row["across"]) for row in rows] == [
        ("1", "0.png", "p0", "1"),
        ("1", "mirror.png", "other", "1"),
    ]


def test_python_has_them_too(place):
    with semblance.open(place / "i") as index:
        first, second = index.duplicates()
    assert first.is_across and first.column == "patient"
    assert [image.id for image in second.images] == ["3.png", "again.png"]
    assert [image.label for image in first.images] == ["x", "y"]


def test_an_index_without_any(tmp_path, capsys):
    (tmp_path / "scans").mkdir()
    for i in range(3):
        assert cv2.imwrite(str(tmp_path / "scans" / f"{i}.png"), noise(i))
    with IndexWriter.create(tmp_path / "i") as writer:
        writer.add_representation(Thumbnail(8))
        writer.update([tmp_path / "scans"], jobs=1)
    assert main(["duplicates", str(tmp_path / "i")]) == 0
    said = capsys.readouterr()
    assert said.out == "" and "no near-duplicates among 3 images" in said.err
    assert main(["duplicates", str(tmp_path / "none")]) == 1
