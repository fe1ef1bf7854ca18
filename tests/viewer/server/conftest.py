"""A server of a small index, in this process."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

# A wheel without the extra has no server; what is said of that is tested with the command line.
collect_ignore_glob = [] if find_spec("strawberry") else ["test_*.py"]


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """An index that no test changes."""
    from support.served import make_index

    return make_index(tmp_path_factory.mktemp("served"))


@pytest.fixture
def own_index(tmp_path):
    """An index and images of one test, which changes them."""
    from support.served import make_index

    return make_index(tmp_path)


@pytest.fixture
def copied_index(index, tmp_path):
    """A copy of the index, for tests that change what lies beside it; its images are those of the first."""
    from support.served import copy_room

    return copy_room(index, tmp_path / "room")


@pytest.fixture(scope="session")
def client(index):
    """A client of a server of the index."""
    from support.server_process import serving

    with serving(index) as client:
        yield client


@pytest.fixture
def own_client(own_index):
    """A client of a server of the test's own index."""
    from support.server_process import serving

    with serving(own_index) as client:
        yield client


@pytest.fixture
def copied_client(copied_index):
    """A client of a server of the copy."""
    from support.server_process import serving

    with serving(copied_index) as client:
        yield client
