"""The command line on series: cases, volumes, feedback, findings, locating, and the proof of deletion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.pages import PageReader
from support.series import write_series

from cli.main import main

N_PATIENTS, N = 6, 10


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Return what a command prints as JSON."""
    capsys.readouterr()
    assert run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one line of a command that is used wrongly."""
    capsys.readouterr()
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    lines = ["path,label"]
    for patient in range(N_PATIENTS):
        write_series(place / "scans" / f"p{patient}", patient, N, shuffle=patient)
        lines += [f"p{patient}/{i:03d}.dcm,{'lung' if 2 <= i <= 7 else 'other'}" for i in range(N)]
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    write_series(place / "new", 99, N)
    arguments = ["index", place / "scans", "-o", place / "i", "--by", "thumbnail", "--jobs", "1"]
    assert run(*arguments, "--labels", place / "labels.csv") == 0
    (place / "references.csv").write_text(
        "label,title,text,link\nlung,On lungs,Air is dark.,https://example.org/lung\nheart,On hearts,,\n"
    )
    return place


@pytest.mark.parametrize("rule", ["best", "mean-3", "rank-weighted"])
def test_a_query_is_answered_by_cases(made: Path, rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = asked(capsys, "query", made / "i", "p0/004.dcm", "--group-by", "patient", "--case-by", rule)
    cases = [hit["case"]["value"] for hit in answer["hits"]]
    assert len(set(cases)) == len(cases) == N_PATIENTS
    assert all(hit["case"]["n"] == N and hit["case"]["column"] == "patient" for hit in answer["hits"])
    assert "findings" not in answer


def test_a_folder_of_slices_is_one_query(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = asked(capsys, "query", made / "i", made / "new", "--volume", "-k", 3)
    assert answer["query"] == str(made / "new")
    aligned = answer["hits"][0]["case"]["aligned"]
    assert [Path(slice).name for slice, _, _ in aligned] == [f"{i:03d}.dcm" for i in range(N)]
    assert len({hit["case"]["value"] for hit in answer["hits"]}) == 3


def test_a_page_of_a_volume_shows_the_slices_that_match(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, sheet = tmp_path / "page.html", tmp_path / "sheet.png"
    more = ("--report", page, "--sheet", sheet)
    (answer,) = asked(capsys, "query", made / "i", made / "new", "--volume", "-k", 3, *more)
    matches = {query: found for query, found, _ in answer["hits"][0]["case"]["aligned"]}
    read = PageReader(page.read_text("utf-8"))
    shown = [str(image["alt"]) for image in read.named("img")]
    slices = [alt.removeprefix("Query slice ") for alt in shown if alt.startswith("Query")]
    assert [Path(slice).name for slice in slices] == [f"{i:03d}.dcm" for i in (1, 3, 5, 7, 9)]
    assert [alt for alt in shown if alt.startswith("Rank 1,")] == [
        f"Rank 1, slice {matches[slice]}" for slice in slices
    ]
    assert sheet.exists()


def test_slices_of_the_index_are_one_query(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"p2/{i:03d}.dcm" for i in range(N)]
    (answer,) = asked(capsys, "query", made / "i", *names, "--volume", "--not-same", "patient")
    assert len(answer["hits"]) == N_PATIENTS - 1
    assert not any(hit["id"].startswith("p2/") for hit in answer["hits"])
    (again,) = asked(
        capsys, "query", made / "i", made / "scans" / "p2", "--volume", "--volume-by", "votes", "-k", 1
    )
    assert again["hits"][0]["id"].startswith("p2/")


def test_feedback_hides_what_was_not_liked(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--like", "p1/009.dcm", "--unlike", "p0/005.dcm", "-k", 100]
    (answer,) = asked(capsys, "query", made / "i", "p0/004.dcm", *more)
    ids = [hit["id"] for hit in answer["hits"]]
    assert "p0/005.dcm" not in ids and len(ids) == N_PATIENTS * N - 1


def test_findings_are_told_in_every_form(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--references", made / "references.csv", "--group-by", "id", "-k", 20]
    (answer,) = asked(capsys, "query", made / "i", "p0/004.dcm", *more)
    found = answer["findings"]
    assert found["verdict"] == "lung" and found["matching"] == 20
    first = found["labels"][0]
    assert first["label"] == "lung" and first["significant"] and first["p"] <= first["p_adjusted"] < 0.05
    assert first["share_interval"][0] <= first["share"] <= first["share_interval"][1]
    assert [reference["title"] for reference in found["references"]] == ["On lungs"]
    page = made / "page.html"
    assert run("query", made / "i", "p0/004.dcm", *more, "--report", page) == 0
    shown = capsys.readouterr().out
    assert "findings: lung; 20 matching cases of 59 (by id)" in shown
    assert "lung: On lungs. Air is dark. https://example.org/lung" in shown
    assert "On lungs" in page.read_text() and 'href="https://example.org/lung"' in page.read_text()
    assert run("query", made / "i", "p0/004.dcm", *more, "--csv") == 0
    said = capsys.readouterr()
    assert "findings: lung" in said.err and "findings" not in said.out


def test_a_table_of_labels_takes_the_place_of_the_own_ones(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = made / "others.csv"
    table.write_text("path,label\n" + "".join(f"p{p}/00{i}.dcm,x\n" for p in range(6) for i in range(3, 6)))
    (answer,) = asked(capsys, "query", made / "i", "p0/004.dcm", "--labels", table, "--group-by", "id")
    assert {label["label"] for label in answer["findings"]["labels"]} == {"x"}
    assert answer["findings"]["verdict"] == "not enough evidence"


def test_a_query_unlike_anything_is_said_to_be_so(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    assert cv2.imwrite(str(tmp_path / "noise.png"), noise)
    assert run("query", made / "i", tmp_path / "noise.png", "--findings") == 0
    assert "Unlike anything in the index" in capsys.readouterr().out
    (answer,) = asked(capsys, "query", made / "i", tmp_path / "noise.png", "--findings")
    assert answer["findings"]["unlike_anything"] is True


def test_the_range_of_a_new_volume_is_located(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "locate", made / "new", "--in", made / "i", "--range", "lung")
    assert abs(found["bottom"]["position"] - 10) <= 5 and abs(found["top"]["position"] - 35) <= 5
    assert found["certain"] and found["voting_volumes"] == N_PATIENTS and found["slices"] == N
    assert Path(found["bottom"]["slice"]).name in {"001.dcm", "002.dcm", "003.dcm"}
    assert run("locate", made / "new", "--in", made / "i", "--range", "lung") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{made / 'new'}  lung  agreement ") and "\nbottom" in shown
    assert f"  by {N_PATIENTS} volumes\n" in shown
    one = ("--where", "id < 'p1'")
    assert run("locate", made / "new", "--in", made / "i", "--range", "lung", *one) == 0
    assert "  by 1 volume\n" in capsys.readouterr().out


def test_nothing_is_left_of_what_was_removed(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "i"
    assert run("index", made / "scans", "-o", index, "--by", "thumbnail", "--jobs", "1") == 0
    assert run("remove", index, "p3/") == 0
    capsys.readouterr()
    assert run("verify", index, "--erased", "p3/000.dcm") == 1
    assert "semblance compact" in capsys.readouterr().out
    assert run("compact", index) == 0
    capsys.readouterr()
    assert run("verify", index, "--erased", "p3/000.dcm", "p3/009.dcm") == 0
    assert capsys.readouterr().out == f"{index}: whole, 50 images, and nothing is left of what was removed\n"
    assert b"p3/0" not in b"".join(path.read_bytes() for path in index.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["p0/001.dcm", "--case-by", "mean-3"], "needs cases"),
        (["p0/001.dcm", "--case-by", "middle", "--group-by", "patient"], "give best, mean-3"),
        (["p0/001.dcm", "--like", "nobody"], "nobody: no such image"),
        (["p0/001.dcm", "--like", "p0/002.dcm", "--unlike", "p0/002.dcm"], "choose one"),
        (["p0/001.dcm", "--collapse", "-3"], "collapse"),
        (["p0/001.dcm", "--volume", "--region", "1,1,4,4"], "a box is a part of one image"),
        (["p0/001.dcm", "--volume", "--collapse", "5"], "collapse: a volume's slices are aligned"),
        (["p0/001.dcm", "--references", "missing.csv"], "missing.csv"),
        (["p0/001.dcm", "--labels", "missing.csv"], "missing.csv"),
        (["p0/001.dcm", "--findings", "--group-by", "mood"], "no column 'mood'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    made: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, "query", made / "i", *arguments)


def test_a_range_that_is_not_there_is_refused(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "which? The labels" in refused(capsys, "locate", made / "new", "--in", made / "i")
    line = refused(capsys, "locate", made / "new", "--in", made / "i", "--range", "liver")
    assert "its labels are lung, other" in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,text\nlung,x\n", "no column 'title'"),
        ("label,title\nlung\n", "line 2: 1 fields, but the header has 2"),
        ("label,title\n,x\n", "line 2: the label or the title is empty"),
        ("label,title,link\nlung,x,javascript:alert(1)\n", "begin it with https://"),
        ("", "no column 'label'"),
    ],
)
def test_references_that_make_no_sense_are_refused(
    made: Path, tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.csv").write_text(text)
    line = refused(capsys, "query", made / "i", "p0/001.dcm", "--references", tmp_path / "r.csv")
    assert message in line


def test_one_slice_of_the_index_asks_with_its_stack(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [
        asked(capsys, "query", made / "i", image, "--volume")[0]["hits"]
        for image in (made / "scans" / "p2", "p2/001.dcm", made / "scans" / "p2" / "001.dcm")
    ]
    assert answers[1] == answers[2] == answers[0]


def test_slices_of_an_indexed_file_are_left_out_of_its_own_volume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nibabel = pytest.importorskip("nibabel")
    values = np.random.default_rng(0).integers(0, 255, (20, 20, 5)).astype(np.int16)
    (tmp_path / "scans").mkdir()
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "scans" / "a.nii")
    assert run("index", tmp_path / "scans", "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", "1") == 0
    names, flags = ("a.nii#2", "a.nii#3"), ("--volume", "--exclude-self", "--group-by", "id")
    # By their paths as by their ids.
    for images in (names, [tmp_path / "scans" / name for name in names]):
        (answer,) = asked(capsys, "query", tmp_path / "i", *images, *flags)
        assert sorted(hit["id"] for hit in answer["hits"]) == [f"a.nii#{i}" for i in (0, 1, 4)]
