"""``semblance verify``: check that an index is whole."""

from __future__ import annotations

from viewer.safe_text import counted, printable

from ..options.argument_types import place
from ..options.command import command
from ..options.parameters import Arguments, argument, option

EXAMPLE = """example:
  semblance verify scans.index
  semblance verify scans.index --erased ct/12.dcm

Reads everything in the index. Prints one line a problem and leaves with exit code 1 if there is any.
With --erased it proves that what was removed is gone, after `semblance compact`: no vector, word,
thumbnail or label of a removed image, no free page, no stray file, and none of the names given in any
byte of the folder."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@option(
    "--erased",
    is_many=True,
    metavar="[NAME]...",
    help="check as well that nothing is left of removed images, of these names too",
)
def run(args: Arguments) -> int:
    """Print the problems, or that there are none."""
    from retrieval.index import Index

    with Index.open(args.index) as index:
        problems = index.verify()
        # An empty list is asked for as well: then catalogue, pages and stray files are searched.
        if args.erased is not None:
            problems += index.leftovers(args.erased)
        n_pictures = len(index)
    for problem in problems:
        print(printable(problem))
    if not problems:
        erased = "" if args.erased is None else ", and nothing is left of what was removed"
        print(f"{printable(str(args.index))}: whole, {counted(n_pictures, 'image')}{erased}")
    return 1 if problems else 0
