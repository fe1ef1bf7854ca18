"""The commands index, query, info, verify, remove and compact, end to end on small generated pictures."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.drawings import save_smooth
from support.series import write_series

from cli.main import main
from retrieval.index import Index
from retrieval.registry import DEFAULT

N_PICTURES = 8


def make_folder(folder: Path) -> Path:
    """Write eight pictures in two folders, and their labels."""
    for i in range(N_PICTURES):
        save_smooth(folder / "ab"[i % 2] / f"{i}.png", seed=i)
    lines = [
        f"{'ab'[i % 2]}/{i}.png,{'even;low' if i % 2 == 0 else 'odd'},p{i // 2}" for i in range(N_PICTURES)
    ]
    (folder / "labels.csv").write_text("\n".join(["path,label,patient", *lines, ""]))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index eight pictures once, for all tests that only ask."""
    place = tmp_path_factory.mktemp("made")
    folder = make_folder(place / "scans")
    arguments = ["index", folder, "-o", place / "i", "--by", "thumbnail", "--labels", folder / "labels.csv"]
    assert run(*arguments, "--jobs", "1") == 0
    return place


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def ask(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    """Return what ``query --json`` prints."""
    capsys.readouterr()
    assert run("query", *arguments, "--json") == 0
    answers: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return answers


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    """Run what must fail, and return the one line that says why."""
    capsys.readouterr()
    assert run(*arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("semblance: error: ") and shown.err.count("\n") == 1
    assert "internal error" not in shown.err
    return shown.err


def test_an_indexed_picture_is_the_best_answer_to_itself(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (answer,) = ask(capsys, made / "i", "a/2.png", "-k", 3)
    assert answer["query"] == "a/2.png"
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]
    first = answer["hits"][0]
    assert set(first) == {"id", "score", "rank", "box", "group"}
    assert (first["id"], first["box"], first["group"]) == ("a/2.png", None, {"patient": "p1"})
    assert first["score"] == pytest.approx(1, abs=1e-5)


def test_a_file_is_asked_like_the_picture_of_the_index(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (by_id,) = ask(capsys, made / "i", "b/3.png")
    (by_file,) = ask(capsys, made / "i", made / "scans" / "b" / "3.png")
    assert [h["id"] for h in by_id["hits"]] == [h["id"] for h in by_file["hits"]]


def test_a_folder_is_one_query_a_picture(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = ask(capsys, made / "i", made / "scans" / "a", "b/1.png", "-k", 1)
    assert [a["query"] for a in answers] == ["0.png", "2.png", "4.png", "6.png", "b/1.png"]
    assert answers[0]["hits"][0]["id"] == "a/0.png"


@pytest.mark.parametrize("image", ["a/2.png", "scans/a/2.png"])
def test_the_query_itself_can_be_left_out(
    image: str, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    (answer,) = ask(capsys, "i", image, "--exclude-self", "-k", 100)
    found = [hit["id"] for hit in answer["hits"]]
    assert len(found) == N_PICTURES - 1
    assert "a/2.png" not in found


def test_conditions_are_kept(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = ask(capsys, made / "i", "a/2.png", "--where", "label = 'odd'", "--not-same", "patient")
    assert {hit["id"] for hit in answer["hits"]} == {"b/1.png", "b/5.png", "b/7.png"}
    (grouped,) = ask(capsys, made / "i", "a/2.png", "--group-by", "patient")
    assert sorted(hit["group"]["patient"] for hit in grouped["hits"]) == ["p0", "p1", "p2", "p3"]


def test_a_region_is_looked_for(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = ask(capsys, made / "i", "a/2.png", "--region", "0,0,64,48", "-k", 1)
    assert answer["hits"][0]["id"] == "a/2.png"
    text = refused(capsys, 2, "query", made / "i", "a/2.png", "--region", "64,0,5,5")
    assert "which has 64 × 48 pixels" in text


def test_csv_and_trec_speak_of_the_same_hits(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = ask(capsys, made / "i", "a/2.png", "-k", 4)
    expected = [hit["id"] for hit in answer["hits"]]
    assert run("query", made / "i", "a/2.png", "-k", 4, "--csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["id"] for line in lines] == expected
    assert lines[0]["label"] == "even;low"
    assert run("query", made / "i", "a/2.png", "-k", 4, "--trec") == 0
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == expected


def test_pages_are_written(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, sheet = tmp_path / "page.html", tmp_path / "sheet.png"
    arguments = [made / "i", "a/2.png", made / "scans" / "b" / "1.png", "--region", "5,5,30,20"]
    assert run("query", *arguments, "--report", page, "--sheet", sheet) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<img src=") == 2 * (1 + N_PICTURES)
    assert "recipe of thumbnail" in text
    with Image.open(sheet) as drawn:
        assert drawn.width > 1000


@pytest.mark.parametrize(
    ("code", "arguments", "text"),
    [
        (1, ["i", "a/22.png"], "did you mean a/2.png"),
        (1, ["i", "scans/labels.csv"], "labels.csv"),
        (1, ["i", "scans/a/2.png#7"], "2.png"),
        (1, ["scans", "a/2.png"], "not an index"),
        (1, ["missing", "a/2.png"], "missing"),
        (1, ["i", "empty"], "holds no image"),
        (2, ["i", "a/2.png", "--by", "sift"], "thumbnail"),
        (2, ["i", "a/2.png", "--where", "label = "], "position"),
        (2, ["i", "a/2.png", "--where", "unheard = 1"], "unheard"),
        (2, ["i", "a/2.png", "--not-same", "unheard"], "unheard"),
        (1, ["i", "a/2.png", "--report", "no/page.html"], "No such file"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    code: int,
    arguments: list[str],
    text: str,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(made)
    (made / "empty").mkdir(exist_ok=True)
    assert text in refused(capsys, code, "query", *arguments)


def test_indexing_again_reads_only_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, index = make_folder(tmp_path / "scans"), tmp_path / "i"
    first = index_json(capsys, folder, index, "--by", "thumbnail", "--side", 8)
    assert (first["added"], first["unchanged"], first["pictures"]) == (8, 0, 8)
    save_smooth(folder / "c" / "new.png", 99)
    (folder / "a" / "0.png").unlink()
    second = index_json(capsys, folder, index)
    assert (second["added"], second["removed"], second["unchanged"]) == (1, 1, 7)
    assert (second["pictures"], second["representations"]) == (8, ["thumbnail"])


def index_json(
    capsys: pytest.CaptureFixture[str], folder: Path, index: Path, *more: object
) -> dict[str, Any]:
    """Index, and return what ``--json`` prints."""
    capsys.readouterr()
    assert run("index", folder, "-o", index, "--jobs", 1, "--json", *more) == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    return summary


def test_bad_files_are_lines_of_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path / "scans")
    for i in range(25):
        (folder / f"broken{i:02}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 20)
    (folder / "notes.txt").write_text("no picture")
    arguments = ["index", folder, "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", "1"]
    assert run(*arguments, "--skipped", tmp_path / "skipped.csv") == 0
    shown = capsys.readouterr()
    assert shown.out == f"{tmp_path / 'i'}: 8 images, ranked by thumbnail\n"
    assert shown.err.count("skipped broken") == 20
    assert "and 5 more; all in" in shown.err
    assert "files: 8 added, 0 changed, 0 removed, 0 unchanged, 25 skipped" in shown.err
    lines = list(csv.DictReader(io.StringIO((tmp_path / "skipped.csv").read_text())))
    assert [line["id"] for line in lines] == [f"broken{i:02}.png" for i in range(25)]


def test_settings_that_contradict_the_index_are_refused(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["index", made / "scans", "-o", made / "i", "--jobs", "1"]
    assert "side" in refused(capsys, 1, *again, "--by", "thumbnail", "--side", "9")
    assert "window" in refused(capsys, 1, *again, "--by", "thumbnail", "--window", "lung")
    assert run(*again, "--by", "thumbnail", "--side", "16", "--window", "auto") == 0


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (2, ["--side", "0"]),
        (2, ["--side", "many"]),
        (2, ["--bins", "4"]),
        (2, ["--window", "unheard-of"]),
        (2, ["--labels", "missing.csv"]),
        (2, ["missing"]),
    ],
)
def test_an_order_that_makes_no_sense_leaves_nothing_behind(
    code: int,
    more: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "scans")
    refused(capsys, code, "index", "scans", *more, "-o", "i", "--by", "thumbnail", "--jobs", "1")
    assert not (tmp_path / "i").exists()


def test_a_folder_that_holds_other_things_is_no_place_for_an_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder(tmp_path / "scans")
    refused(capsys, 1, "index", folder, "-o", folder / "a", "--by", "thumbnail")


def test_info_says_what_is_there(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("info", made / "i", "--json") == 0
    info = json.loads(capsys.readouterr().out)
    assert info["pictures"] == N_PICTURES
    assert info["representations"][0]["name"] == "thumbnail"
    assert run("info", made / "i") == 0
    shown = capsys.readouterr().out
    assert f"images: {N_PICTURES}\n" in shown
    assert "  thumbnail:\n    settings:\n      side: 16\n" in shown


def test_what_was_removed_stays_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, index = make_folder(tmp_path / "scans"), tmp_path / "i"
    index_json(capsys, folder, index, "--by", "thumbnail")
    refused(capsys, 2, "remove", index, "a/0.png", "unheard.png")
    assert run("remove", index, "a/0.png", "b/") == 0
    assert capsys.readouterr().out == f"{index}: 5 removed, 3 left\n"
    assert run("compact", index) == 0
    assert " MB now" in capsys.readouterr().out
    index_json(capsys, folder, index)
    (answer,) = ask(capsys, index, "a/2.png")
    assert sorted(hit["id"] for hit in answer["hits"]) == ["a/2.png", "a/4.png", "a/6.png"]


def test_verify_finds_what_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, index = make_folder(tmp_path / "scans"), tmp_path / "i"
    index_json(capsys, folder, index, "--by", "thumbnail")
    assert run("verify", index) == 0
    assert capsys.readouterr().out == f"{index}: whole, 8 images\n"
    broken = max(index.glob("segments/*/*.npy"), key=lambda path: path.stat().st_size)
    broken.write_bytes(broken.read_bytes()[:-1])
    assert run("verify", index) == 1
    assert capsys.readouterr().out


def test_visual_words_are_the_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, index = make_folder(tmp_path / "scans"), tmp_path / "i"
    summary = index_json(capsys, folder, index, "--words", 16, "--tone-words", 8, "--points", 30)
    assert (summary["pictures"], summary["representations"]) == (N_PICTURES, list(DEFAULT))
    (answer,) = ask(capsys, index, folder / "b" / "3.png", "-k", 1)
    assert answer["hits"][0]["id"] == "b/3.png"
    assert "words" in refused(capsys, 1, "index", folder, "-o", index, "--words", "32", "--jobs", "1")


def test_an_index_of_nothing_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "empty.png").touch()
    assert run("index", tmp_path / "scans", "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", 1) == 1
    left = f"{tmp_path / 'i'} is there without images, and the same command fills it once there are some"
    assert f"holds no image that can be read; {left}" in capsys.readouterr().err
    save_smooth(tmp_path / "asks.png", seed=1)
    assert run("query", tmp_path / "i", tmp_path / "asks.png") == 0
    assert "this index holds no image yet" in capsys.readouterr().err


def labels_of(index: Path) -> dict[str, tuple[str, ...]]:
    with Index.open(index) as opened:
        return {entry.name: entry.labels for entry in opened.pictures()}


def test_a_table_may_call_its_columns_as_it_likes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path / "scans")
    table = tmp_path / "manifest.csv"
    table.write_text("file,cls,label,site\na/0.png,x;y,old,here\nb/1.png,z,old,there\n")
    command = ["index", folder, "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", "1", "--labels", table]
    said = refused(capsys, 2, *command)
    assert "no column 'path' (it has file, cls, label, site)" in said
    assert "--path-column" in said
    assert run(*command, "--path-column", "file", "--label-column", "cls") == 0
    assert labels_of(tmp_path / "i")["a/0.png"] == ("x", "y")
    with Index.open(tmp_path / "i") as index:
        metadata = index.picture("b/1.png").metadata
    assert metadata["site"] == "there"
    assert not {"file", "cls", "label"} & metadata.keys()


def test_images_may_be_labelled_by_their_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path / "scans")
    save_smooth(folder / "top.png", seed=9)
    command = ["index", folder, "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", "1"]
    assert run(*command, "--label-by", "folder") == 0
    told = capsys.readouterr().err
    assert "1 image has no label" in told
    assert "name no image" not in told
    found = labels_of(tmp_path / "i")
    assert found == {"top.png": ()} | {f"{'ab'[i % 2]}/{i}.png": ("ab"[i % 2],) for i in range(N_PICTURES)}
    both = refused(capsys, 2, *command, "--label-by", "folder", "--labels", folder / "labels.csv")
    assert "not allowed with argument" in both


def test_a_mistyped_column_and_a_representation_that_is_not_there_get_a_remedy(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = made / "i"
    assert "did you mean patient?" in refused(capsys, 2, "query", index, "a/0.png", "--group-by", "patiend")
    assert "did you mean thumbnail?" in refused(capsys, 2, "query", index, "a/0.png", "--by", "thumbnial")
    absent = refused(capsys, 2, "query", index, "a/0.png", "--by", "deep")
    assert "it has thumbnail; `semblance index` with --by deep adds it" in absent
    metric = refused(capsys, 2, "query", index, "a/0.png", "--by", "thumbnail+nca")
    assert "`semblance learn-metric` with --by thumbnail learns one" in metric


@pytest.mark.parametrize(("window", "is_said"), [((), True), (("--window", "lung"), False)])
def test_a_ct_index_by_the_windows_of_its_files_says_that_lungs_may_be_black(
    window: tuple[str, ...], is_said: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "ct", 1, 3)
    command = ["index", tmp_path / "ct", "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", "1"]
    assert run(*command, *window) == 0
    assert ("--window lung" in capsys.readouterr().err) == is_said
    assert run(*command) == 0
    assert "--window lung" not in capsys.readouterr().err, "nothing new was indexed"


def test_words_that_were_left_open_are_shown_as_the_number_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder(tmp_path / "scans")
    assert run("index", folder, "-o", tmp_path / "i", "--by", "dense", "--jobs", "1") == 0
    capsys.readouterr()
    assert run("info", tmp_path / "i") == 0
    told = capsys.readouterr().out
    (learnt,) = re.findall(r"shape:.*?\n +words: ([\d,]+)", told, re.DOTALL)
    assert f"words: {learnt.replace(',', '')} (as many as the sample allows)" in told
    assert run("info", tmp_path / "i", "--json") == 0
    assert json.loads(capsys.readouterr().out)["representations"][0]["settings"]["words"] is None
