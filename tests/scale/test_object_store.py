"""Object stores are indexed as archives: by keys and states, resumably, with few files on the disk."""

from __future__ import annotations

import io
import re
from importlib.util import find_spec
from threading import Event

import numpy as np
import pytest
from PIL import Image

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.errors import ArchiveError, GoneError, IndexFolderError
from retrieval.index import Index
from retrieval.index.storage.archived_files import open_archive
from retrieval.index.update.archive_files import ArchiveFiles
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.readers.archive import Address, Archive, SeriesKey
from scale import object_store

fsspec = pytest.importorskip("fsspec")


def png(seed: int) -> bytes:
    """Return a small file of noise."""
    made = io.BytesIO()
    values = np.random.default_rng(seed).integers(0, 255, (24, 24)).astype(np.uint8)
    Image.fromarray(values).save(made, "PNG")
    return made.getvalue()


class Place:
    """A place that objects are put to, and its address."""

    def __init__(self, address: str) -> None:
        self.address = Address.parse(address)
        self.store = fsspec.filesystem(self.address.scheme)
        self.root = self.store._strip_protocol(address)

    def put(self, key: str, data: bytes) -> None:
        self.store.makedirs(f"{self.root}/{key}".rpartition("/")[0], exist_ok=True)
        with self.store.open(f"{self.root}/{key}", "wb") as file:
            file.write(data)

    def delete(self, key: str) -> None:
        self.store.rm(f"{self.root}/{key}")


@pytest.fixture(params=["memory", "file"])
def place(request, tmp_path):
    """Put two folders of images, a text, and what is hidden, to a place."""
    made = Place(f"{request.param}://{tmp_path}/bucket/scans")
    for number in range(5):
        made.put(f"ct/{number}.png", png(number))
    made.put("mr/t1 50%#ü.png", png(9))
    made.put("notes.txt", b"no image")
    made.put(".cache/5.png", png(5))
    yield made
    made.store.rm(made.root, recursive=True)


def update(folder, place, **options):
    """Bring an index in a folder up to date with a place, and return the report."""
    there = (folder / "catalogue.sqlite").exists()
    with IndexWriter.open(folder) if there else IndexWriter.create(folder) as index:
        index.add_representation(Thumbnail())
        return index.update([], jobs=1, archives=[place.address], **options)


def names(folder) -> list[str]:
    with Index.open(folder) as index:
        return list(index.names)


def test_it_is_an_archive_of_keys_and_states(place, tmp_path):
    archive = open_archive(place.address)
    assert isinstance(archive, Archive)
    keys = [one.key for one in archive.series()]
    assert [key.study for key in keys] == [".", "ct", "mr"]
    uids = archive.instances(keys[1])
    assert [archive.name_of(uid) for uid in uids] == [f"ct/{n}.png" for n in range(5)]
    (tmp_path / "out").mkdir()
    found = {archive.name_of(f.uid): f.path for f in archive.files(keys[1], tmp_path / "out", uids[1:3])}
    assert {name: path.read_bytes() for name, path in found.items()} == {
        "ct/1.png": png(1), "ct/2.png": png(2)
    }  # fmt: skip
    place.delete("ct/1.png")
    assert [f.uid for f in archive.files(keys[1], tmp_path / "out", uids[1:3])] == [uids[2]]
    with pytest.raises(GoneError):
        archive.instances(SeriesKey("ct", "nothing"))
    archive.close()


def test_images_have_the_names_of_their_keys_and_their_pixels_are_fetched_again(place, tmp_path):
    report = update(tmp_path / "index", place)
    assert (report.pictures, report.ignored, report.skipped) == (6, 1, ())
    assert names(tmp_path / "index") == [*(f"ct/{n}.png" for n in range(5)), "mr/t1 50%#ü.png"]
    with Index.open(tmp_path / "index") as index:
        assert index.query("ct/3.png", k=1)[0].id == "ct/3.png"
        pixels = np.asarray(Image.open(io.BytesIO(png(3)))) / 255
        np.testing.assert_allclose(index.read("ct/3.png").pixels, pixels, atol=1 / 255)
        assert index.verify() == []


def test_only_what_is_new_or_was_overwritten_is_fetched_and_what_was_deleted_is_forgotten(
    place, tmp_path, monkeypatch
):
    update(tmp_path / "index", place)
    fetched = []
    get_file = type(place.store).get_file

    def counted(self, key, path, **about):
        fetched.append(key.rpartition("/")[2])
        return get_file(self, key, path, **about)

    monkeypatch.setattr(type(place.store), "get_file", counted)
    report = update(tmp_path / "index", place)
    assert (report.added, report.changed, report.removed, fetched) == (0, 0, 0, [])
    place.put("ct/1.png", png(71))
    place.put("ct/7.png", png(7))
    place.delete("ct/0.png")
    report = update(tmp_path / "index", place)
    assert set(fetched) >= {"1.png", "7.png"}
    assert (report.pictures, report.removed) == (2, 2)  # what was overwritten is another image
    assert names(tmp_path / "index")[:5] == [f"ct/{n}.png" for n in (1, 2, 3, 4, 7)]
    with Index.open(tmp_path / "index") as index:
        pixels = np.asarray(Image.open(io.BytesIO(png(71)))) / 255
        np.testing.assert_allclose(index.read("ct/1.png").pixels, pixels, atol=1 / 255)


def test_tables_name_objects_by_their_keys_and_hidden_names_stay_hidden(place, tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\nct/1.png,liver\n")
    update(tmp_path / "index", place, labels=LabelTable.read(tmp_path / "labels.csv"))
    with Index.open(tmp_path / "index") as index:
        assert [h.id for h in index.query("ct/3.png", where="label = 'liver'")] == ["ct/1.png"]
    command = [
        "index",
        str(place.address),
        "-o",
        str(tmp_path / "hidden"),
        "--by",
        "thumbnail",
        "--names",
        "hash",
    ]
    assert main([*command, "--jobs", "1", "--quiet"]) == 0
    assert all(len(name) == 16 for name in names(tmp_path / "hidden"))


def test_a_store_that_is_empty_or_lost_most_objects_is_no_reason_to_forget(place, tmp_path):
    update(tmp_path / "index", place)
    kept = names(tmp_path / "index")
    for key in ("ct", "mr", "notes.txt", ".cache"):
        place.store.rm(f"{place.root}/{key}", recursive=True)
    with pytest.raises((ArchiveError, IndexFolderError), match=r"holds nothing|shows none now"):
        update(tmp_path / "index", place)
    assert names(tmp_path / "index") == kept
    place.put("ct/1.png", png(1))


def test_a_flat_prefix_comes_in_pieces_with_few_files_on_disk(tmp_path, monkeypatch):
    place = Place(f"memory://{tmp_path}/flat")
    for number in range(40):
        place.put(f"{number:02}.png", png(number))
    monkeypatch.setattr(object_store, "_MOST", 4)
    archive = open_archive(place.address)
    assert [len(archive.instances(one.key)) for one in archive.series()] == [4] * 10
    most = []
    get_file = type(place.store).get_file

    def counted(self, key, path, **about):
        most.append(len(list((tmp_path / "cache").iterdir())))
        return get_file(self, key, path, **about)

    monkeypatch.setattr(type(place.store), "get_file", counted)
    monkeypatch.setattr("retrieval.index.update.archive_files.ArchiveFiles.__init__.__defaults__", (0,))
    monkeypatch.setattr("retrieval.index.update.archive_scan._folder", lambda cache: tmp_path / "cache")
    assert update(tmp_path / "index", place).pictures == 40
    assert max(most) <= 12
    assert names(tmp_path / "index") == [f"{number:02}.png" for number in range(40)]
    place.store.rm(place.root, recursive=True)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("s3://bucket/scans", "[Ii]nstall s3fs"),
        ("memory:scans", "write it as memory://BUCKET/PREFIX"),
        ("memory://scans?Modality=CT", "takes no filters"),
        ("memory://no/such/prefix", "holds nothing; check bucket and prefix"),
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_in_one_line(address, why, tmp_path, capsys):
    if address.startswith("s3:") and find_spec("s3fs"):
        pytest.skip("s3fs is installed here")
    command = ["index", address, "-o", str(tmp_path / "index"), "--by", "thumbnail", "--jobs", "1", "--quiet"]
    assert main(command) != 0
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(why, error)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("s3://KEY:SECRET@bucket/scans", "holds a user or a password"),
        ("gopher://bucket/scans", "no archive is called gopher; there are"),
    ],
)
def test_an_address_with_a_secret_or_of_no_known_scheme_is_wrong_usage(address, why, tmp_path, capsys):
    assert main(["index", address, "-o", str(tmp_path / "index")]) == 2
    error = capsys.readouterr().err
    assert why in error
    assert "SECRET" not in error


def test_whoever_ends_an_update_does_not_wait_for_an_archive_that_hangs(place, tmp_path, monkeypatch):
    may_end, has_ended = Event(), Event()

    def hangs(self, *about):
        may_end.wait(20)
        has_ended.set()
        yield from ()

    def interrupted(self, *about):
        raise KeyboardInterrupt

    monkeypatch.setattr(object_store.ObjectStore, "files", hangs)
    monkeypatch.setattr(ArchiveFiles, "_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        update(tmp_path / "index", place)
    assert not has_ended.is_set()
    may_end.set()
