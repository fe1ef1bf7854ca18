"""A careless or hostile user: one line, the right code, and never a silent wrong answer."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.main import main
from retrieval.rankers.array_files import save_arrays

COMMAND = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of three pictures with structure and one that is of one colour."""
    folder = tmp_path_factory.mktemp("nasty")
    (folder / "scans").mkdir()
    random = np.random.default_rng(2)
    for name in ("a", "b", "c"):
        levels = np.kron(random.integers(0, 255, (12, 12)), np.ones((8, 8))).astype(np.uint8)
        Image.fromarray(levels).save(folder / "scans" / f"{name}.png")
    Image.fromarray(np.full((96, 96), 128, np.uint8)).save(folder / "scans" / "flat.png")
    by = ["--by", "dense", "--by", "thumbnail", "--words", "16", "--points", "50"]
    assert main(["index", str(folder / "scans"), "-o", str(folder / "i"), *by, "--jobs", "1"]) == 0
    return folder / "i"


def hits(capsys: pytest.CaptureFixture[str], index: Path, *arguments: str) -> list[dict[str, object]]:
    """Ask, and return the hits of the one answer."""
    capsys.readouterr()
    assert main(["query", str(index), *arguments, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    return list(answer["hits"])


def test_a_flat_picture_is_ranked_last_also_by_several(
    scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Of few images deviations below the mean may be more than that of one that shares nothing.
    for by in (["--by", "dense"], ["--fusion", "rrf"]):
        assert hits(capsys, scans, "a.png", *by)[-1]["id"] == "flat.png"


@pytest.mark.parametrize("by", [["--by", "dense"], []])
def test_a_query_without_structure_scores_0_and_says_so(
    by: list[str], scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", str(scans), "flat.png", *by, "--json"]) == 0
    shown = capsys.readouterr()
    assert {hit["score"] for hit in json.loads(shown.out)[0]["hits"]} == {0.0}
    assert shown.err.startswith("note: flat.png: every score is 0")
    assert shown.err.count("\n") == 1


def test_a_region_beyond_the_picture_is_cut_to_it(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = hits(capsys, scans, "a.png", "--region", "0,0,96,96", "--by", "dense")
    for region in ("0,0,1e30,1e30", "0,0,1e300,1e300", "-1e9,-1e9,1e10,1e10"):
        assert hits(capsys, scans, "a.png", f"--region={region}", "--by", "dense") == wanted


@pytest.mark.parametrize("place", ["missing/page.html", "page.html/inside.html", "."])
def test_a_report_that_cannot_be_written_is_named(
    place: str, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.html").write_text("")
    assert main(["query", str(scans), "a.png", "--report", str(tmp_path / place)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"semblance: error: {tmp_path / place}: ")
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["index", "", "-o", "i"], 2),
        (["index", ".", "-o", ""], 2),
        (["query", "", "a.png"], 2),
        (["query", "{index}", "a.png", "--report", ""], 2),
        (["query", "{index}", ""], 1),
        (["points", "", "-o", "x.png"], 1),
    ],
)
def test_an_empty_path_is_not_taken_for_the_current_folder(
    arguments: list[str],
    code: int,
    scans: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([argument.format(index=scans) for argument in arguments]) == code
    assert "is a variable of the shell unset?" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_closed_streams_are_no_error(scans: Path) -> None:
    query = [*COMMAND, "query", str(scans), "a.png"]
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *query], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("a.png  by") == (closed == "2>&-")


def test_lines_of_a_closed_stream_are_none(scans: Path) -> None:
    query = [*COMMAND, "query", str(scans), "--stdin"]
    done = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *query], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_page_is_not_called_as_an_image(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["query", str(scans), "a.png", "--report"], ["map", str(scans), "-o"]):
        assert main([*command, str(tmp_path / "answer.png")]) == 2
        assert "end the name in .html" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    # Any other name will do, such as one with a number, or one that is moved when it is whole.
    for name in ("case-1.5", "answer.html.part"):
        assert main(["query", str(scans), "a.png", "--report", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(b"<!")


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "{index}", "a.png", "flat.png", "-o", "{place}/x.png"],
        ["map", "{index}", "-o", "{place}/x.html"],
        ["export", "{index}", "--npz", "{place}/x.npz"],
        ["index", "{place}/../scans", "-o", "{place}/../i", "--skipped", "{place}/x.csv"],
        ["learn-profile", "{index}", "--by", "dense", "--reports", "r.csv", "--found", "{place}/x.csv"],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_that_is_not_there_is_said_before_the_work(
    command: list[str], scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # No index is there either: the place of the file is looked at first.
    place, index = tmp_path / "no", tmp_path / "none.index"
    assert main([word.format(place=place, index=index) for word in command]) == 1
    assert "(No such file or directory); make its folder first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_image_in_the_place_of_the_index_is_no_list_of_shards(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"x")
    assert main(["query", str(image), str(scans)]) == 1
    error = capsys.readouterr().err
    assert "is a file, and this wants the folder of an index; give that first" in error
    assert "shard" not in error


def test_an_unknown_image_is_told_how_images_are_named(
    scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", str(scans), "a.png", "--like", "b"]) == 2
    error = capsys.readouterr().err
    assert "b: no such image in this index; an image is named by its path in the indexed folder" in error


def test_damaged_vectors_are_no_silent_answer(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "damaged"
    shutil.copytree(scans, index)
    for path in index.glob("segments/*/weights.npy"):
        np.save(path, np.full_like(np.load(path), np.nan))
    picture = str(scans.parent / "scans" / "a.png")
    for image in ("a.png", picture):
        assert main(["query", str(index), image, "--by", "dense"]) == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "`semblance repair` says what can be mended" in shown.err
        assert shown.err.count("\n") == 1


def test_a_full_disk_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("6000 requested and 4082 written")

    monkeypatch.setattr("retrieval.rankers.array_files.npy.write_array", fail)
    with pytest.raises(OSError, match="No space left on device") as raised:
        save_arrays(tmp_path / "x", {"a": np.zeros(9)})
    assert raised.value.errno == errno.ENOSPC
