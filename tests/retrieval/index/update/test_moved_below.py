"""Facts about folders that move below another one, and are indexed from there."""

from __future__ import annotations

import shutil

import pytest
from support.drawings import draw_colour as draw
from support.drawings import draw_nested
from support.indexes import answers, counts, make

from retrieval.baselines import Thumbnail

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def index(tmp_path, kinds):
    """Index a folder of which an image was removed, and move it below another one."""
    draw_nested(tmp_path / "scans")
    with make(tmp_path, kinds, Thumbnail()) as made:
        made.update([tmp_path / "scans"], jobs=1)
        assert made.remove(["a/0.png"]) == 1
        (tmp_path / "all").mkdir()
        shutil.move(tmp_path / "scans", tmp_path / "all" / "of old")
        yield made


def test_what_was_removed_stays_out_and_nothing_is_indexed_twice(index, tmp_path) -> None:
    before, found = list(index.names), answers(index, "b/3.png")
    draw(tmp_path / "all" / "new.png", 77)
    report = index.update([tmp_path / "all"], jobs=1)
    assert report.withdrawn == ("a/0.png",)
    assert counts(report)[0] == 1
    assert list(index.names) == sorted([*before, "new.png"])
    # And so from then on, from whichever of the folders.
    for folder in (tmp_path / "all", tmp_path / "all" / "of old", tmp_path / "all" / "of old" / "b"):
        assert index.update([folder], jobs=1).pictures == 0
    assert list(index.names) == sorted([*before, "new.png"])
    assert [one for one in answers(index, "b/3.png") if one[0] != "new.png"] == found


def test_it_is_found_below_a_folder_that_was_indexed_before_too(index, tmp_path) -> None:
    before = list(index.names)
    shutil.move(tmp_path / "all" / "of old", tmp_path / "kept")
    draw(tmp_path / "all" / "new.png", 77)
    index.update([tmp_path / "all"], jobs=1)
    shutil.move(tmp_path / "kept", tmp_path / "all" / "deep" / "er")
    for _ in range(2):
        assert index.update([tmp_path / "all"], jobs=1).pictures == 0
        assert list(index.names) == sorted([*before, "new.png"])


def test_a_copy_below_another_folder_is_another_one(index, tmp_path) -> None:
    shutil.copytree(tmp_path / "all" / "of old", tmp_path / "scans")
    before = list(index.names)
    report = index.update([tmp_path / "all"], jobs=1)
    assert counts(report)[0] == len(before) + 1


def test_a_copy_that_is_indexed_stays_what_it_is_when_the_first_folder_goes(index, tmp_path) -> None:
    shutil.copytree(tmp_path / "all" / "of old", tmp_path / "scans")
    index.update([tmp_path / "all"], jobs=1)
    before = list(index.names)
    shutil.rmtree(tmp_path / "scans")
    assert index.update([tmp_path / "all"], jobs=1).pictures == 0
    assert list(index.names) == before
