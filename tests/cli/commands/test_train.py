"""``semblance train``, end to end with a tiny network, and what it refuses before any long work."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from support.trainings import make_examples, tiny_network  # noqa: E402

import deep  # noqa: E402
import deep.training.train  # noqa: E402
from cli.main import main  # noqa: E402
from deep.networks import weights  # noqa: E402
from retrieval.readers import read_pictures  # noqa: E402

QUICK = ("--epochs", "3", "--batch", "12", "--validation", "0.3", "--precision", "float32", "--jobs", "1")

PROGRAM = """
import sys
import deep.training.train, torch
deep.training.train.use_threads = lambda: torch.set_num_threads(1)
from cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep.training.train, "use_threads", lambda: torch.set_num_threads(1))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Write 48 pictures of three classes, their labels, and the weights of a tiny network."""
    examples, lines = make_examples(), ["path,label,patient"]
    (tmp_path / "scans").mkdir()
    rows = zip(examples.names, examples.labels, examples.groups, examples.squares, strict=True)
    for name, label, group, square in rows:
        assert cv2.imwrite(str(tmp_path / "scans" / name), square[0])
        lines.append(f"{name},{label},{group}")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, ""]))
    weights.save(tmp_path / "start.safetensors", tiny_network())
    return tmp_path


def command(place: Path, *more: object) -> list[str]:
    given = (place / "scans", "--labels", place / "labels.csv", "-o", place / "model.safetensors")
    return [str(word) for word in ("train", *given, "--from", place / "start.safetensors", *QUICK, *more)]


def refused(capsys: pytest.CaptureFixture[str], code: int, arguments: list[str]) -> str:
    """Run what must fail, and return the last line, which says why."""
    capsys.readouterr()
    assert main(arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    last = shown.err.splitlines()[-1]
    assert last.startswith("semblance: error: ") and "internal error" not in last
    return last


def content(place: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the weights hold; a file's header names them in any order."""
    path = place / "model.safetensors"
    return {k: t.tolist() for k, t in weights.load(path).state_dict().items()}, weights.card(path)


def edit(place: Path, change: Any) -> None:
    """Change the rows of the label table."""
    header, *rows = (place / "labels.csv").read_text().splitlines()
    (place / "labels.csv").write_text("\n".join(change(header, rows)) + "\n")


def test_training_writes_better_weights_a_curve_and_a_log(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    assert main(command(place, "--log", place / "log", "--json")) == 0
    shown = capsys.readouterr()
    summary = json.loads(shown.out)
    assert summary["map_at_r"] > summary["map_at_r_before"]
    assert summary["pictures"] + summary["held_out"] == 48
    epochs = [json.loads(line) for line in (place / "log").read_text().splitlines()]
    assert [epoch["number"] for epoch in epochs] == [0, 1, 2, 3]
    assert summary["map_at_r"] == max(epoch["map_at_r"] for epoch in epochs)
    assert "epoch 3/3: loss " in shown.err
    curve = cv2.imread(str(place / "model.png"))
    assert curve is not None and curve.std() > 0
    assert sorted(path.name for path in place.iterdir()) == [
        *("labels.csv", "log", "model.png", "model.safetensors", "scans", "start.safetensors")
    ]
    card = weights.card(place / "model.safetensors")
    assert card["best_epoch"] == summary["best_epoch"] and card["plan"]["loss"] == "triplet"


def test_the_summary_says_how_to_use_the_weights(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(place)) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "MAP@R" in first and "before" in first and "best in epoch" in first
    assert second.startswith(f"use it: semblance index {place / 'scans'} -o scans.index --by deep --weights ")
    embedding = deep.deep(weights=second.rpartition(" ")[2])
    embedding.learn([])
    picture = next(iter(read_pictures(place / "scans" / "0.png", "0.png")))
    assert np.asarray(embedding.encode(picture).vector).shape == (8,)


def test_the_same_command_gives_the_same_weights(place: Path) -> None:
    assert main(command(place)) == 0
    first = content(place)
    assert main(command(place)) == 0
    assert content(place) == first


def test_a_killed_run_goes_on_as_if_it_never_stopped(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command(place, "--epochs", "12", "--patience", "12")
    checkpoint = place / "model.safetensors.checkpoint"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stderr=subprocess.PIPE) as process:
        while not checkpoint.exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (place / "model.safetensors").exists()
    assert "--resume" in refused(capsys, 2, arguments)
    assert main([*arguments, "--resume"]) == 0
    resumed = content(place)
    assert not checkpoint.exists()
    assert main(arguments) == 0
    assert content(place) == resumed


def test_resume_without_a_checkpoint_begins_at_the_start(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(place, "--resume", "--epochs", "1")) == 0
    assert "no checkpoint; begins at the start" in capsys.readouterr().err


def test_pictures_of_the_test_are_never_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(
        place,
        lambda h, rows: [f"{h},split", *(f"{r},{'test' if i % 4 == 0 else ''}" for i, r in enumerate(rows))],
    )
    for i in range(0, 48, 4):
        (place / "scans" / f"{i}.png").write_bytes(b"no picture")
    assert main(command(place, "--json", "--epochs", "1")) == 0
    shown = capsys.readouterr()
    assert "skipped" not in shown.err
    assert "patients or groups of the test stand outside it, too" in shown.err
    summary = json.loads(shown.out)
    assert summary["pictures"] + summary["held_out"] == 36


def test_files_without_a_label_are_counted_and_unreadable_ones_told(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(place, lambda h, rows: [h, *rows[2:]])
    (place / "scans" / "7.png").write_bytes(b"no picture")
    assert main(command(place, "--json", "--epochs", "1")) == 0
    shown = capsys.readouterr()
    assert "2 files have no label to learn from" in shown.err
    assert "skipped 7.png: " in shown.err
    summary = json.loads(shown.out)
    assert summary["pictures"] + summary["held_out"] == 45


def test_pictures_with_values_that_are_no_numbers_are_left_out(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile = pytest.importorskip("tifffile")
    values = np.full((20, 20), np.nan, dtype=np.float32)
    tifffile.imwrite(place / "scans" / "nan.tif", values)
    edit(place, lambda h, rows: [h, *rows, "nan.tif,class 0,p"])
    assert main(command(place, "--json", "--epochs", "1")) == 0
    shown = capsys.readouterr()
    assert "skipped nan.tif" in shown.err
    summary = json.loads(shown.out)
    assert summary["pictures"] + summary["held_out"] == 48


def test_labels_of_missing_files_are_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(place, lambda h, rows: [h, *rows, "gone.png,class 0,p", "lost/1.png,class 1,q"])
    assert "2 of 50 rows name no file of" in (line := refused(capsys, 2, command(place)))
    assert "gone.png, lost/1.png" in line


def test_one_class_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(place, lambda h, rows: [h, *(row for row in rows if "class 1" in row)])
    assert "one class only, 'class 1'" in refused(capsys, 2, command(place))


def test_classes_of_one_picture_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(place, lambda h, rows: [h, *(f"{row.split(',')[0]},class {i},p{i}" for i, row in enumerate(rows))])
    assert "can be learnt from" in refused(capsys, 1, command(place))


def test_too_few_patients_to_hold_any_out_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(place, lambda h, rows: [h, *(f"{row.rpartition(',')[0]},{row.split(',')[1]}" for row in rows)])
    assert "nothing to validate with" in refused(capsys, 1, command(place))


@pytest.mark.parametrize(
    "more,said",
    [
        (("--loss", "softmax", "--mining", "random"), "mining: the loss 'softmax' has none"),
        (("--loss", "softmax", "--margin", "0.1"), "margin: the loss 'softmax' has none"),
        (("--mining", "easy"), "is unknown; one of random"),
        (("--learning-rate", "0"), "learning_rate: 0"),
        (("--from", "nowhere.safetensors"), "nowhere.safetensors: no such file"),
        (("--labels", "nowhere.csv"), "nowhere.csv"),
        (("--flips", "all"), "invalid choice"),
    ],
)
def test_wrong_settings_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, 2, command(place, *more))


def test_damaged_start_weights_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = place / "start.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "damaged" in refused(capsys, 2, command(place))
    path.write_bytes(b"not at all")
    assert "start.safetensors" in refused(capsys, 2, command(place))


@pytest.mark.parametrize("option", ["-o", "--log", "--curve"])
def test_places_that_cannot_be_written_are_refused_first(
    place: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    gone = refused(capsys, 2, command(place, option, place / "gone" / "file", "--labels", "nowhere.csv"))
    assert "its folder is not there or cannot be written" in gone
    assert "is a folder" in refused(capsys, 2, command(place, option, place / "scans"))


def test_help_needs_no_network_library() -> None:
    code = (
        "import sys; from cli.main import main; main(['train', '--help']); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_without_torch_that_is_what_is_lacking(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> object:
        return None if name in ("torch", "matplotlib") else object()

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert "training takes torch; pip install 'semblance[deep]'" in refused(capsys, 2, command(place))


def test_images_may_be_labelled_by_their_folders(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in sorted((place / "scans").iterdir()):
        (place / "classes" / name.name[0]).mkdir(parents=True, exist_ok=True)
        name.rename(place / "classes" / name.name[0] / name.name)
    given = ("train", place / "classes", "-o", place / "model.safetensors", "--from", "scratch")
    words = [str(word) for word in (*given, *QUICK, "--epochs", "1")]
    assert "--label-by folder" in refused(capsys, 2, words)
