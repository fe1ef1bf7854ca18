"""Tests of archives need what the extra ``pacs`` brings."""

from importlib.util import find_spec

_NEEDED = ("highdicom", "pynetdicom", "requests")
collect_ignore_glob = [] if all(map(find_spec, _NEEDED)) else ["test_*.py"]
