"""Make the golden index of format 3, and record what it answers.

It was run with the code of commit 40e5021, the last that wrote format 3. Images and commands are those of
format 2; the key of its hashes, which this format keeps out of the index, stands beside it.

    python -m tests.golden.make_format3
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from .make_format2 import make

COMMIT = "40e5021"
PLACE = Path(__file__).parent / "format3"


def main() -> None:
    """Make everything below ``format3/``."""
    with tempfile.TemporaryDirectory(prefix="semblance-key-") as name:
        key = Path(name) / "key"
        os.environ["SEMBLANCE_KEY"] = str(key)
        make(PLACE, COMMIT, 3)
        key.rename(PLACE / "key")


if __name__ == "__main__":
    sys.exit(main())
