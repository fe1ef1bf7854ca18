"""Make the golden index of format 4, and record what it answers.

It was run with the code of commit 9ff6a20, the last that wrote format 4. Images and commands are those of
format 2; the key of its hashes, which this format keeps out of the index, stands beside it.

    python -m tests.golden.make_format4
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from .make_format2 import make

COMMIT = "9ff6a20"
PLACE = Path(__file__).parent / "format4"


def main() -> None:
    """Make everything below ``format4/``."""
    with tempfile.TemporaryDirectory(prefix="semblance-key-") as name:
        key = Path(name) / "key"
        os.environ["SEMBLANCE_KEY"] = str(key)
        make(PLACE, COMMIT, 4)
        key.rename(PLACE / "key")


if __name__ == "__main__":
    sys.exit(main())
