"""What holds for every test: no test fails because a machine is slow. And what several files of tests use."""

import importlib
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# A test that indexes must not compile all kernels first; each is compiled when it is called.
os.environ.setdefault("SEMBLANCE_WARM", "never")

settings.register_profile("semblance", deadline=None, print_blob=True)
settings.load_profile("semblance")

SECONDS: Counter[str] = Counter()


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
