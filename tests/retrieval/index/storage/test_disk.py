"""Facts about the folder of an index: locks, merges, moves, readers beside a writer."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from support.drawings import draw_grey, draw_numbered
from support.indexes import change, index_thumbnails

from retrieval.baselines import ColourHistogram
from retrieval.errors import IndexFolderError
from retrieval.index import Index
from retrieval.index.progress import silent
from retrieval.index.storage.store import Store
from retrieval.index.update.registration import register_representation
from retrieval.index.update.run import update
from retrieval.index.writer import IndexWriter

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_numbered(tmp_path / "pictures", 4)


@pytest.fixture
def place(tmp_path, folder):
    return index_thumbnails(tmp_path / "index", folder)


def add_picture(folder, number):
    draw_grey(folder / f"{number}.png", number)


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
    with IndexWriter.open(place):
        with pytest.raises(IndexFolderError, match="another process is writing to this index"):
            IndexWriter.open(place)
        with Index.open(place) as reader:
            assert len(reader) == 4
    IndexWriter.open(place).close()


def test_a_reader_must_not_write(place, folder):
    with Index.open(place) as index:
        for change in ("update", "remove", "compact", "add_representation", "require_window", "learn_metric"):
            assert hasattr(IndexWriter, change)
            assert not hasattr(index, change)
    store = Store.open(place, False, {})
    for change_it in (
        lambda: update(store, [folder], jobs=1, labels=None, progress=silent, refit=False),
        lambda: register_representation(store, ColourHistogram()),
    ):
        with pytest.raises(IndexFolderError, match="opened for reading"):
            change_it()
    store.close()


def test_a_reader_outlives_merges_and_sees_the_new_commit(place, folder):
    with Index.open(place) as reader, IndexWriter.open(place) as writer:
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
    with Index.open(place) as reader, IndexWriter.open(place) as writer:
        before = reader.query("1.png", k=100)
        add_picture(folder, 9)
        writer.update([folder], jobs=1)
        assert reader.query("1.png", k=100) == before
        reader.refresh()
        assert len(reader.query("1.png", k=100)) == 5


def test_what_a_reader_knows_of_groups_is_never_of_another_commit(place, folder):
    with Index.open(place) as reader, IndexWriter.open(place) as writer:
        assert len(reader) == 4
        writer.remove(["0.png"])
        assert len(reader.query("1.png", k=100, where="rows > 0")) == 3


def test_many_small_segments_are_merged(place, folder):
    with IndexWriter.open(place) as index:
        for number in range(4, 24):
            add_picture(folder, number)
            index.update([folder], jobs=1)
        assert index.info()["representations"][0]["segments"] < 8
        assert len(index.query("20.png", k=100)) == 24
        assert index.verify() == []
        assert len(list((place / "segments").iterdir())) < 16


def test_sparse_vectors_and_evidence_survive_merges_to_the_last_bit(tmp_path, folder, kinds):
    factories = {"words": kinds.Words}
    with IndexWriter.create(tmp_path / "steps", factories=factories) as index:
        index.add_representation(kinds.Words())
        for number in range(4, 22):
            add_picture(folder, number)
            index.update([folder], jobs=1)
        index.remove(["5.png"])
        merged = [index.query("7.png", k=100)]
        index.compact()
        merged.append(index.query("7.png", k=100))
        assert index.verify() == []
        with IndexWriter.create(tmp_path / "once", factories=factories) as once:
            once.add_representation(kinds.Words())
            once.update([folder], jobs=1)
            once.remove(["5.png"])
            assert [once.query("7.png", k=100)] * 2 == merged
            for name in once.names:
                wanted = kinds.Words().encode(once.read(name))
                assert index.evidence(name, "words").tolist() == wanted.evidence.tolist()
                assert index.vector(name, "words").dense().tolist() == wanted.vector.dense().tolist()


def test_what_an_interrupted_writer_left_is_swept_by_the_next(place):
    (place / "segments" / "orphan").mkdir()
    (place / "models" / "orphan").mkdir()
    Index.open(place).close()
    assert (place / "segments" / "orphan").exists()
    IndexWriter.open(place).close()
    assert not (place / "segments" / "orphan").exists()
    assert not (place / "models" / "orphan").exists()


def test_other_installed_readers_try_again_what_could_not_be_read(place, folder):
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with IndexWriter.open(place) as index:
        index.update([folder], jobs=1)
        stages = []
        index.update([folder], jobs=1, progress=lambda stage, done, total: stages.append(stage))
        assert "read" not in stages
        change(place, "UPDATE meta SET value = 'older' WHERE key = 'readers'")
        index.update([folder], jobs=1, progress=lambda stage, done, total: stages.append(stage))
        assert "read" in stages


def test_paths_of_the_catalogue_stay_within_the_folder(place):
    with closing(sqlite3.connect(place / "catalogue.sqlite")) as catalogue:
        folders = [row[0] for row in catalogue.execute("SELECT folder FROM segment")]
    assert folders
    assert all("/" not in folder and not folder.startswith(".") for folder in folders)
