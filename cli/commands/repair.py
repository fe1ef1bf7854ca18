"""``semblance repair``: put a damaged index right, as far as it can be."""

from __future__ import annotations

import sys

from viewer.safe_text import printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar

EXAMPLE = """example:
  semblance repair scans.index

Prints what is damaged and what became of it, a line each. A damaged page of the catalogue is mended to the
last bit. Damaged vectors and thumbnails are made again from files that are where they were; of the others
what can still be read is kept. Nothing gets worse if it is interrupted. Exit code 1 if something is lost."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@option("--jobs", type=positive, metavar="N", help="processes [one a core]")
@quiet
def run(args: Arguments) -> int:
    """Repair, and print what was damaged, what is lost, and whether the index is whole now."""
    from retrieval.index.writer import IndexWriter

    # What is made again is read and encoded as `index` does it, and may take as long.
    with ProgressBar("files", args.quiet) as progress:
        report = IndexWriter.repair(args.index, jobs=args.jobs, progress=progress)
    for line in report.mended:
        print(printable(line))
    # What was put right is the result; what is left to do is said beside it. `verify` finds again what the
    # repair has said to be lost, and says it in other words.
    for line in dict.fromkeys((*report.lost, *report.left)):
        print(printable(line), file=sys.stderr)
    is_whole = not report.lost and not report.left
    found = "repaired" if report.mended else "nothing is damaged"
    if is_whole:
        print(f"{args.index}: {found}")
    return 0 if is_whole else 1
