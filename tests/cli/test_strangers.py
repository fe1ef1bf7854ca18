"""What a stranger tries: patients that only a table knows, wrong flags, and folders that are in use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.main import main

TABLE = "path,label,patient\n0.png,low,p1\n1.png,low,p1\n2.png,high;odd,p2\n3.png,high,p2\n4.png,high,\n"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index five pictures, the patients of which stand in a table; of the last nobody knows it."""
    place = tmp_path_factory.mktemp("strangers")
    (place / "scans").mkdir()
    for i in range(5):
        levels = np.random.default_rng(i).integers(0, 255, (24, 24), dtype=np.uint8)
        Image.fromarray(levels).save(place / "scans" / f"{i}.png")
    (place / "scans" / "labels.csv").write_text(TABLE)
    arguments = ["-o", place / "i", "--by", "thumbnail", "--labels", place / "scans" / "labels.csv"]
    assert run("index", place / "scans", *arguments, "--jobs", 1) == 0
    return place


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[set[str], str]:
    """Return the ids that ``query --json`` prints, and what it says on stderr."""
    capsys.readouterr()
    assert run("query", *arguments, "--json") == 0
    shown = capsys.readouterr()
    (answer,) = json.loads(shown.out)
    return {hit["id"] for hit in answer["hits"]}, shown.err


@pytest.mark.parametrize("where", ["", "scans/"])
def test_a_patient_of_the_table_is_left_out_however_the_picture_is_named(
    where: str, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    assert found(capsys, "i", f"{where}0.png", "--not-same", "patient") == ({"2.png", "3.png", "4.png"}, "")
    assert found(capsys, "i", f"{where}0.png", "--not-same", "label") == ({"2.png", "3.png", "4.png"}, "")


@pytest.mark.parametrize("where", ["", "scans/"])
def test_a_query_without_a_patient_is_said_to_have_none(
    where: str, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    ids, said = found(capsys, "i", f"{where}4.png", "--not-same", "patient")
    assert ids == {"0.png", "1.png", "2.png", "3.png"}
    expected = f"no patient is known of {where}4.png; only the image itself was left out\n"
    assert said == f"--not-same patient: {expected}"


def test_a_wrong_flag_is_answered_with_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("index", "scans", "-o", "i", "--by", "thumbnail", "--qqq", 3) == 2
    assert capsys.readouterr().err == (
        "semblance: error: unrecognized arguments: --qqq (see semblance index --help)\n"
    )


def test_a_flag_of_another_command_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("query", "i", "0.png", "--window", "lung") == 2
    assert capsys.readouterr().err == (
        "semblance: error: unrecognized arguments: --window; it is a flag of index, receive, points, train "
        "(see semblance query --help)\n"
    )


def test_a_folder_that_holds_other_things_is_refused_with_a_remedy(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("index", made / "scans", "-o", made / "scans", "--by", "thumbnail") == 1
    assert "holds other things (0.png); give an empty or a new folder" in capsys.readouterr().err


def test_an_index_whose_making_was_cut_short_is_made_again(made: Path, tmp_path: Path) -> None:
    (tmp_path / "i" / "segments").mkdir(parents=True)
    (tmp_path / "i" / "lock").touch()
    arguments = ["-o", tmp_path / "i", "--by", "thumbnail", "--jobs", 1]
    assert run("index", made / "scans", *arguments) == 0


def test_labels_that_name_no_picture_are_told_what_they_are_relative_to(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.csv").write_text("path,label\nscans/0.png,low\n")
    arguments = ["--labels", tmp_path / "labels.csv", "--by", "thumbnail", "--jobs", 1]
    assert run("index", made / "scans", "-o", tmp_path / "i", *arguments) == 0
    said = capsys.readouterr().err
    assert "1 of 1 labels name no image: scans/0.png\n" in said
    assert "relative to the folder that is indexed" in said


def test_nothing_encoded_has_no_rate(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("index", made / "scans", "-o", made / "i", "--jobs", 1) == 0
    assert "images/s" not in capsys.readouterr().err


@pytest.fixture
def of_two_folders(made: Path, tmp_path: Path) -> Path:
    """Index pictures as two folders, each with a table of its own; the second with frames and a link."""
    for name, first, patient in (("x", 0, "p1"), ("y", 2, "p2")):
        (tmp_path / name).mkdir()
        for i in range(2):
            (tmp_path / name / f"{i}.png").write_bytes((made / "scans" / f"{first + i}.png").read_bytes())
        table = f"path,label,patient\n0.png,,p1\n1.png,,{patient}\n"
        (tmp_path / name / "labels.csv").write_text(table)
    frames = [Image.new("L", (24, 24), level) for level in (0, 90, 200)]
    frames[0].save(tmp_path / "y" / "stack.tif", save_all=True, append_images=frames[1:])
    (tmp_path / "outside.png").write_bytes((made / "scans" / "4.png").read_bytes())
    (tmp_path / "y" / "link.png").symlink_to(tmp_path / "outside.png")
    for name in "xy":
        arguments = [
            "--labels",
            tmp_path / name / "labels.csv",
            "--by",
            "thumbnail",
            "--follow-links",
            "--jobs",
            1,
        ]
        assert run("index", tmp_path / name, "-o", tmp_path / "i", *arguments) == 0
    return tmp_path


def test_a_patient_of_the_table_is_left_out_in_an_index_of_several_folders(
    of_two_folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(of_two_folders)
    frames = {f"stack.tif#{i}" for i in range(3)}
    for image in ("x/0.png", "x/../y/0.png", of_two_folders / "y" / "0.png", "y/0.png"):
        ids, said = found(capsys, "i", image, "--not-same", "patient", "-k", 20)
        assert (ids, said) == ({"y/1.png", "link.png", *frames}, "")


@pytest.mark.parametrize(
    ("image", "itself"),
    [("y/stack.tif#1", "stack.tif#1"), ("y/link.png", "link.png"), ("outside.png", "link.png")],
)
def test_a_file_that_is_indexed_is_left_out_itself(
    image: str,
    itself: str,
    of_two_folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(of_two_folders)
    everything, _ = found(capsys, "i", image, "-k", 20)
    without, said = found(capsys, "i", image, "--not-same", "patient", "-k", 20)
    assert everything - without == {itself}
    assert "no patient is known" in said


def test_an_index_without_a_picture_takes_another_window(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ["-o", tmp_path / "i", "--by", "thumbnail", "--jobs", 1]
    assert run("index", tmp_path / "empty", *arguments) == 1
    assert run("index", made / "scans", *arguments, "--side", 8, "--window", "lung") == 0
    assert run("verify", tmp_path / "i") == 0
    capsys.readouterr()
    assert run("info", tmp_path / "i", "--json") == 0
    info = json.loads(capsys.readouterr().out)
    assert info["window"] == "lung"
    assert info["representations"][0]["settings"] == {"side": 8}
    assert run("index", made / "scans", *arguments, "--window", "auto") == 1


def test_what_was_removed_is_counted_in_one_line_and_listed_on_demand(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["index", made / "scans", "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", 1]
    assert run(*again) == 0
    assert run("remove", tmp_path / "i", "0.png", "1.png") == 0
    capsys.readouterr()
    assert run(*again, "--json", "--skipped", tmp_path / "skipped.csv") == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "files: 0 added, 0 changed, 0 removed, 3 unchanged, 0 skipped",
        "2 that were removed from the index stay out until their file changes",
    ]
    assert [it["id"] for it in json.loads(shown.out)["skipped"]] == ["0.png", "1.png"]
    assert (tmp_path / "skipped.csv").read_text().count("was removed") == 2
