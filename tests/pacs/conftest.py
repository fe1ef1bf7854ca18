"""Tests of archives need what the extra ``pacs`` brings."""

from importlib.util import find_spec

import pytest

_NEEDED = ("highdicom", "pynetdicom", "requests")
collect_ignore_glob = [] if all(map(find_spec, _NEEDED)) else ["test_*.py"]


@pytest.fixture(autouse=True, scope="module")
def own_sockets():
    """Collect the sockets that broken connections left before other tests would be blamed for them."""
    from support.storing import collect_sockets

    yield
    collect_sockets()
