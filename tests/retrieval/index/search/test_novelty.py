"""Facts about queries of another modality: they get no label, and findings say so."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.main import main
from retrieval.answers.enrichment import UNLIKE
from retrieval.answers.image_kind import FEWEST
from retrieval.index import Index
from retrieval.index.search import novelty
from retrieval.readers import read_pictures

N = 70


def write(path: Path, seed: int, blur: float) -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(64, 64)), (0, 0), blur)
    assert cv2.imwrite(str(path), np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("novelty")
    for n, name in ((N, "i"), (FEWEST - 1, "small")):
        folder = place / f"scans of {name}"
        folder.mkdir()
        lines = ["path,label"]
        for i in range(n):
            write(folder / f"{i:02}.png", i, 2.0 + i % 2)
            lines.append(f"{i:02}.png,{'ab'[i % 2]}")
        (place / "labels.csv").write_text("\n".join([*lines, ""]))
        command = ["index", str(folder), "-o", str(place / name), "--by", "thumbnail", "--jobs", "1"]
        assert main([*command, "--labels", str(place / "labels.csv")]) == 0
    write(place / "another.png", 0, 0.5)
    write(place / "more.png", 999, 2.0)
    return place


def test_another_kind_of_image_gets_no_label(place, capsys):
    images = [str(place / "another.png"), str(place / "more.png"), "04.png"]
    assert main(["classify", str(place / "i"), *images, "--unsure", "0", "--json"]) == 0
    another, more, own = json.loads(capsys.readouterr().out)
    assert another["kind_percentile"] == pytest.approx(1 / (N + 1)) and another["label"] is None
    assert another["doubt"] in ("another kind of image", "unlike anything")
    assert more["kind_percentile"] > 0.05 and own["kind_percentile"] > 0.05


def test_findings_say_that_it_is_another_kind(place, capsys):
    command = ["query", str(place / "i"), str(place / "another.png"), "--findings"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]["findings"]
    assert found["another_kind"] and found["kind_percentile"] == pytest.approx(1 / (N + 1))
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "Another kind of image" in said or "Unlike anything" in said


def test_a_volume_is_another_kind_if_most_of_its_slices_are(place):
    another, more = (next(iter(read_pictures(place / f"{n}.png", n))) for n in ("another", "more"))
    with Index.open(place / "i") as index:
        assert index.find_labels([another, another, more], k=5).is_another_kind
        assert not index.find_labels([another, more, more], k=5).is_another_kind


def test_a_small_index_does_not_know_its_kinds(place, capsys):
    assert main(["classify", str(place / "small"), str(place / "another.png"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["kind_percentile"] is None


def test_three_representations_can_say_that_a_query_is_unlike_anything_in_a_large_index():
    assert 3 / (novelty._FEWEST + 1) <= UNLIKE


def test_a_new_image_counts_in_the_sample_that_it_is_compared_with(place):
    (noise,) = read_pictures(place / "another.png", "another")
    with Index.open(place / "small") as index:
        found = index.find_labels(noise, k=5)
    assert found.unlike is not None and found.unlike >= 1 / FEWEST  # FEWEST - 1 images, and itself
