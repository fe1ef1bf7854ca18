"""Make the golden index of format 3 or a later one, and record what it answers.

Each was run with the code of the last commit that wrote the format. Images and commands are those of format
2; the key of its hashes, which these formats keep out of the index, is beside it.

    python -m tests.golden.make_keyed 4
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from .make_format2 import make

COMMITS = {3: "40e5021", 4: "9ff6a20"}


def main(number: int) -> None:
    """Make everything below ``formatN/``."""
    place = Path(__file__).parent / f"format{number}"
    with tempfile.TemporaryDirectory(prefix="semblance-key-") as name:
        key = Path(name) / "key"
        os.environ["SEMBLANCE_KEY"] = str(key)
        make(place, COMMITS[number], number)
        key.rename(place / "key")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
