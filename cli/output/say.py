"""Lines on stderr."""

from __future__ import annotations

import sys

from viewer.safe_text import printable


def say(line: str) -> None:
    """Print a line on stderr at once, safe for a terminal."""
    print(printable(line), file=sys.stderr, flush=True)
