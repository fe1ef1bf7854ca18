"""Facts about who is compared with whom: patients of headers, of label tables, and of issuers."""

import numpy as np
import pytest
from support.drawings import draw_numbered
from support.series import look, write_slice

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.index.storage.annotations import Annotations
from retrieval.index.storage.identities import Identities
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.readers.pseudonym import ANY_ISSUER, hashed

SALT = b"salt"


def header(patient, issuer=None):
    """Return the groups and tags of a file of a patient."""
    if issuer is None:
        return {"patient": hashed(SALT, "patient", patient)}, {}
    both = hashed(SALT, "patient", f"{patient}\x1f{issuer}")
    return {"patient": both}, {ANY_ISSUER: hashed(SALT, "patient", patient)}


def people(*images):
    """Return the identities of images, each a text of a table or (patient, issuer) of a header."""
    tables, groups, tags = [], [], []
    for image in images:
        is_text = isinstance(image, str)
        own = ({}, {}) if is_text else header(*image)
        tables.append({"patient": image} if is_text else {})
        groups.append(own[0])
        tags.append(own[1])
    return Identities("patient", tables, groups, tags, SALT)


def same(found, position):
    return [i for i, is_same in enumerate(found.same(*found.at(position))) if is_same]


def test_a_text_of_a_table_means_the_patient_of_a_header():
    found = people(("P1",), "P1", ("P2",), "P3")
    assert same(found, 0) == same(found, 1) == [0, 1]
    assert found.cells[0] == found.cells[1]
    assert len(set(found.cells)) == 3
    assert found.apart() is None


def test_a_text_that_is_a_pseudonym_means_it():
    found = people(("P1",), hashed(SALT, "patient", "P1"))
    assert same(found, 0) == [0, 1]


def test_texts_are_compared_as_they_are_written():
    assert len(set(people("1.1", "1.10", "1", "01", "1.0").cells)) == 5


def test_an_id_without_an_issuer_is_that_of_the_only_issuer():
    found = people(("P1",), ("P1", "HOSP"), "P1", ("P2", "HOSP"))
    assert same(found, 0) == same(found, 1) == same(found, 2) == [0, 1, 2]
    assert len(set(found.cells)) == 2


def test_two_issuers_are_two_persons_and_an_id_alone_may_be_either():
    found = people(("P1", "A"), ("P1", "B"), ("P1",))
    assert same(found, 0) == [0, 2]
    assert same(found, 1) == [1, 2]
    assert same(found, 2) == [0, 1, 2]
    assert len(set(found.cells)) == 3


def test_names_of_two_kinds_are_noticed():
    assert people(("P1",), ("P2",), "case 7").apart() == (1, 2)
    assert people("case 7", "case 8").apart() is None
    assert people(("P1",)).apart() is None


@pytest.mark.parametrize("named", ["P1", "case 7"])
def test_an_export_is_left_out_with_its_patient_or_a_note_says_that_it_cannot(tmp_path, named, capsys):
    folder = tmp_path / "images"
    for i, (name, patient) in enumerate({"a": "P1", "b": "P1", "other": "P2", "export": ""}.items()):
        write_slice(
            folder / f"{name}.dcm",
            look(i, 0.5),
            patient=patient,
            series=i,
            corner=(0, 0, i),
        )
    (tmp_path / "l.csv").write_text(f"path,label,patient\nexport.dcm,x,{named}\n")
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"))
        hits = {hit.id for hit in index.query("a.dcm", k=9, not_same="patient")}
        assert hits == ({"other.dcm"} if named == "P1" else {"other.dcm", "export.dcm"})
        by_patient = index.query("a.dcm", k=9, group_by="patient")
        assert len(by_patient) == (2 if named == "P1" else 3)
    assert main(["query", str(tmp_path / "index"), "a.dcm", "--not-same", "patient"]) == 0
    assert ("have none in common" in capsys.readouterr().err) is (named != "P1")


def test_a_condition_finds_a_patient_of_headers_by_the_name_that_a_table_gives(tmp_path):
    folder = draw_numbered(tmp_path / "in", 1)
    for i, (name, patient) in enumerate({"a.dcm": "P1", "b.dcm": "P2"}.items()):
        write_slice(folder / name, look(i, 0.5), patient=patient, series=i, corner=(0, 0, i))
    (tmp_path / "l.csv").write_text("path,label,patient\n0.png,x,P1\n")
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"))
        shown = str(index.picture("a.dcm").groups["patient"])
        for name in ("P1", shown):
            found = index.query("b.dcm", where=f"patient = '{name}'")
            assert {hit.id for hit in found} == {"a.dcm", "0.png"}
        others = index.query("a.dcm", where="patient != 'P1'")
        assert {hit.id for hit in others} == {"b.dcm"}


def test_patients_that_differ_in_a_last_zero_are_two(tmp_path, capsys):
    folder = draw_numbered(tmp_path / "images", 4)
    (tmp_path / "l.csv").write_text(
        "path,label,patient\n0.png,x,1.1\n1.png,x,1.1\n2.png,y,1.10\n3.png,y,1.10\n"
    )
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"))
        assert {hit.id for hit in index.query("0.png", not_same="patient")} == {"2.png", "3.png"}
        assert len(index.query("0.png", group_by="patient")) == 2
        found = index.query("0.png", where="patient = '1.10'", k=9)
        assert np.unique([index.picture(hit.id).groups["patient"] for hit in found]).tolist() == ["1.10"]


@pytest.mark.parametrize("patient", ["", "ANONYMOUS"])
def test_slices_of_a_study_are_kept_together_where_no_patient_is_named(tmp_path, patient):
    folder = tmp_path / "images"
    for i in range(6):
        corner = (0, 0, i % 3)
        write_slice(folder / f"{i}.dcm", look(i // 3, 0.5), patient=patient, series=i // 3, corner=corner)
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1)
        column, groups = index.ask(lambda snapshot: Annotations(snapshot).groups(None))
        assert column == "study" and len(set(groups)) == 2
        # Nobody is taken for another's patient either.
        assert len(index.query("0.dcm", k=9, not_same="patient")) == 5


def test_slices_of_a_study_of_nobody_are_kept_together_beside_those_of_patients(tmp_path):
    for i in range(6):
        patient, corner = ("A", "A", "ANONYMOUS")[i // 2], (0, 0, i % 2)
        write_slice(tmp_path / f"in/{i}.dcm", look(i, 0.5), patient=patient, series=i // 2, corner=corner)
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([tmp_path / "in"], jobs=1)
        column, groups = index.ask(lambda snapshot: Annotations(snapshot).groups(None))
        assert column == "patient" and [groups.index(group) for group in groups] == [0, 0, 0, 0, 4, 4]
        _, groups = index.ask(lambda snapshot: Annotations(snapshot).groups("patient"))
        assert len(set(groups)) == 3


def test_images_of_one_study_alone_are_not_kept_from_each_other(tmp_path):
    for i in range(3):
        write_slice(tmp_path / f"in/{i}.dcm", look(i, 0.5), patient="", series=0, corner=(0, 0, i))
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([tmp_path / "in"], jobs=1)
        column, groups = index.ask(lambda snapshot: Annotations(snapshot).groups(None))
        assert column is None and len(set(groups)) == 3
