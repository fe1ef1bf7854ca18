"""Facts about representations that encode in batches, and about settings of queries alone."""

import os

import cv2
import numpy as np
import pytest
from support.drawings import save_smooth
from support.indexes import answers, make

from retrieval.baselines import Thumbnail
from retrieval.errors import SettingError


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    for number in range(11):
        save_smooth(folder / f"{number}.png", number)
    (folder / "broken.png").write_bytes((folder / "1.png").read_bytes()[:60])
    return folder


@pytest.mark.parametrize("jobs", [1, 2])
def test_batches_hold_what_picture_by_picture_gives(tmp_path, folder, kinds, quick, jobs):
    kinds.SEEN.clear()
    with make(tmp_path, kinds, kinds.Batched(), Thumbnail()) as index:
        report = index.update([folder], jobs=jobs)
        assert report.added == 11
        assert [name for name, _ in report.skipped] == ["broken.png"]
        for name in index.names:
            np.testing.assert_array_equal(index.vector(name, "batched"), index.vector(name, "thumbnail"))
    assert sum(n for n, _ in kinds.SEEN) == 11
    assert max(n for n, _ in kinds.SEEN) == 4
    preparers = set().union(*(processes for _, processes in kinds.SEEN))
    assert (os.getpid() in preparers) == (jobs == 1)


def test_what_batches_failed_to_encode_is_encoded_by_the_next_update(
    tmp_path, folder, kinds, quick, monkeypatch
):
    def fail(self, prepared):
        raise SettingError("weights: lost")

    with make(tmp_path, kinds, kinds.Batched()) as index:
        with monkeypatch.context() as patch:
            patch.setattr(kinds.Batched, "encode_prepared", fail)
            with pytest.raises(SettingError, match="weights: lost"):
                index.update([folder], jobs=1)
        assert index.update([folder], jobs=1).pictures == 11
        assert answers(index, "4.png", by=["batched"])[0][0] == "4.png"
        assert index.verify() == []


def test_a_setting_of_queries_changes_the_query_alone(tmp_path, folder, kinds, quick):
    flipped = cv2.flip(cv2.imread(str(folder / "7.png")), 1)
    cv2.imwrite(str(folder / "flipped.png"), flipped)
    with make(tmp_path, kinds, kinds.Batched(), Thumbnail()) as index:
        index.update([folder], jobs=1)
        assert index.query("7.png", by=["batched"], k=1)[0].id == "7.png"
        assert index.query("7.png", by=["batched"], k=1, adjust={"flip": True})[0].id == "flipped.png"
        picture = index.read("7.png")
        assert index.query(picture, by=["batched"], k=1, adjust={"flip": True})[0].id == "flipped.png"
        assert index.query("7.png", by=["batched"], k=1)[0].id == "7.png"


def test_a_setting_that_no_representation_of_the_query_has_is_refused(tmp_path, folder, kinds, quick):
    with make(tmp_path, kinds, kinds.Batched(), Thumbnail()) as index:
        index.update([folder], jobs=1)
        with pytest.raises(SettingError, match="side: no setting for queries of batched; one of flip"):
            index.query("7.png", by=["batched"], adjust={"side": 3})
        with pytest.raises(SettingError, match="flip: no setting for queries of thumbnail; leave it out"):
            index.query("7.png", by=["thumbnail"], adjust={"flip": True})
