"""What holds for every test: no test fails because a machine is slow. And what several files of tests use."""

import atexit
import importlib
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from support.orthanc_fixture import one_orthanc, orthanc  # noqa: F401
from support.transcripts import steps

# A test that indexes must not compile all kernels first; each is compiled when it is called.
os.environ.setdefault("SEMBLANCE_WARM", "never")
# No test touches the key of the user who runs it.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="semblance-config-")
atexit.register(shutil.rmtree, os.environ["XDG_CONFIG_HOME"], ignore_errors=True)
os.environ.pop("SEMBLANCE_KEY", None)

settings.register_profile("semblance", deadline=None, print_blob=True)
settings.load_profile("semblance")

# No tests, and some of it needs parts that not every installation has.
collect_ignore = ["support"]

SECONDS: Counter[str] = Counter()
ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *(ROOT / "docs" / "tutorial").glob("*.md"),
    *(ROOT / "docs" / "how-to").glob("*.md"),
]


@pytest.fixture
def quick(monkeypatch):
    """Do not wait for the disk: nothing in these tests cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture
def kinds():
    """The stand-ins, as worker processes import them."""
    return importlib.import_module("support.stand_ins")


def pytest_runtest_logreport(report):
    """Add the seconds of a test to those of its folder."""
    folder = "/".join(Path(report.nodeid.split("::")[0]).parts[:3][:-1]) or "."
    SECONDS[folder] += report.duration


def pytest_terminal_summary(terminalreporter):
    """Print the seconds of each folder, those of all processes together."""
    terminalreporter.section("seconds of each folder")
    for folder, seconds in sorted(SECONDS.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{seconds:8.1f}  {folder}")
    typed = [
        report for report in terminalreporter.stats.get("passed", ()) if "test_transcripts" in report.nodeid
    ]
    if typed:
        marks = Counter(step.mark or "typed" for path in DOCUMENTS for step in steps(path))
        terminalreporter.write_line(
            f"commands of the documents: {marks['typed']} typed, {marks['slow']} slow (make soak), "
            f"{marks['not run']} not run"
        )
