"""The browser that pages are looked at with: the one of the tests, which asks nobody but our server."""

from __future__ import annotations

# From the root of the repository, where benchmarks are started.
from tests.support.browser import CHROMIUM, FLAGS

__all__ = ["FLAGS", "chromium"]


def chromium() -> str:
    """Return where Chromium is. Raise SystemExit if there is none."""
    if CHROMIUM is None:
        raise SystemExit("no Chromium is installed (Debian: apt-get install chromium)")
    return CHROMIUM
