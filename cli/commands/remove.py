"""``semblance remove``: take pictures out of an index."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..options.argument_types import place

EXAMPLE = """example:
  semblance remove scans.index ct/12.dcm
  semblance remove scans.index study4/ volume.nii#17

ID is the id of a picture, a file (with all its frames), or a folder, written with a / at its end.
Files on disk are not touched; `semblance index` does not bring back what was removed unless the file
changes. What was removed is gone from answers at once, and from the disk after `semblance compact`."""


def configure(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument("index", type=place, metavar="INDEX", help="the index, a folder")
    parser.add_argument("ids", nargs="+", metavar="ID", help="a picture, a file, or a folder/")


def run(args: argparse.Namespace) -> int:
    """Remove, and print how many pictures went."""
    from retrieval.index.writer import IndexWriter

    with IndexWriter.open(args.index) as index:
        n_removed = index.remove(args.ids)
        left = len(index)
    print(f"{args.index}: {n_removed:,} removed, {left:,} left")
    return 0
