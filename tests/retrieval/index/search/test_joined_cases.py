"""Facts about the background of findings: each real image of a collection counts once, found or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.patients import Image, blots, index_patients

from retrieval.index import Index
from retrieval.index.search import joined_cases
from viewer.findings import copies_notes

N = 40
BLACK = [(f"k{i}.png", np.zeros((64, 64), np.uint8), "even", f"p{i:02}") for i in (2, 4)]
"""Two black images of two patients, who have two images each, then."""


def make_index(place: Path, more: list[Image]) -> Path:
    """Index 40 images of 40 patients, and more of them: (file, image, label, patient)."""
    return index_patients(place, N, more)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The findings of an image among 40 that are there once, and two black ones."""
    with Index.open(make_index(tmp_path_factory.mktemp("alone"), BLACK)) as index:
        return index.find_labels("00.png", k=5)


@pytest.fixture(scope="module")
def tripled(tmp_path_factory):
    """Each odd image three times: as it is, and a little brighter; and two black images of two patients."""
    bright = [(f"b{i}.png", blots(i, 12), "odd", f"b{i}") for i in range(1, N, 2)]
    equal = [(f"e{i}.png", blots(i), "odd", f"e{i}") for i in range(1, N, 2)]
    return make_index(tmp_path_factory.mktemp("tripled"), [*bright, *equal, *BLACK])


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
