"""``python -m semblance``: the command ``semblance``, for where no folder of scripts is on the path."""

from __future__ import annotations

import sys
from importlib.metadata import distribution


def run() -> int:
    """Run the command that the package installs, and return its exit code."""
    # By its entry point: the two faces, cli and semblance, do not import each other.
    scripts = distribution("semblance").entry_points.select(group="console_scripts", name="semblance")
    (command,) = scripts
    code: int = command.load()()
    return code


if __name__ == "__main__":
    sys.exit(run())
