"""What holds for every test: no test fails because a machine is slow. And what several files of tests use."""

import importlib
import os

import pytest
from hypothesis import settings

settings.register_profile("semblance", deadline=None, print_blob=True)
settings.load_profile("semblance")


@pytest.fixture
def quick(monkeypatch):
    """Do not wait for the disk: nothing in these tests cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture
def kinds():
    """The stand-ins, as worker processes import them."""
    return importlib.import_module("support.stand_ins")
