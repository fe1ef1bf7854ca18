"""``semblance shard``: split an index into shards."""

from __future__ import annotations

import sys

from viewer.safe_text import counted, printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar

EXAMPLE = """example:
  semblance shard scans.index --into 4 -o shards/
  semblance query shards/shards.toml knee.dcm

All images of a patient (study, series or file, where patients are not known) come into one shard.
Copy shard-0, shard-1, … to other machines, serve each there with `semblance serve shard-0 --host …`,
and write their addresses into shards.toml. Answers are those of the whole index, to the last digit;
what is in a shard that is away is not found, and the answer says so.

Shards are not changed: bring the whole index up to date, and split it again."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@option("--into", required=True, type=positive, metavar="N", help="how many shards")
@option("-o", "--output", required=True, type=place, metavar="FOLDER", help="a new folder for the shards")
@quiet
def run(args: Arguments) -> int:
    """Split, and say what each shard got."""
    # Late: help must not wait for NumPy.
    from scale.shards.split import split

    with ProgressBar("parts", args.quiet) as progress:
        plan = split(args.index, args.into, args.output, progress)
    for shard in plan.shards:
        print(f"{printable(shard.at[0])}: {counted(shard.images, 'image')}")
    if n_empty := sum(not shard.images for shard in plan.shards):
        hold = "holds" if n_empty == 1 else "hold"
        print(
            f"note: {n_empty:,} of {len(plan.shards):,} shards {hold} no image, as "
            "what belongs to one patient (study, series or file) stays together; fewer give the same answers",
            file=sys.stderr,
        )
    print(f"ask them with: semblance query {printable(str(plan.path))} IMAGE")
    return 0
