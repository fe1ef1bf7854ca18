"""Slow hashes of the patients of label tables are computed when labels are given, and not by each query."""

import pytest
from support.dicom_files import texture, write_dicom
from support.indexes import index_thumbnails

from retrieval.index import Index
from retrieval.index.catalogue.people import kept_people
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.readers import pseudonym
from retrieval.readers.pseudonym import SLOW, Key, hashed, recalled, remembered


def test_what_is_kept_gives_the_hash_back_with_the_key_and_the_name_alone():
    key, other = Key.of(bytes(32), SLOW), Key.of(bytes([1]) * 32, SLOW)
    kept = dict([remembered(key, "P1", hashed(key, "patient", "P1"))])
    assert recalled(key, "P1", kept) == hashed(key, "patient", "P1")
    assert recalled(key, "P2", kept) is None
    assert recalled(other, "P1", kept) is None
    assert hashed(key, "patient", "P1") not in {*kept, *kept.values()}


@pytest.fixture
def place(tmp_path):
    (tmp_path / "scans").mkdir()
    for number in range(4):
        more = {"PatientID": f"P{number}"} if number < 2 else {}
        write_dicom(tmp_path / "scans" / f"{number}.dcm", texture(number), uid=f"1.2.{number}", **more)
    return index_thumbnails(tmp_path / "x.index", tmp_path / "scans")


def label(place, text):
    table = place.parent / "l.csv"
    table.write_text(text)
    with IndexWriter.open(place) as index:
        index.update([place.parent / "scans"], jobs=1, labels=LabelTable.read(table))


def found(place):
    with Index.open(place) as index:
        return [hit.id for hit in index.query("0.dcm", not_same="patient", k=9)]


def test_queries_compute_no_slow_hash_and_find_the_same_patient(place, monkeypatch):
    label(place, "path,label,patient\n2.dcm,x,P0\n3.dcm,x,P7\n")
    pseudonym._slow.cache_clear()
    monkeypatch.setattr(pseudonym, "_slow", lambda key, data: pytest.fail(f"{data!r} was hashed again"))
    assert sorted(found(place)) == ["1.dcm", "3.dcm"]


def test_those_of_a_table_that_is_replaced_go(place):
    label(place, "path,label,patient\n2.dcm,x,P0\n3.dcm,x,P7\n")
    with Index.open(place) as index:
        assert len(index.ask(lambda snapshot: kept_people(snapshot.catalogue))) == 2
    label(place, "path,label,patient\n2.dcm,x,P0\n3.dcm,x,\n")
    with Index.open(place) as index:
        assert len(index.ask(lambda snapshot: kept_people(snapshot.catalogue))) == 1
    assert sorted(found(place)) == ["1.dcm", "3.dcm"]
