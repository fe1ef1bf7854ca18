"""Facts about an index on disk: making it, opening it, bringing it up to date."""

import os
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from support.drawings import draw_colour as draw
from support.drawings import draw_nested
from support.indexes import counts

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import IndexFolderError, SettingError
from retrieval.index.writer import IndexWriter
from retrieval.readers.window import Window

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_nested(tmp_path / "pictures")


@pytest.fixture
def index(tmp_path, folder):
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1)
        yield index


def test_all_pictures_are_added_and_found(index):
    assert list(index.names) == ["a/0.png", "a/1.png", "a/2.png", "b/3.png", "b/4.png", "b/5.png"]
    hits = index.query("b/4.png", k=10)
    assert (hits[0].id, hits[0].rank) == ("b/4.png", 1)
    assert hits[0].score == pytest.approx(1)
    assert len(hits) == 6
    assert index.verify() == []


def test_a_second_update_reads_nothing(index, folder):
    stages = []
    report = index.update([folder], jobs=1, progress=lambda stage, done, total: stages.append(stage))
    assert counts(report) == (0, 0, 0, 6)
    assert report.pictures == 0
    assert set(stages) == {"scan"}


def test_changed_new_and_removed_files_are_noticed(index, folder):
    before = index.vector("a/1.png", "thumbnail").copy()
    draw(folder / "a" / "1.png", 99)
    os.utime(folder / "a" / "1.png", ns=(1, 1))
    draw(folder / "c" / "new.png", 7)
    (folder / "b" / "3.png").unlink()
    assert counts(index.update([folder], jobs=1)) == (1, 1, 1, 4)
    assert list(index.names) == ["a/0.png", "a/1.png", "a/2.png", "b/4.png", "b/5.png", "c/new.png"]
    assert not np.allclose(before, index.vector("a/1.png", "thumbnail"))
    assert index.verify() == []


def test_an_index_made_in_steps_ranks_like_one_made_at_once(tmp_path, folder, index):
    with IndexWriter.create(tmp_path / "steps") as steps:
        steps.add_representation(Thumbnail())
        for name in ("b/5.png", "b/3.png", "a"):
            steps.update([folder / name], jobs=1)
        steps.update([folder], jobs=1)
        # What came first got its name from its own folder: the names differ, the order of pictures does not.
        assert [h.score for h in steps.query(steps.names[-1])] == [h.score for h in index.query("b/5.png")]


def test_a_folder_within_an_indexed_one_is_scanned_alone(index, folder):
    draw(folder / "a" / "9.png", 9)
    (folder / "b" / "3.png").unlink()
    assert counts(index.update([folder / "a"], jobs=1)) == (1, 0, 0, 3)
    assert "a/9.png" in index
    assert "b/3.png" in index


def test_a_single_file_is_added_and_says_nothing_of_others(tmp_path, folder):
    with IndexWriter.create(tmp_path / "one") as index:
        index.add_representation(Thumbnail())
        assert counts(index.update([folder / "a" / "1.png"], jobs=1)) == (1, 0, 0, 0)
        assert counts(index.update([folder / "a" / "2.png"], jobs=1)) == (1, 0, 0, 0)
        assert list(index.names) == ["1.png", "2.png"]


def test_a_folder_around_an_indexed_one_does_not_repeat_its_files(tmp_path, folder):
    with IndexWriter.create(tmp_path / "around") as index:
        index.add_representation(Thumbnail())
        index.update([folder / "a"], jobs=1)
        assert counts(index.update([folder], jobs=1)) == (3, 0, 0, 3)
        assert list(index.names) == ["0.png", "1.png", "2.png", "b/3.png", "b/4.png", "b/5.png"]


def test_the_second_file_of_a_name_gets_its_folder_before_it(tmp_path):
    for place, seed in (("x/site", 0), ("y/site", 1), ("z/site", 2)):
        draw(tmp_path / place / "1.png", seed)
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([tmp_path / place for place in ("x/site", "y/site", "z/site")], jobs=1)
        assert list(index.names) == ["1.png", "site/1.png", "site~2/1.png"]
        assert index.update([tmp_path / "y/site"], jobs=1).unchanged == 1


def test_a_folder_that_was_moved_is_recognised(tmp_path, index, folder):
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    assert counts(index.update([moved], jobs=1)) == (0, 0, 0, 6)
    assert index.info()["folders"] == [str(moved)]
    assert index.read("a/0.png").shape == (36, 48)


def test_a_folder_that_is_gone_is_an_error_and_nothing_is_forgotten(index, folder):
    shutil.rmtree(folder)
    with pytest.raises(IndexFolderError, match="not there any more; mount it again"):
        index.update([folder], jobs=1)
    folder.mkdir()
    with pytest.raises(IndexFolderError, match="6 indexed files lay here and it is empty now"):
        index.update([folder], jobs=1)
    assert len(index) == 6


def test_a_folder_that_never_was_is_a_wrong_setting(index, tmp_path):
    with pytest.raises(SettingError, match="nowhere: no such file or folder"):
        index.update([tmp_path / "nowhere"], jobs=1)


def test_bad_files_are_reported_every_time_and_read_once(index, folder):
    (folder / "broken.png").write_bytes((folder / "a" / "0.png").read_bytes()[:100])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("no picture")
    for added in (0, 0):
        report = index.update([folder], jobs=1)
        assert counts(report) == (added, 0, 0, 6)
        assert [name for name, _ in report.skipped] == ["broken.png", "empty.png"]
        assert all(reason and not reason.startswith(name) for name, reason in report.skipped)
        assert report.ignored == 1
    draw(folder / "broken.png", 5)
    assert counts(index.update([folder], jobs=1)) == (0, 1, 0, 6)
    assert index.verify() == []


def test_a_picture_that_breaks_is_forgotten_and_reported(index, folder):
    (folder / "a" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    report = index.update([folder], jobs=1)
    assert counts(report) == (0, 0, 0, 5)
    assert [name for name, _ in report.skipped] == ["a/0.png"]
    assert "a/0.png" not in index
    assert index.verify() == []


def test_the_index_does_not_read_itself(folder):
    with IndexWriter.create(folder / "index") as index:
        index.add_representation(Thumbnail())
        assert index.update([folder], jobs=1).added == 6
        assert index.update([folder], jobs=1).ignored == 0


def test_a_second_representation_encodes_what_is_there(index, folder):
    names = list(index.names)
    index.add_representation(ColourHistogram())
    assert any("colour" in problem for problem in index.verify())
    report = index.update([], jobs=1)
    assert report.pictures == 6
    assert list(index.representations) == ["thumbnail", "colour"]
    assert list(index.names) == names
    assert index.query("a/0.png", by=["colour"])[0].id == "a/0.png"
    assert index.verify() == []


def test_a_file_that_is_gone_stays_for_the_representation_that_has_it(index, folder):
    (folder / "a" / "0.png").unlink()
    index.add_representation(ColourHistogram())
    report = index.update([], jobs=1)
    assert report.skipped == (("a/0.png", "No such file or directory"),)
    assert "a/0.png" in index
    with pytest.raises(SettingError, match="not encoded by colour yet"):
        index.query("a/0.png", by=["colour"])
    assert len(index.query("a/1.png", by=["colour"])) == 5


def test_a_representation_with_other_settings_is_refused_by_name(index):
    index.add_representation(Thumbnail())
    with pytest.raises(IndexFolderError, match="thumbnail: side is 16 in this index, not 8"):
        index.add_representation(Thumbnail(side=8))


def test_another_window_is_refused(index):
    index.require_window(Window())
    with pytest.raises(IndexFolderError, match="window is auto in this index, not 40,400"):
        index.require_window(Window.parse("40,400"))


def test_removed_pictures_stay_away_until_their_file_changes(index, folder):
    assert index.remove(["a/", "b/3.png"]) == 4
    assert list(index.names) == ["b/4.png", "b/5.png"]
    report = index.update([folder], jobs=1)
    assert counts(report) == (0, 0, 0, 2)
    assert [name for name, _ in report.skipped] == ["a/0.png", "a/1.png", "a/2.png", "b/3.png"]
    os.utime(folder / "a" / "1.png", ns=(5, 5))
    assert counts(index.update([folder], jobs=1)) == (0, 0, 0, 2)  # it holds what it held
    draw(folder / "a" / "1.png", 99)
    assert counts(index.update([folder], jobs=1)) == (0, 1, 0, 2)
    assert index.verify() == []


def test_removing_an_unknown_name_removes_nothing(index):
    with pytest.raises(SettingError, match="not in this index: x, y/; nothing was removed"):
        index.remove(["a/0.png", "x", "y/"])
    assert len(index) == 6


def test_compacting_drops_what_was_removed_and_ranks_the_same(index):
    index.remove(["a/"])
    before = index.query("b/3.png")
    size = index.info()["representations"][0]["bytes"]
    index.compact()
    assert index.query("b/3.png") == before
    assert index.info()["representations"][0]["bytes"] < size
    assert index.thumbnail("b/3.png").startswith(b"\xff\xd8")
    assert index.verify() == []


def test_an_index_emptied_and_compacted_still_answers(index):
    index.remove(["a/", "b/"])
    index.compact()
    assert len(index) == 0
    assert index.verify() == []
    assert index.info()["representations"][0]["segments"] == 0


def test_an_empty_index_answers_with_nothing(tmp_path, folder):
    with IndexWriter.create(tmp_path / "empty") as index:
        index.add_representation(Thumbnail())
        (tmp_path / "nothing").mkdir()
        assert counts(index.update([tmp_path / "nothing"], jobs=1)) == (0, 0, 0, 0)
        assert index.query(next(index.read_query(folder / "a" / "0.png"))) == []
        assert list(index.pictures()) == []
        assert index.verify() == []


def test_numbers_of_pictures_are_never_given_twice(index, folder, tmp_path):
    def number(name):
        with closing(sqlite3.connect(tmp_path / "index" / "catalogue.sqlite")) as catalogue:
            return catalogue.execute("SELECT id FROM picture WHERE name = ?", (name,)).fetchone()[0]

    last = number("b/5.png")
    index.remove(["b/5.png"])
    draw(folder / "b" / "5.png", 50)
    os.utime(folder / "b" / "5.png", ns=(5, 5))
    index.update([folder], jobs=1)
    assert number("b/5.png") > last


def test_info_counts_what_is_there(index, folder):
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    index.update([folder], jobs=1)
    info = index.info()
    assert info["pictures"] == 6
    assert info["files"] == {"read": 6, "skipped": 1}
    assert list(info["skipped"]) == ["broken.png"]
    assert info["representations"][0]["settings"] == {"side": 16}
    assert len(info["representations"][0]["recipe"]) == 64


def test_fewer_than_one_job_is_refused(index, folder):
    with pytest.raises(SettingError, match="jobs: 0 is below 1"):
        index.update([folder], jobs=0)


def test_a_name_that_is_no_utf8_is_indexed(index, folder):
    shutil.copy(folder / "a" / "0.png", os.fsencode(folder) + b"/caf\xe9.png")
    assert index.update([folder], jobs=1).added == 1
    name = next(n for n in index.names if n.startswith("caf"))
    assert index.query(name, k=2)[1].score == pytest.approx(1)
    assert index.read(name).shape == (36, 48)
