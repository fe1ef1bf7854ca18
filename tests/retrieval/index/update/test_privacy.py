"""What an index keeps besides vectors: no thumbnails if none are wanted; burned-in text is marked."""

import json
import shutil
from pathlib import Path

import pydicom
import pytest
from support.dicom_files import write_dicom
from support.text_on_images import phantom

import semblance
from cli.main import main
from retrieval.errors import OptionError, SettingError
from retrieval.index import Index


@pytest.fixture
def scans(tmp_path):
    (tmp_path / "scans").mkdir()
    for number, says in enumerate(("YES", "NO", None)):
        more = {} if says is None else {"BurnedInAnnotation": says}
        write_dicom(tmp_path / "scans" / f"{number}.dcm", phantom(number, 64), uid=f"1.2.{number}", **more)
    return tmp_path / "scans"


def index(scans, *more):
    place = scans.parent / "x.index"
    line = ["index", str(scans), "-o", str(place), "--by", "thumbnail", "--jobs", "1", "--json", *more]
    assert main(line) == 0
    return place


def info(place, capsys):
    capsys.readouterr()
    assert main(["info", str(place), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_images_with_burned_in_text_are_marked_and_counted(scans, capsys):
    place = index(scans)
    assert info(place, capsys)["burned_in"] == 1
    with Index.open(place) as opened:
        assert [hit.id for hit in opened.query("1.dcm", where="burned_in = 'YES'")] == ["0.dcm"]


def test_they_are_left_out_where_that_is_wanted(scans, capsys):
    found = info(index(scans, "--no-burned-in"), capsys)
    assert found["pictures"] == 2
    assert "burned in" in found["skipped"]["0.dcm"]


def test_those_that_an_index_has_go_with_the_next_update_and_stay_out(scans, capsys):
    assert info(index(scans), capsys)["pictures"] == 3
    assert info(index(scans, "--no-burned-in"), capsys)["pictures"] == 2
    found = info(index(scans), capsys)
    assert (found["pictures"], found["burned_in"]) == (2, 0)


def test_an_index_without_thumbnails_answers_and_is_whole(scans, tmp_path, capsys):
    place = index(scans, "--thumbnails", "off")
    assert info(place, capsys)["thumbnails"] == "off"
    assert len(list((place / "segments").iterdir())) == 1  # the vectors alone
    assert main(["verify", str(place)]) == 0
    page = tmp_path / "page.html"
    assert main(["query", str(place), "1.dcm", "--by", "thumbnail", "--report", str(page)]) == 0
    assert page.read_text().count("data:image") >= 2  # read from their files
    for path in scans.iterdir():
        path.unlink()
    assert main(["query", str(place), "1.dcm", "--by", "thumbnail", "--report", str(page)]) == 0
    assert "no image" in page.read_text()


def test_what_needs_thumbnails_says_so(scans, capsys):
    place = index(scans, "--thumbnails", "off")
    capsys.readouterr()
    assert main(["map", str(place), "-o", str(scans.parent / "map.html"), "--by", "thumbnail"]) == 1
    assert "keeps no thumbnails" in capsys.readouterr().err


def test_an_index_keeps_to_what_it_was_made_with(scans, capsys):
    index(scans)
    line = ["index", str(scans), "-o", str(scans.parent / "x.index"), "--thumbnails", "off"]
    assert main(line) == 1
    assert "was made with --thumbnails on" in capsys.readouterr().err


def test_the_face_for_python_takes_the_same(scans):
    place = scans.parent / "y.index"
    kept = {"names": "hash", "thumbnails": "off", "burned_in": "off"}
    with semblance.index(scans, to=place, by="thumbnail", jobs=1, privacy=kept) as made:
        assert len(made) == 2
        assert not any("dcm" in id for id in made.ids)
    with pytest.raises(OptionError, match="is none of burned_in, find_text, names, thumbnails"):
        semblance.index(scans, to=scans.parent / "z.index", privacy={"name": "hash"})
    with pytest.raises(OptionError, match="'on' or so"):
        semblance.index(scans, to=scans.parent / "z.index", privacy={"thumbnails": "'on' or so"})
    assert not (scans.parent / "z.index").exists()


@pytest.mark.parametrize("names", ["plain", "hash"])
def test_what_a_dicomdir_lacks_is_not_named_where_names_are_hidden(scans, capsys, names):
    tree = Path(pydicom.__file__).parent / "data/test_files/dicomdirtests"
    shutil.copy(tree / "DICOMDIR", scans / "DICOMDIR")
    index(scans, "--names", names)
    said = capsys.readouterr().err
    assert "31 of the 31 files that it names cannot be found" in said
    assert ("77654033" in said) is (names == "plain")


def test_hidden_images_go_by_the_names_of_their_files_wherever_one_is_named(scans, tmp_path, capsys):
    place = index(scans, "--names", "hash")
    table = tmp_path / "labels.csv"
    table.write_text("path,label\n0.dcm,a\n1.dcm,b\n2.dcm,a\nnone.dcm,b\n")
    with Index.open(place) as opened:
        ids = {name: opened.names_at(scans / name)[0] for name in ("0.dcm", "1.dcm", "2.dcm")}
    capsys.readouterr()
    line = ["query", str(place), "1.dcm", "--json"]
    report = ["--report", str(tmp_path / "r.html")]
    assert main([*line, *report, "--like", "0.dcm", "--unlike", "2.dcm"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["query"] == ids["1.dcm"]
    assert {hit["id"] for hit in answer["hits"]} == {ids["0.dcm"], ids["1.dcm"]}
    assert ".dcm" not in (tmp_path / "r.html").read_text()
    assert main([*line, "--labels", str(table)]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert [one["label"] for one in answer["findings"]["labels"]] == ["a"]
    why = ["explain", str(place), "0.dcm", "2.dcm", "-o", str(tmp_path / "why.png"), "--json"]
    assert main(why) == 0
    assert json.loads(capsys.readouterr().out)["hit"] == ids["2.dcm"]
    assert main(["evaluate", str(place), "--labels", str(table), "--queries", "0.dcm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["queries"] == 1
    with semblance.open(place) as opened:
        assert opened.explain("0.dcm", "2.dcm").hit == ids["2.dcm"]
        found = opened.query("0.dcm", unlike=["2.dcm"])
        assert [hit.id for hit in found] == [ids["0.dcm"], ids["1.dcm"]]
    # Those who ask over a network ask for ids.
    with Index.open(place) as opened, pytest.raises(SettingError, match="no such image"):
        opened.picture("0.dcm")
