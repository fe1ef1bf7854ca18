"""The demo: its pictures, its measure, and the whole of it with a quick representation."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cli.commands import demo, demo_images
from cli.commands.demo_images import tiles, write_pictures
from cli.main import main
from cli.output.precision import measure
from cli.output.progress import ProgressBar


class Ranked:
    """Stand in for an index: the nearest pictures are the next ones in the order of names."""

    def __init__(self, labels: dict[str, str]) -> None:
        self._labels = labels
        self.names = list(labels)

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, name: str) -> Any:
        return SimpleNamespace(labels=(self._labels[name],) if self._labels[name] else ())

    def query(self, name: str, by: list[str], k: int, include_self: bool) -> list[Any]:
        assert not include_self
        at = self.names.index(name)
        return [SimpleNamespace(id=other) for other in (self.names[at + 1 :] + self.names[:at])[:k]]


def test_precision_is_the_share_of_right_ones_among_the_first() -> None:
    index = Ranked({"1": "a", "2": "a", "3": "b", "4": "b", "5": "b", "6": ""})
    found = measure(index, "any", 2, ProgressBar())  # type: ignore[arg-type]
    # 1 finds 2, 3; 2 finds 3, 4; at most one other is right: 1 and 0.
    # 3 finds 4, 5; 4 finds 5, 6; 5 finds 6, 1: 2, 1 and 0 of two.
    assert found.by_label == {"a": 0.5, "b": 0.5}
    assert found.sizes == {"a": 2, "b": 3}
    assert found.mean == 0.5
    assert found.chance == {"a": pytest.approx(2 * 1 / 5 / 1), "b": pytest.approx(2 * 2 / 5 / 2)}


def test_a_label_that_stands_alone_does_not_ask() -> None:
    found = measure(Ranked({"1": "a", "2": "b", "3": "b"}), "any", 5, ProgressBar())  # type: ignore[arg-type]
    assert found.sizes == {"b": 2}
    assert found.n_queries == 2


def test_tiles_do_not_overlap_and_leave_out_background() -> None:
    pixels = np.arange(60 * 80).reshape(60, 80) % 251 + 100
    pixels[:30, :40] = 0
    cut = dict(tiles(pixels, (30, 40)))
    assert list(cut) == ["r0c1", "r1c0", "r1c1"]
    assert np.array_equal(cut["r1c0"], pixels[30:, :40])
    assert list(tiles(pixels, (61, 80))) == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the demo's pictures once."""
    folder = tmp_path_factory.mktemp("demo") / "pictures"
    write_pictures(folder)
    return folder


def test_every_picture_is_labelled_once(pictures: Path) -> None:
    with (pictures / "labels.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    files = {p.relative_to(pictures).as_posix() for p in pictures.rglob("*") if p.is_file()} - {"labels.csv"}
    assert {row["path"] for row in rows} == files
    assert len(rows) == len(files) > 20
    assert all(row["label"] and row["origin"] for row in rows)


def test_every_picture_can_be_read_and_shows_something(pictures: Path) -> None:
    from retrieval.readers import read_pictures

    for path in sorted(pictures.rglob("*.*")):
        if path.name != "labels.csv":
            for picture in read_pictures(path, path.name):
                assert picture.pixels.std() > 0.005, path


def test_the_second_time_nothing_is_written(pictures: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in pictures.rglob("*")}
    n_files, _ = write_pictures(pictures)
    assert n_files == len([path for path in before if path.is_file()]) - 1
    assert {path: path.stat().st_mtime_ns for path in pictures.rglob("*")} == before


def keep_originals(monkeypatch: pytest.MonkeyPatch, *labels: str) -> None:
    """Let the demo have the pictures of a few labels only."""
    kept = tuple(original for original in demo_images.ORIGINALS if original.label in labels)
    monkeypatch.setattr(demo_images, "ORIGINALS", kept)


def test_a_picture_that_was_lost_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_originals(monkeypatch, "CT chest")
    write_pictures(tmp_path)
    lost = next(tmp_path.rglob("*.dcm"))
    lost.unlink()
    write_pictures(tmp_path)
    assert lost.is_file()


def test_packages_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_originals(monkeypatch, "CT chest")
    lacking = demo_images.Original("no_such_package", "a.png", "a", "a", demo_images.ORIGINALS[0].cut)
    monkeypatch.setattr(demo_images, "ORIGINALS", (*demo_images.ORIGINALS, lacking))
    n_files, missing = write_pictures(tmp_path)
    assert n_files > 0
    assert missing == {"no_such_package"}


def test_the_demo_runs_and_says_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_originals(monkeypatch, "CT chest", "MR abdomen")
    monkeypatch.setattr(demo, "DETECTORS", ("colour",))
    monkeypatch.setattr(demo, "SETTINGS", {})
    for _ in range(2):
        assert main(["demo", "-o", str(tmp_path / "demo"), "--jobs", "1"]) == 0
    shown = capsys.readouterr()
    assert "P@5" in shown.out
    assert "semblance index MY_FOLDER -o my.index" in shown.out
    assert f"semblance serve {tmp_path / 'demo' / 'index'} --open" in shown.out
    assert "0 added, 0 changed, 0 removed" in shown.err
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert names == {"pictures", "index", "report.html", "sheet.png", "points.png"}
    assert "<h2>colour</h2>" not in (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
