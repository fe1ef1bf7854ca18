"""A real Orthanc, through the command line: indexed, followed, asked, and no name in what is written."""

from __future__ import annotations

import json
import time

import pytest
from support.archive_files import PATIENT, uid, write_study

from cli.main import main
from retrieval.index import Index
from retrieval.index.order import Order, follow
from retrieval.readers.archive import Address

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def studies(orthanc, tmp_path_factory):
    """Two studies of CT in the archive, and their files."""
    folder = tmp_path_factory.mktemp("studies")
    for study in (1, 2):
        write_study(folder, study, n=4)
    orthanc.store(folder)
    orthanc.settle()
    return folder


@pytest.fixture(scope="module")
def made(orthanc, studies, tmp_path_factory):
    """An index of the archive."""
    place = tmp_path_factory.mktemp("made") / "my.index"
    address = f"{orthanc.dicomweb}?Modality=CT&StudyDate=20260101-"
    assert run("index", address, "-o", place, "--by", "thumbnail", "--jobs", 1, "--quiet") == 0
    return place


def run(*words):
    return main([str(word) for word in words])


def test_an_image_of_the_archive_is_found_by_its_file(made, studies, capsys):
    assert run("query", made, studies / "2-1" / "1.dcm", "--json", "-k", 1) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    with Index.open(made) as index:
        assert answer["hits"][0]["id"] in index.names
        assert answer["hits"][0]["score"] == pytest.approx(1.0, abs=1e-4)
        assert index.read(answer["hits"][0]["id"]).shape == (32, 32)


def test_an_update_fetches_nothing_again(orthanc, made, capsys):
    address = f"{orthanc.dicomweb}?StudyDate=20260101-&Modality=CT"
    assert run("index", address, "-o", made, "--json", "--quiet") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["added"], summary["unchanged"]) == (0, 8)


def test_no_name_number_or_uid_is_in_the_index(made):
    planted = [PATIENT.encode(), b"ZYXNAME", b"19610203", uid(1).encode()]
    found = [path for path in made.rglob("*") if path.is_file() for t in planted if t in path.read_bytes()]
    assert found == []


def test_without_the_key_the_answer_says_why_pixels_are_not_there(made, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with Index.open(made) as index:
        assert len(index.thumbnail(index.names[0])) > 100
        with pytest.raises(Exception, match="only the key of the index brings back"):
            index.read(index.names[0])


def test_wrong_credentials_are_one_line(orthanc, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEMBLANCE_ARCHIVE_PASSWORD", "wrong")
    assert run("index", orthanc.dicomweb, "-o", tmp_path / "i", "--by", "thumbnail", "--quiet") == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "refuses these credentials (401)" in line
    assert "wrong" not in line


def test_a_password_on_the_command_line_is_refused(tmp_path, capsys):
    assert run("index", "dicomweb:http://a:b@localhost/dicom-web", "-o", tmp_path / "i") == 2
    assert "netrc" in capsys.readouterr().err


def test_what_is_new_changed_or_deleted_is_followed(orthanc, studies, tmp_path):
    place = tmp_path / "followed"
    rounds = follow(
        Order(place, (), by=["thumbnail"], jobs=1, archives=[Address.parse(orthanc.dicomweb)]), seconds=0.1
    )

    def until(condition):
        for _ in range(100):
            _, state = next(rounds)
            if condition(state):
                return state
        raise AssertionError(state)

    assert until(lambda state: True).n_pictures == 8
    folder = write_study(tmp_path, 5, n=2)
    started = time.monotonic()
    orthanc.store(folder)
    until(lambda state: state.n_pictures == 10)
    assert time.monotonic() - started < 10
    # One image comes again with other pixels: its series is read again once it is stable.
    changed = write_study(tmp_path / "again", 5, n=1, RescaleIntercept="-500")
    orthanc.store(changed)
    assert until(lambda state: state.report.changed).n_pictures == 10
    orthanc.rest(f"patients/{patient_of(orthanc, 5)}", method="DELETE")
    assert until(lambda state: state.n_pictures == 8).report.removed == 2


def patient_of(orthanc, study):
    found = orthanc.rest(
        "tools/find", json.dumps({"Level": "Patient", "Query": {"PatientID": f"{PATIENT}-{study}"}})
    )
    return found[0]
