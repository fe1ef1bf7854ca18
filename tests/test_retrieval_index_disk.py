"""Facts about the folder of an index: locks, damage, formats, permissions, readers beside a writer."""

import json
import os
import shutil
import sqlite3

import cv2
import numpy as np
import pytest

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import IndexFolderError
from retrieval.index import Index
from retrieval.inverted import InvertedIndex
from retrieval.representation import Encoding, SparseVector


class Words(Thumbnail):
    """Bags of grey levels in an inverted index, with the position of every pixel above 250 as evidence."""

    name = "words"

    def encode(self, picture, region=None):
        levels = np.bincount((picture.grey * 63).astype(np.intp).ravel(), minlength=64)
        (words,) = levels.nonzero()
        values = np.sqrt(levels[words] / levels.sum()).astype(np.float32)
        bright = np.argwhere(picture.grey > 250 / 255).astype(np.float32)
        evidence = np.rec.fromarrays(bright.T, dtype=[("row", "<f4"), ("col", "<f4")]).view(np.ndarray)
        return Encoding(SparseVector(words.astype(np.uint32), values, 64), evidence)

    def make_ranker(self):
        return InvertedIndex(64)

    def open_ranker(self, folders):
        return InvertedIndex.open(folders, 64)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nothing here cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(4):
        add_picture(tmp_path / "pictures", number)
    return tmp_path / "pictures"


@pytest.fixture
def place(tmp_path, folder):
    with Index.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1)
    return tmp_path / "index"


def add_picture(folder, number):
    pixels = np.random.default_rng(number).integers(0, 256, (12, 16), dtype=np.uint8)
    assert cv2.imwrite(str(folder / f"{number}.png"), pixels)


def change(place, sql, *values):
    with sqlite3.connect(place / "catalogue.sqlite") as catalogue:
        catalogue.execute(sql, values)
    catalogue.close()


def files(place):
    return sorted(path for path in (place / "segments").rglob("*.npy"))


def test_an_opened_index_answers_like_the_one_that_made_it(place):
    with Index.open(place) as index:
        assert index.query("1.png")[0].id == "1.png"
        assert index.window.text == "auto"


def test_reading_changes_nothing_on_disk(place):
    before = {p: p.stat().st_mtime_ns for p in place.rglob("*")}
    with Index.open(place) as index:
        index.query("1.png", where="rows > 0")
        index.thumbnail("1.png")
        index.verify()
    assert before == {p: p.stat().st_mtime_ns for p in place.rglob("*")}


def test_an_index_can_be_moved_and_copied(place, tmp_path):
    shutil.copytree(place, tmp_path / "copy")
    shutil.rmtree(place)
    with Index.open(tmp_path / "copy") as index:
        assert index.query("1.png")[0].id == "1.png"
        assert index.verify() == []


def test_a_second_writer_is_refused_at_once_and_readers_are_not(place):
    with Index.open(place, write=True):
        with pytest.raises(IndexFolderError, match="another process is writing to this index"):
            Index.open(place, write=True)
        with Index.open(place) as reader:
            assert len(reader) == 4
    Index.open(place, write=True).close()


def test_a_reader_must_not_write(place, folder):
    with Index.open(place) as index:
        for change_it in (
            lambda: index.update([folder]),
            lambda: index.remove(["1.png"]),
            lambda: index.compact(),
            lambda: index.add_representation(ColourHistogram()),
        ):
            with pytest.raises(IndexFolderError, match="opened for reading"):
                change_it()


def test_a_reader_outlives_merges_and_sees_the_new_commit(place, folder):
    with Index.open(place) as reader, Index.open(place, write=True) as writer:
        assert len(reader) == 4
        for number in range(4, 14):
            add_picture(folder, number)
            writer.update([folder], jobs=1)
        writer.compact()
        # The reader has opened no segment yet, and those that it knows of are gone.
        assert reader.query("1.png")[0].id == "1.png"
        assert len(reader) == 14
        assert reader.thumbnail("2.png")


def test_a_reader_answers_from_its_commit_until_it_is_refreshed(place, folder):
    with Index.open(place) as reader, Index.open(place, write=True) as writer:
        before = reader.query("1.png", k=100)
        add_picture(folder, 9)
        writer.update([folder], jobs=1)
        assert reader.query("1.png", k=100) == before
        reader.refresh()
        assert len(reader.query("1.png", k=100)) == 5


def test_what_a_reader_knows_of_groups_is_never_of_another_commit(place, folder):
    with Index.open(place) as reader, Index.open(place, write=True) as writer:
        assert len(reader) == 4
        writer.remove(["0.png"])
        assert len(reader.query("1.png", k=100, where="rows > 0")) == 3


def test_many_small_segments_are_merged(place, folder):
    with Index.open(place, write=True) as index:
        for number in range(4, 24):
            add_picture(folder, number)
            index.update([folder], jobs=1)
        assert index.info()["representations"][0]["segments"] < 8
        assert len(index.query("20.png", k=100)) == 24
        assert index.verify() == []
        assert len(list((place / "segments").iterdir())) < 16


def test_sparse_vectors_and_evidence_survive_merges_to_the_last_bit(tmp_path, folder):
    factories = {"words": Words}
    with Index.create(tmp_path / "steps", factories=factories) as index:
        index.add_representation(Words())
        for number in range(4, 22):
            add_picture(folder, number)
            index.update([folder], jobs=1)
        index.remove(["5.png"])
        merged = [index.query("7.png", k=100)]
        index.compact()
        merged.append(index.query("7.png", k=100))
        assert index.verify() == []
        with Index.create(tmp_path / "once", factories=factories) as once:
            once.add_representation(Words())
            once.update([folder], jobs=1)
            once.remove(["5.png"])
            assert [once.query("7.png", k=100)] * 2 == merged
            for name in once.names:
                wanted = Words().encode(once.read(name))
                assert index.evidence(name, "words").tolist() == wanted.evidence.tolist()
                assert index.vector(name, "words").dense().tolist() == wanted.vector.dense().tolist()


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.write_text("x"), lambda p: None])
def test_what_is_no_index_is_refused(tmp_path, make):
    make(tmp_path / "thing")
    with pytest.raises(IndexFolderError, match="semblance index"):
        Index.open(tmp_path / "thing")


def test_an_index_is_not_made_where_other_things_are(tmp_path, place):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(IndexFolderError, match=r"holds other things \(me.jpg\)"):
        Index.create(tmp_path / "photos")
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["me.jpg"]
    with pytest.raises(IndexFolderError, match="is an index already"):
        Index.create(place)
    with pytest.raises(IndexFolderError, match="cannot make an index here"):
        Index.create(tmp_path / "photos" / "me.jpg")


def test_an_index_is_made_in_an_empty_folder_or_one_whose_making_was_interrupted(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "lock").touch()
    (tmp_path / "new" / "catalogue.sqlite").touch()
    with pytest.raises(IndexFolderError, match="never finished"):
        Index.open(tmp_path / "new")
    with Index.create(tmp_path / "new") as index:
        assert len(index) == 0


def test_a_newer_format_is_refused_with_the_remedy(place):
    change(place, "PRAGMA user_version = 99")
    with pytest.raises(IndexFolderError, match=r"newer Semblance \(format 99, this one reads 1\); upgrade"):
        Index.open(place)
    with pytest.raises(IndexFolderError, match="newer Semblance"):
        Index.open(place, write=True)


def test_another_database_is_no_index(tmp_path):
    (tmp_path / "db").mkdir()
    change(tmp_path / "db", "CREATE TABLE meta (x)")
    with pytest.raises(IndexFolderError, match="is not an index"):
        Index.open(tmp_path / "db")


def test_a_damaged_catalogue_is_an_error_in_one_line(place):
    (place / "catalogue.sqlite").write_bytes(b"rubbish" * 1000)
    with pytest.raises(IndexFolderError, match="file is not a database; restore the index"):
        Index.open(place)


def test_a_cut_segment_is_named(place):
    for path in files(place):
        if path.stat().st_size > 1000:
            os.truncate(path, 500)
    with Index.open(place) as index:
        with pytest.raises(IndexFolderError, match="damaged"):
            index.query("1.png")
        problems = index.verify()
    assert any("thumbnail: segment" in p and "damaged" in p for p in problems)
    assert "thumbnail: 4 pictures are lost; restore the index, or index again" in problems


def test_one_flipped_bit_is_found_by_verify(place):
    path = max(files(place), key=lambda p: p.stat().st_size)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with Index.open(place) as index:
        assert len([p for p in index.verify() if "is damaged" in p]) == 1


def test_a_missing_segment_is_named(place):
    shutil.rmtree(place / "segments")
    with Index.open(place) as index:
        with pytest.raises(IndexFolderError, match="restore"):
            index.query("1.png")
        with pytest.raises(IndexFolderError, match="restore"):
            index.thumbnail("1.png")
        assert any("is missing" in p for p in index.verify())


def test_a_recipe_that_was_changed_is_refused(place):
    change(place, "UPDATE representation SET settings = ?", json.dumps({"side": 8}))
    with Index.open(place) as index:
        with pytest.raises(IndexFolderError, match="thumbnail is not the one that this index was made with"):
            index.query("1.png")
        assert any("is not the one" in p for p in index.verify())


def test_settings_that_the_installed_version_refuses_are_named(place):
    change(place, "UPDATE representation SET settings = ?", json.dumps({"sides": 16}))
    with (
        Index.open(place) as index,
        pytest.raises(IndexFolderError, match="'thumbnail': its installed version refuses the settings"),
    ):
        index.query("1.png")


def test_a_representation_that_is_not_installed_is_named(place):
    change(place, "UPDATE representation SET name = 'magic'")
    with (
        Index.open(place) as index,
        pytest.raises(IndexFolderError, match="'magic' is not installed; install the package"),
    ):
        index.query("1.png")


def test_what_an_interrupted_writer_left_is_swept_by_the_next(place):
    (place / "segments" / "orphan").mkdir()
    (place / "models" / "orphan").mkdir()
    Index.open(place).close()
    assert (place / "segments" / "orphan").exists()
    Index.open(place, write=True).close()
    assert not (place / "segments" / "orphan").exists()
    assert not (place / "models" / "orphan").exists()


def test_a_folder_that_cannot_be_written_to_is_read_and_not_opened_for_writing(place, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("retrieval.index.lock.os.open", refuse)
    with Index.open(place) as index:
        assert index.query("1.png")[0].id == "1.png"
    with pytest.raises(IndexFolderError, match=r"cannot write to this index \(Permission denied\)"):
        Index.open(place, write=True)


def test_other_installed_readers_try_again_what_could_not_be_read(place, folder):
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with Index.open(place, write=True) as index:
        index.update([folder], jobs=1)
        stages = []
        index.update([folder], jobs=1, progress=lambda stage, done, total: stages.append(stage))
        assert "read" not in stages
        change(place, "UPDATE meta SET value = 'older' WHERE key = 'readers'")
        index.update([folder], jobs=1, progress=lambda stage, done, total: stages.append(stage))
        assert "read" in stages


def test_paths_of_the_catalogue_stay_within_the_folder(place):
    with sqlite3.connect(place / "catalogue.sqlite") as catalogue:
        folders = [row[0] for row in catalogue.execute("SELECT folder FROM segment")]
    catalogue.close()
    assert folders
    assert all("/" not in folder and not folder.startswith(".") for folder in folders)
