"""The documents, typed in the order in which a reader types them: every command prints what they say."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from support.transcripts import Step, differences, plain, run, steps

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = [
    ROOT / "docs" / "tutorial" / f"{page}.md" for page in ("first-index", "region", "case", "evaluation")
]
GUIDES = sorted(path for path in (ROOT / "docs" / "how-to").glob("*.md") if any(steps(path)))


PLAIN = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
"""The documents were printed without bfloat16, which moves the last digit of a score."""


def type_all(document: Path, is_slow: bool = False) -> list[str]:
    """Type the steps of a document in the current folder, and return what differs from what it says."""
    wrong: list[str] = []
    for step in typed(document, is_slow):
        code, printed = run(step)
        found = differences(step.expected, printed)
        place = f"{document.relative_to(ROOT)}:{step.line}: {step.typed.splitlines()[0]}"
        if code:
            wrong.append(f"{place}: exit code {code}: {printed}")
        wrong += [f"{place}: {one}" for one in found]
    return wrong


def typed(document: Path, is_slow: bool) -> Iterator[Step]:
    """Yield the steps of a document that can be typed, with the slow ones or without."""
    return (step for step in steps(document) if step.mark in ("", "slow")[: 1 + is_slow])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the images of the demo, once for all processes."""
    from cli.commands.demo_images import write_pictures

    base = tmp_path_factory.getbasetemp()  # of this process, below that of all processes of a run
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo-images"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_pictures(folder / "pictures")
    return folder / "pictures"


@pytest.fixture(scope="session")
def indexed(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index these images as the first page of the tutorial does, once for all processes."""
    from cli.main import main

    folder = demo.parent / "my.index"
    with (demo.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            words = ["index", str(demo), "-o", str(folder), "--labels", f"{demo}/labels.csv", "--quiet"]
            with mock.patch.dict(os.environ, PLAIN, XDG_CONFIG_HOME=str(demo.parent / "config")):
                assert main(words) == 0
    return folder


@pytest.fixture
def room(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into a folder like that of a reader after ``make demo``."""
    shutil.copytree(demo, tmp_path / "demo" / "pictures")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for name, value in {**PLAIN, "XDG_CONFIG_HOME": str(tmp_path / "config")}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def after_the_first_page(room: Path, indexed: Path) -> None:
    """Give the reader the index, and the key that it was made with, by whichever process."""
    shutil.copytree(indexed, room / "my.index")
    shutil.copytree(indexed.parent / "config", room / "config")


def test_the_readme_prints_what_it_says(room: Path) -> None:
    assert type_all(ROOT / "README.md") == []


def test_the_tutorial_prints_what_it_says_page_after_page(room: Path) -> None:
    for page in TUTORIAL:
        assert type_all(page) == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
@pytest.mark.usefixtures("after_the_first_page")
def test_a_guide_prints_what_it_says_after_the_first_page(guide: Path) -> None:
    assert type_all(guide) == []


@pytest.mark.soak
@pytest.mark.parametrize(
    "guide", [g for g in GUIDES if any(s.mark == "slow" for s in steps(g))], ids=lambda p: p.stem
)
@pytest.mark.usefixtures("after_the_first_page")
def test_a_guide_prints_what_it_says_with_what_takes_long(guide: Path) -> None:
    assert type_all(guide, is_slow=True) == []


def test_all_that_can_be_typed_is_in_a_document_that_is_typed() -> None:
    elsewhere = [
        p for p in (ROOT / "docs").rglob("*.md") if p not in [*TUTORIAL, *GUIDES] and "results" not in p.parts
    ]
    assert [path.name for path in elsewhere if any(steps(path))] == []


def test_few_commands_are_slow_or_not_run() -> None:
    # What needs an archive is tried in tests/pacs, on a real one.
    guides = [path for path in GUIDES if path.stem != "archive"]
    marks = Counter(step.mark for path in [ROOT / "README.md", *TUTORIAL, *guides] for step in steps(path))
    assert marks[""] >= 45
    assert marks["slow"] <= 5
    assert marks["not run"] <= 6


@pytest.mark.parametrize(
    ("says", "prints", "is_same"),
    [
        ("a 0.0328", "a 0.0321", True),
        ("a 0.03", "a 0.04", False),
        (
            "files: 3\n12 images encoded in 3.0 s, 4.0 images/s",
            "files: 3\n12 images encoded in 1 s, 12 images/s",
            True,
        ),
        ("one\n…\nthree", "one\ntwo\nthree", True),
        ("one\n…\nthree", "one\ntwo", False),
        ("p 3bf80ac9d10cbb87", "p fe7a7825f797c8e7", True),
        ("two", "read: 1 of 122 files\ntwo", True),
        ("mAP 7.0 to 9.1", "mAP 7.1 to 9.0", True),
        ("one", "one\ntwo", False),
    ],
)
def test_what_counts_as_the_same(says: str, prints: str, is_same: bool) -> None:
    assert (differences(says, prints) == []) is is_same


def test_progress_in_a_log_is_no_output() -> None:
    assert plain("learn superpixel, dense: 1 of 1,000 files\nmy.index: 137 images, whole\n") == [
        "my.index: 137 images, whole"
    ]
