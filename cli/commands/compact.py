"""``semblance compact``: rewrite an index without what was removed."""

from __future__ import annotations

from pathlib import Path

from viewer.safe_text import printable

from ..options.argument_types import place
from ..options.command import command
from ..options.parameters import Arguments, argument

EXAMPLE = """example:
  semblance compact scans.index

Frees the space of images that were removed or replaced, and joins small pieces. Others may go on
reading meanwhile."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
def run(args: Arguments) -> int:
    """Compact, and print the size before and after."""
    from retrieval.index.writer import IndexWriter

    # Sizes of files, as du shows them: what people wonder about.
    before = _size(args.index)
    with IndexWriter.open(args.index) as index:
        index.compact()
    after = _size(args.index)
    print(f"{printable(str(args.index))}: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")
    return 0


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
