"""Facts about the background of findings: each real image of a collection counts once, found or not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from retrieval.baselines import Thumbnail
from retrieval.index import Index
from retrieval.index.search import joined_cases
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from viewer.findings import copies_notes

N = 40


def blots(seed: int, brightness: float = 0) -> np.ndarray:
    """Return coarse blots, of one kind for even and of another for odd numbers, under fine noise."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices((64, 64))
    coarse = np.sin((rows if seed % 2 else cols) * 0.1 + rng.uniform(0, 1))
    noise = cv2.GaussianBlur(rng.normal(size=(64, 64)), (0, 0), 0.8)
    return np.clip(128 + brightness + 45 * coarse + 60 * noise, 0, 255).astype(np.uint8)


def make_index(place: Path, more: list[tuple[str, np.ndarray, str, str]]) -> Path:
    """Index 40 images of 40 patients, and more of them: (file, image, label, patient)."""
    own = [(f"{i:02}.png", blots(i), "odd" if i % 2 else "even", f"p{i:02}") for i in range(N)]
    (place / "scans").mkdir(parents=True)
    lines = ["path,label,patient"]
    for name, image, label, patient in [*own, *more]:
        assert cv2.imwrite(str(place / "scans" / name), image)
        lines.append(f"{name},{label},{patient}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place / "i") as writer:
        writer.add_representation(Thumbnail(12))
        writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    return place / "i"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The findings of an image among 40 that are there once."""
    with Index.open(make_index(tmp_path_factory.mktemp("alone"), [])) as index:
        return index.find_labels("00.png", k=5)


@pytest.fixture(scope="module")
def tripled(tmp_path_factory):
    """Each odd image three times: as it is, and a little brighter; and two black images of two patients."""
    bright = [(f"b{i}.png", blots(i, 12), "odd", f"b{i}") for i in range(1, N, 2)]
    equal = [(f"e{i}.png", blots(i), "odd", f"e{i}") for i in range(1, N, 2)]
    black = [(f"k{i}.png", np.zeros((64, 64), np.uint8), "even", f"p{i:02}") for i in (2, 4)]
    return make_index(tmp_path_factory.mktemp("tripled"), [*bright, *equal, *black])


def test_copies_that_do_not_match_count_once_in_the_background(alone, tripled):
    with Index.open(tripled) as index:
        found = index.find_labels("00.png", k=5)
    # Nothing but even images matches: no copy is among the hits, and yet p and the intervals were others.
    assert [one.label for one in found.labels] == ["even"]
    assert found.labels == alone.labels and found.total == N - 1
    assert found.copies.n_joined == N and not found.copies.merged and not found.copies.is_exact
    assert copies_notes(found.copies) == [
        "40 more cases share an image with another or the query's, and are not counted again"
    ]


def test_in_a_large_index_equal_images_count_once_and_answers_say_so(tripled, monkeypatch):
    monkeypatch.setattr(joined_cases, "MOST", 10)
    with Index.open(tripled) as index:
        found = index.find_labels("00.png", k=5)
    # The brighter copies are cases of their own; the black images make their two patients no one case.
    assert found.total == N - 1 + N // 2 and found.copies.n_joined == N // 2
    assert "equal thumbnails" in copies_notes(found.copies)[-1]


def test_patients_who_share_an_image_that_does_not_match_are_one(alone, tmp_path):
    """p01 and z share an image; so do the query's patient and y, whose other images are the query's too."""
    shared = [("a.png", blots(101), "odd", "p01"), ("b.png", blots(101, 12), "odd", "z")]
    own = [("c.png", blots(103), "odd", "p00"), ("d.png", blots(103, 12), "odd", "y")]
    others = [("z.png", blots(105), "strange", "z"), ("y.png", blots(200), "even", "y")]
    with Index.open(make_index(tmp_path, [*shared, *own, *others])) as index:
        found = index.find_labels("00.png", k=N)
        assert found.total == N - 1 and found.drawn == N - 1 and found.copies.n_joined == 2
        by_label = {one.label: one for one in found.labels}
        assert by_label["even"].labelled == N // 2 - 1
        # What is known under either name: p01 is odd, and strange as z.
        assert by_label["odd"].labelled == N // 2 and by_label["strange"].labelled == 1
