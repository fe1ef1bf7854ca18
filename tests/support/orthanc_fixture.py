"""The fixture ``orthanc``: one for all tests of a process, empty at the beginning of each module."""

from __future__ import annotations

import os

import pytest
from support.orthanc import PASSWORD, USER, lacking, running

_LACKING = lacking()
if _LACKING and "SEMBLANCE_WHEEL" not in os.environ and "orthanc" in os.environ.get("SEMBLANCE_REQUIRE", ""):
    raise RuntimeError(f"archives must be tested here, which needs {_LACKING}")


@pytest.fixture(scope="session")
def one_orthanc(tmp_path_factory):
    """An Orthanc, for as long as the tests run."""
    if _LACKING:
        pytest.skip(f"needs {_LACKING}")
    with running(tmp_path_factory.mktemp("orthanc")) as found:
        yield found


@pytest.fixture(scope="module")
def orthanc(one_orthanc):
    """The Orthanc, empty; the environment has its credentials."""
    one_orthanc.empty()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMBLANCE_ARCHIVE_USER", USER)
        patch.setenv("SEMBLANCE_ARCHIVE_PASSWORD", PASSWORD)
        yield one_orthanc
