"""Facts about what is refused: damage, newer formats, other recipes, folders that hold other things."""

import json
import os
import shutil

import pytest
from support.drawings import draw_numbered
from support.indexes import change, index_thumbnails

from retrieval.baselines import Thumbnail
from retrieval.errors import REPAIR, IndexFolderError, SettingError
from retrieval.index import Index
from retrieval.index.catalogue import connection
from retrieval.index.writer import IndexWriter
from retrieval.rankers.array_files import load_arrays

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def place(tmp_path):
    return index_thumbnails(tmp_path / "index", draw_numbered(tmp_path / "pictures", 4))


def files(place):
    return sorted(path for path in (place / "segments").rglob("*.npy"))


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.write_text("x"), lambda p: None])
def test_what_is_no_index_is_refused(tmp_path, make):
    make(tmp_path / "thing")
    with pytest.raises(
        IndexFolderError, match=r"semblance index|is a file, and this wants the folder of an index"
    ):
        Index.open(tmp_path / "thing")


def test_an_index_is_not_made_where_other_things_are(tmp_path, place):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(IndexFolderError, match=r"holds other things \(me.jpg\)"):
        IndexWriter.create(tmp_path / "photos")
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["me.jpg"]
    with pytest.raises(IndexFolderError, match="is an index already"):
        IndexWriter.create(place)
    with pytest.raises(IndexFolderError, match="cannot make an index here"):
        IndexWriter.create(tmp_path / "photos" / "me.jpg")
    with pytest.raises(IndexFolderError, match="lies within another index"):
        IndexWriter.create(place / "study" / "2")
    assert not (place / "study").exists()


def test_an_index_is_made_in_an_empty_folder_or_one_whose_making_was_interrupted(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "lock").touch()
    (tmp_path / "new" / "catalogue.sqlite").touch()
    with pytest.raises(IndexFolderError, match="never finished"):
        Index.open(tmp_path / "new")
    with IndexWriter.create(tmp_path / "new") as index:
        assert len(index) == 0


def test_a_newer_format_is_refused_with_the_remedy(place):
    change(place, "PRAGMA user_version = 99")
    with pytest.raises(
        IndexFolderError, match=r"newer Semblance \(format 99, this one reads \d\); update the clone"
    ):
        Index.open(place)
    with pytest.raises(IndexFolderError, match="newer Semblance"):
        IndexWriter.open(place)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c",
        "CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM picture; END",
    ],
)
def test_a_catalogue_with_views_or_triggers_is_refused(place, made):
    change(place, made)
    with pytest.raises(IndexFolderError, match="holds what is not of Semblance"):
        Index.open(place)


def test_a_cell_that_would_fill_the_memory_is_refused(place, monkeypatch):
    monkeypatch.setattr(connection, "MOST_OF_A_CELL", 1000)
    with pytest.raises(IndexFolderError, match="too big"), Index.open(place) as index:
        index.ask(lambda snapshot: snapshot.catalogue.rows("SELECT zeroblob(1001)"))


def test_checksums_of_any_length_are_not_read_as_a_whole(place):
    for path in (*place.glob("catalogue.sums-*"), *place.glob("segments/*/checksums")):
        os.truncate(path, 1 << 40)  # a hole, that takes no space
    with Index.open(place) as index, pytest.raises(IndexFolderError, match=r"checksums: damaged; .*repair"):
        index.query("1.png")


def test_the_head_of_an_array_is_not_believed_before_it_is_checked(place):
    path = files(place)[0]
    (path.parent / "checksums").unlink()
    data = bytearray(path.read_bytes())
    data[8:12] = b"\xff\xff\xff\x7f"  # the length of the head
    path.write_bytes(data)
    os.truncate(path, 1 << 40)
    with pytest.raises(IndexFolderError, match=r"\.npy: damaged"):
        load_arrays(path.parent)


def test_another_database_is_no_index(tmp_path):
    (tmp_path / "db").mkdir()
    change(tmp_path / "db", "CREATE TABLE meta (x)")
    with pytest.raises(IndexFolderError, match="is not an index"):
        Index.open(tmp_path / "db")


def test_a_damaged_catalogue_is_an_error_in_one_line(place):
    (place / "catalogue.sqlite").write_bytes(b"rubbish" * 1000)
    with pytest.raises(IndexFolderError, match="file is not a database; " + REPAIR):
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
    assert f"thumbnail: 4 images are lost; {REPAIR}" in problems


def test_one_flipped_bit_is_found_by_verify(place):
    path = max(files(place), key=lambda p: p.stat().st_size)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with Index.open(place) as index:
        assert len([p for p in index.verify() if "damaged (bytes 0 to" in p]) == 1


def test_a_missing_segment_is_named(place):
    shutil.rmtree(place / "segments")
    with Index.open(place) as index:
        with pytest.raises(IndexFolderError, match=REPAIR):
            index.query("1.png")
        with pytest.raises(IndexFolderError, match=REPAIR):
            index.thumbnail("1.png")
        assert any("is missing" in p for p in index.verify())


def test_where_a_package_is_missing_no_image_is_called_lost(place, monkeypatch):
    def lacks(*_):
        raise SettingError("thumbnails need a package; install it")

    for name in ("make_ranker", "open_ranker"):
        monkeypatch.setattr(Thumbnail, name, lacks)
    said = "thumbnail: thumbnails need a package; install it"
    with Index.open(place) as index:
        assert index.verify() == [said]
    path = next(path for path in files(place) if path.name == "vectors.npy")
    path.write_bytes(path.read_bytes()[:-1])
    with Index.open(place) as index:
        first, second = index.verify()
    assert first == said and second.startswith("thumbnail: segment") and "damaged" in second


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


def test_a_folder_that_cannot_be_written_to_is_read_and_not_opened_for_writing(place, monkeypatch):
    opened = os.open

    def refuse(path, *args, **more):
        if os.fspath(path) == os.fspath(place / "lock"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **more)  # kernels that are compiled meanwhile are kept as ever

    monkeypatch.setattr("retrieval.index.storage.lock.os.open", refuse)
    with Index.open(place) as index:
        assert index.query("1.png")[0].id == "1.png"
    with pytest.raises(IndexFolderError, match="cannot write to this index: no permission"):
        IndexWriter.open(place)
