"""The examples: each runs as a reader types it, and prints what it promises."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from cli.commands.demo_images import write_pictures
from cli.main import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the demo's images and an index of them, of thumbnails to be quick."""
    folder = tmp_path_factory.mktemp("examples")
    write_pictures(folder / "demo" / "pictures")
    labels = str(folder / "demo" / "pictures" / "labels.csv")
    pictures, index = str(folder / "demo" / "pictures"), str(folder / "my.index")
    assert main(["index", pictures, "-o", index, "--by", "thumbnail", "--labels", labels, "--quiet"]) == 0
    return folder


def run(folder: Path, *words: str) -> list[str]:
    """Run an example in a folder, and return the lines that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / words[0]), *words[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_first_steps_write_a_page(folder: Path) -> None:
    # A part of the images: all of them take no other way, and five times as long.
    shutil.copytree(folder / "demo" / "pictures" / "cell", folder / "cells")
    (folder / "cells" / "labels.csv").write_text("path,label\nr0c0.png,cell culture\n")
    run(folder, "first_steps.py", "cells", "answer.html")
    assert "<html" in (folder / "answer.html").read_text(encoding="utf-8")


def test_visual_words_rank_the_first_image_first(folder: Path) -> None:
    lines = run(folder, "visual_words.py", "demo/pictures/cell")
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert lines[0].split()[2] == "r0c0.png"


def test_the_own_patient_is_left_out(folder: Path) -> None:
    lines = run(folder, "nearest_patients.py", "my.index", "ct-head-1/r1c1.dcm", "20,20,60,60")
    assert len(lines) == 5
    assert not any("ct-head-1" in line for line in lines)


def test_thoraxes_are_labelled_where_lung_is(folder: Path) -> None:
    (line,) = run(folder, "make_thoraxes.py", "thoraxes")
    assert line.startswith("lung in thorax.nii.gz: slices ")
    assert len(list((folder / "thoraxes" / "labelled").glob("*.nii.gz"))) == 4
    table = (folder / "thoraxes" / "labelled" / "labels.csv").read_text().splitlines()
    assert table[0] == "path,label"
    assert {row.split(",")[1] for row in table[1:]} == {"lung"}


def test_the_notebook_runs(folder: Path) -> None:
    notebook = nbformat.read(EXAMPLES / "look_around.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "kept without outputs"
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    printed = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any(text.startswith("P@5 ") for text in printed)


def test_every_example_is_listed_and_tested() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    tests = Path(__file__).read_text(encoding="utf-8")
    for path in [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.ipynb")]:
        assert path.name in listed
        assert path.name in tests
