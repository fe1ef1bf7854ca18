"""Names of files and folders are hidden in an index that is to hide them, and all it does works as before."""

import json
import shutil

import pytest
from support.dicom_files import texture, write_dicom

from cli.main import main
from retrieval.errors import PictureError
from retrieval.index import Index
from retrieval.index.catalogue.hidden_names import Names
from retrieval.readers.pseudonym import SLOW, Key

NAME = "DOE_JANE_19610203"


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / f"archive {NAME}" / NAME
    folder.mkdir(parents=True)
    for number in range(4):
        write_dicom(folder / f"{NAME}_{number}.dcm", texture(number, (40, 40)), uid=f"1.2.{number}")
    (folder / f"{NAME}.png").write_bytes(b"no image")
    return folder.parent


def run(*line):
    assert main([str(word) for word in line]) == 0


def index(scans, *more):
    place = scans.parent / "x.index"
    run("index", scans, "-o", place, "--by", "thumbnail", "--jobs", "1", "--names", "hash", *more)
    return place


def names(place):
    with Index.open(place) as opened:
        return list(opened.names)


def held(place):
    return b"".join(path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file())


def test_paths_come_back_with_the_key_alone():
    own, other = (Names(Key.of(bytes([n]) * 32, SLOW), True) for n in (1, 2))
    for path in (b"", b"a/b.dcm", b"\xff\xfe", b"x" * 4000):
        kept = own.keep(path)
        assert own.path(kept) == path
        assert kept == own.keep(path)
        assert path not in kept or not path
        with pytest.raises(PictureError, match="only the key brings them back"):
            other.path(kept)
    assert len(own.keep(b"short")) == len(own.keep(b"somewhat longer/name.dcm"))


def test_a_folder_is_the_beginning_of_its_files_and_equal_parts_elsewhere_differ():
    hide = Names(Key.of(bytes(32), SLOW), True).name
    assert hide("a/b.dcm").startswith(hide("a/"))
    assert hide("a/x").rpartition("/")[2] != hide("b/x").rpartition("/")[2]


def test_no_file_of_the_index_and_no_output_holds_a_name(scans, tmp_path, capsys):
    place = index(scans, "--skipped", tmp_path / "skipped.csv", "--json")
    page = tmp_path / "page.html"
    query = next((scans / NAME).glob("*_1.dcm"))
    for form in ("--json", "--csv", "--trec"):
        run("query", place, query, "--by", "thumbnail", form, "--report", page)
    run("query", place, names(place)[0], "--by", "thumbnail")
    run("info", place)
    run("info", place, "--json")
    shown = capsys.readouterr()
    for text in (shown.out, shown.err, page.read_text(), (tmp_path / "skipped.csv").read_text()):
        assert "DOE" not in text
    assert b"DOE_" not in held(place)
    assert len(names(place)) == 4


def test_a_second_run_reads_nothing_anew_and_what_is_gone_goes(scans, capsys):
    place = index(scans)
    next((scans / NAME).glob("*_3.dcm")).unlink()
    capsys.readouterr()
    run("index", scans, "-o", place, "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["added"], found["changed"], found["removed"], found["unchanged"]) == (0, 0, 1, 3)


def test_a_folder_that_moved_is_recognised(scans, capsys):
    place = index(scans)
    moved = scans.with_name("moved")
    shutil.move(scans, moved)
    capsys.readouterr()
    run("index", moved, "-o", place, "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["added"], found["unchanged"]) == (0, 4)


def test_query_remove_and_labels_take_the_names_of_files(scans, tmp_path, capsys):
    table = tmp_path / "labels.csv"
    lines = [f"{NAME}/{NAME}_{n}.dcm,label{n}" for n in range(4)]
    table.write_text("\n".join(["path,label", *lines, ""]))
    place = index(scans, "--labels", table)
    with Index.open(place) as opened:
        assert sorted(label for entry in opened.pictures() for label in entry.labels) == [
            f"label{n}" for n in range(4)
        ]
        known = opened.names_at(scans / NAME / f"{NAME}_1.dcm")
        assert [opened.picture(name).labels for name in known] == [("label1",)]
        assert opened.read(known[0]).shape[:2] == (40, 40)
    capsys.readouterr()
    run("query", place, scans / NAME / f"{NAME}_1.dcm", "--by", "thumbnail")
    assert capsys.readouterr().out.startswith(f"{known[0]}  by thumbnail")
    run("remove", place, f"{NAME}/{NAME}_2.dcm")
    assert len(names(place)) == 3
    run("index", scans, "-o", place, "--labels", table)  # it does not come back, and its label neither
    assert len(names(place)) == 3
    run("remove", place, f"{NAME}/")
    assert names(place) == []
    run("compact", place)
    run("verify", place, "--erased", f"{NAME}/{NAME}_2.dcm")
    assert b"DOE_" not in held(place)


def test_without_the_key_it_answers_and_reads_no_file(scans, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "one"))
    place = index(scans)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    run("query", place, names(place)[0], "--by", "thumbnail")
    run("query", place, next((scans / NAME).glob("*_1.dcm")), "--by", "thumbnail")
    with Index.open(place) as opened, pytest.raises(PictureError, match="give --key FILE"):
        opened.read(opened.names[0])
    assert "DOE" not in capsys.readouterr().out


def test_folders_as_labels_would_show_what_is_hidden(scans, capsys):
    line = [
        "index",
        str(scans),
        "-o",
        str(scans.parent / "x.index"),
        "--names",
        "hash",
        "--label-by",
        "folder",
    ]
    assert main(line) == 2
    assert "names of the folders" in capsys.readouterr().err


def test_without_the_key_no_name_is_proved_gone(scans, tmp_path, monkeypatch, capsys):
    place = index(scans, "--key", tmp_path / "key")
    name = f"{NAME}/{NAME}_1.dcm"
    capsys.readouterr()
    assert main(["verify", str(place), "--erased", name]) == 1
    assert "without its key none can be looked for; give --key FILE" in capsys.readouterr().err
    assert main(["verify", str(place), "--key", str(tmp_path / "key"), "--erased", name]) == 1
    assert f"catalogue.sqlite: holds the name {name}" in capsys.readouterr().out
    run("verify", place, "--erased")


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_folder_that_only_the_index_knows_is_not_named(scans, more, capsys):
    place = index(scans)
    for number in range(10):
        write_dicom(scans / f"{number}.dcm", texture(9 + number, (40, 40)), uid=f"1.3.{number}")
    run("index", scans, "-o", place)
    words = ["index", str(scans.parent), "-o", str(place), *more]
    capsys.readouterr()
    away = scans.parent.parent / "away"
    # Some are gone, all are, and the folder is.
    for told in ("10 of 15 indexed files are gone", "lay here and it is empty now", "is not there any more"):
        if told.startswith("10"):
            for number in range(10):
                (scans / f"{number}.dcm").unlink()
        elif told.startswith("lay"):
            shutil.move(scans, away)
            scans.mkdir()
        else:
            scans.rmdir()
        assert main(words) == 1
        error = capsys.readouterr().err
        assert told in error and "DOE" not in error
