"""``semblance verify``: check that an index is whole."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .answer import printable
from .arguments import place

EXAMPLE = """example:
  semblance verify scans.index

Reads everything in the index. Prints one line a problem and leaves with exit code 1 if there is any."""


def configure(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument("index", type=place, metavar="INDEX", help="the index, a folder")


def run(args: argparse.Namespace) -> int:
    """Print the problems, or that there are none."""
    from retrieval.index import Index

    with Index.open(args.index) as index:
        problems = index.verify()
        n_pictures = len(index)
    for problem in problems:
        print(printable(problem))
    if not problems:
        print(f"{args.index}: whole, {n_pictures:,} pictures")
    return 1 if problems else 0
