"""The key of the hashes lies outside the index, and an index without it answers all the same."""

import os
import sqlite3
import stat
from contextlib import closing

import numpy as np
import pytest
from PIL import Image
from support.dicom_files import texture, write_dicom
from support.indexes import change, index_thumbnails

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.errors import IndexFolderError, PictureError
from retrieval.index import Index
from retrieval.index.storage.key_file import VARIABLE, find_key, key_id, make_key
from retrieval.index.writer import IndexWriter
from retrieval.readers.pseudonym import FAST, SLOW, Key, hashed


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path / "config" / "semblance"


@pytest.fixture
def scans(tmp_path):
    (tmp_path / "scans").mkdir()
    for number, patient in enumerate(("P1", "P2", "P1")):
        write_dicom(
            tmp_path / "scans" / f"{number}.dcm", texture(number), uid=f"1.2.{number}", PatientID=patient
        )
    return tmp_path / "scans"


def patients(place):
    with Index.open(place) as index:
        return [index.picture(name).groups["patient"] for name in index.names]


def every_byte(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_key_is_made_once_for_the_user_alone(tmp_path, home):
    first = make_key(tmp_path / "a.index")
    assert make_key(tmp_path / "b.index") == first
    assert len(first) == 32
    assert stat.S_IMODE((home / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == ["key"]
    assert find_key(key_id(first)) == first


def test_the_index_holds_an_id_of_the_key_and_no_byte_of_it(tmp_path, scans):
    place = index_thumbnails(tmp_path / "x.index", scans)
    key = make_key(place)
    found = every_byte(place)
    assert key_id(key).encode() in found
    assert key not in found
    assert key.hex().encode() not in found


def test_two_indexes_of_one_key_give_a_patient_the_same_pseudonym(tmp_path, scans):
    one, other = (index_thumbnails(tmp_path / name, scans) for name in ("a.index", "b.index"))
    assert patients(one) == patients(other)
    assert patients(one)[0] == patients(one)[2] != patients(one)[1]


def test_another_key_gives_other_pseudonyms(tmp_path, scans, monkeypatch):
    own = patients(index_thumbnails(tmp_path / "a.index", scans))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere" / "key"))
    assert set(own).isdisjoint(patients(index_thumbnails(tmp_path / "b.index", scans)))


def test_workers_have_the_key_in_memory(tmp_path, scans):
    with IndexWriter.create(tmp_path / "x.index") as index:
        index.add_representation(Thumbnail())
        index.update([scans], jobs=2)
    assert patients(tmp_path / "x.index") == patients(index_thumbnails(tmp_path / "y.index", scans))


def test_without_its_key_an_index_answers_says_so_and_is_not_changed(tmp_path, home, scans, capsys):
    place = index_thumbnails(tmp_path / "x.index", scans)
    (home / "key").unlink()
    arguments = ["query", str(place), str(scans / "1.dcm"), "--by", "thumbnail", "--not-same", "patient"]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert "1.dcm" in shown.out
    assert "the key of this index is not at hand" in shown.err
    assert main(["query", str(place), "0.dcm", "--by", "thumbnail"]) == 0
    assert main(["info", str(place)]) == 0
    assert "not at hand" in capsys.readouterr().out
    assert main(["remove", str(place), "0.dcm"]) == 1
    assert "give --key FILE" in capsys.readouterr().err
    assert len(patients(place)) == 3


def test_the_flag_names_the_key_and_leaves_no_trace(tmp_path, home, scans, capsys):
    place, key = tmp_path / "x.index", tmp_path / "safe" / "key"
    line = ["index", str(scans), "-o", str(place), "--by", "thumbnail", "--jobs", "1", "--key", str(key)]
    assert main(line) == 0
    assert key.is_file()
    assert not home.exists()
    assert VARIABLE not in os.environ
    assert main(["remove", str(place), "0.dcm"]) == 1
    assert main(["remove", str(place), "0.dcm", "--key", str(key)]) == 0
    capsys.readouterr()


def test_a_wrong_key_is_refused(tmp_path, scans, monkeypatch):
    place = index_thumbnails(tmp_path / "x.index", scans)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other"))
    make_key(tmp_path / "y.index")
    with pytest.raises(IndexFolderError, match="holds another key"):
        Index.open(place)


def test_a_key_in_the_index_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "x.index" / "key"))
    with pytest.raises(IndexFolderError, match="is in the index"):
        IndexWriter.create(tmp_path / "x.index")


def test_a_damaged_key_file_is_named(tmp_path, home):
    make_key(tmp_path / "x.index")
    (home / "key").write_text("semblance key 1\nabc")
    with pytest.raises(IndexFolderError, match=r"key: is no key file, or is damaged"):
        make_key(tmp_path / "x.index")


def test_patients_have_a_slow_hash_and_others_a_fast_one():
    slow, fast = Key.of(b"s" * 32, SLOW), Key.of(b"s" * 32, FAST)
    assert (
        hashed(slow, "patient", "P1") != hashed(fast, "patient", "P1") == hashed(b"s" * 32, "patient", "P1")
    )
    assert hashed(slow, "study", "1.2") == hashed(fast, "study", "1.2")
    assert len(hashed(slow, "patient", "P1")) == 16


def test_what_an_index_lacks_its_key_for_is_not_taken_for_the_same(tmp_path, home):
    (tmp_path / "images").mkdir()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "images" / "a.png")
    place = index_thumbnails(tmp_path / "x.index", tmp_path / "images")
    (home / "key").unlink()
    os.utime(tmp_path / "images" / "a.png")
    with Index.open(place) as index, pytest.raises(PictureError, match="without the key"):
        index.read("a.png")


def test_the_key_of_an_older_index_moves_out_and_its_pseudonyms_stay(tmp_path, home, scans):
    place = index_thumbnails(tmp_path / "x.index", scans)
    secret = bytes(range(16))
    change(place, "UPDATE meta SET key = 'salt', value = ? WHERE key = 'key'", secret.hex())
    change(place, "UPDATE meta SET value = '1' WHERE key = 'hash'")
    with Index.open(place) as index:
        assert index.info()["key"] == "in the index"
    IndexWriter.open(place).close()
    assert find_key(key_id(secret)) == secret
    assert secret.hex().encode() not in every_byte(place)
    with closing(sqlite3.connect(place / "catalogue.sqlite")) as catalogue:
        assert dict(catalogue.execute("SELECT key, value FROM meta WHERE key IN ('salt', 'hash')")) == {
            "hash": "1"
        }


def test_the_key_of_an_older_index_stays_where_no_file_can_be_written(tmp_path, home, scans):
    place = index_thumbnails(tmp_path / "x.index", scans)
    change(place, "UPDATE meta SET key = 'salt', value = ? WHERE key = 'key'", bytes(16).hex())
    (home / "keys").write_text("a file where the folder of the keys would be")
    with IndexWriter.open(place) as index:
        assert index.remove(["0.dcm"]) == 1
        assert index.info()["key"] == "in the index"
