"""``semblance remove``: take images out of an index."""

from __future__ import annotations

import sys

from viewer.safe_text import printable

from ..options.argument_types import place
from ..options.command import command
from ..options.completion import complete_id
from ..options.parameters import Arguments, argument

EXAMPLE = """example:
  semblance remove scans.index ct/12.dcm
  semblance remove scans.index study4/ volume.nii#17

ID is the id of an image, a file (with all its frames), or a folder, written with a / at its end.
Files on disk are not touched; `semblance index` does not bring back what was removed unless the file
changes. What was removed is gone from answers at once, and from the disk after `semblance compact`."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@argument(
    "ids",
    shell_complete=complete_id,
    nargs=-1,
    required=True,
    metavar="ID",
    help="an image, a file, or a folder/",
)
def run(args: Arguments) -> int:
    """Remove, and print how many images went."""
    from retrieval.index.writer import IndexWriter

    with IndexWriter.open(args.index) as index:
        n_removed = index.remove(args.ids)
        # Counted inside: the writer's lock keeps others from changing it meanwhile.
        left, behind = len(index), index.behind
    for line in behind:
        print(printable(f"warning: {line}"), file=sys.stderr)
    # The command given twice, as by a script that was run again, has done what it is to do.
    before = "" if n_removed else " (all of it was before)"
    print(f"{printable(str(args.index))}: {n_removed:,} removed{before}, {left:,} left")
    return 0
