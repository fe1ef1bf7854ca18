"""``semblance map``: draw an index as a scatter of its images."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieval.errors import SettingError
from retrieval.metric_learning.layout_2d import METHODS
from viewer.files import check_page_name, write_text
from viewer.map import Chart, Spot, write_map
from viewer.map_text import cautions
from viewer.provenance import index_facts
from viewer.queries.query import default_by
from viewer.safe_text import printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.completion import complete_column, complete_representation
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index import Index

EXAMPLE = """example:
  semblance map scans.index --method tsne -o map.html
  semblance map scans.index --by superpixel+nca --method pca --colour-by split -o map.html

The page holds everything and needs no network: wheel and drag, or + - and the arrow keys, zoom and move;
pointing at an image, or n and p, shows it large. A map is for looking: distances in it are not those
that images are ranked by, least of all after t-SNE."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@option(
    "--by",
    shell_complete=complete_representation,
    metavar="NAME",
    help="the representation that is drawn [the first that queries ask]",
)
@option(
    "--method",
    choices=list(METHODS),
    default="tsne",
    metavar="NAME",
    help="; ".join(f"{name}: {meaning}" for name, meaning in METHODS.items()) + " [tsne]",
)
@option("-o", "--output", required=True, type=place, metavar="HTML", help="the page")
@option(
    "--colour-by",
    shell_complete=complete_column,
    default="label",
    metavar="X",
    help="label, patient, or any other column [label]",
)
@option("--where", metavar="EXPR", help="draw only images whose metadata fit an expression")
@option("--limit", type=positive, default=2000, metavar="N", help="at most this many, drawn at random [2000]")
@option("--seed", type=int, default=0, metavar="N", help="of what is drawn at random, and of t-SNE [0]")
@quiet
def run(args: Arguments) -> int:
    """Lay the images out, write the page, and say on stdout what is on it."""
    from retrieval.metric_learning.layout_2d import lay_out
    from scale.shards.opening import open_index

    if args.seed < 0:
        raise SettingError(f"--seed: {args.seed} is below 0; give 0 or more")
    check_page_name(args.output)
    with open_index(args.index, must_be_whole=True) as index, ProgressBar("images", args.quiet) as progress:
        args.by = args.by or default_by(index)
        chosen, n_all = _chosen(index, args)
        args.shown += chosen
        kinds = _kinds(index, chosen, args.colour_by)
        progress(f"lay out by {args.method}", 0, 0)
        places = lay_out([index.vector(name, args.by) for name in chosen], args.method, args.seed)
        spots = [
            # y points upwards in a plot and downwards on a page.
            Spot(name, kind, x, -y, index.thumbnail(name))
            for name, kind, (x, y) in zip(chosen, kinds, places.tolist(), strict=True)
        ]
        title = f"{args.index.resolve().name}: {args.by} by {args.method}"
        chart = Chart(title, _lead(args, len(chosen), n_all), args.colour_by, spots, index_facts(index))
        write_text(write_map(chart), args.output)
    print(f"{printable(str(args.output))}: {len(chosen):,} images by {args.method} of {printable(args.by)}")
    return 0


def _chosen(index: Index, args: Arguments) -> tuple[list[str], int]:
    """Return the names that are drawn, in order, and of how many; say if it is a sample."""
    # Asked first, so that the error lists the representations of this index.
    if args.by not in index.representations:
        index.representation(args.by)  # says which there are
    # Any query ranks all images that meet the condition; the order is not used.
    asked = {"by": [args.by], "k": max(len(index), 1), "where": args.where}
    names = sorted(hit.id for hit in index.query(index.names[0], **asked)) if len(index) else []
    # Two points always lie on a line: there is nothing to see.
    if len(names) < 3:
        raise SettingError(f"{len(names)} images make no map; index more, or loosen --where")
    if len(names) <= args.limit:
        return names, len(names)
    print(f"{args.limit:,} of {len(names):,} images are drawn at random; --limit draws more", file=sys.stderr)
    # A seed, so that the same map can be drawn again after new images came.
    return sorted(random.Random(args.seed).sample(names, args.limit)), len(names)


def _kinds(index: Index, names: Sequence[str], column: str) -> list[str]:
    """Return what each image has in a column, as text, several labels joined; empty if it has nothing."""
    entries = [index.picture(name) for name in names]
    tables = [{"label": ";".join(e.labels), "source": e.source, **e.groups, **e.metadata} for e in entries]
    if not any(column in table for table in tables):
        known = ", ".join(sorted(set().union(*tables)))
        raise SettingError(f"--colour-by: no image has a column {column!r}; it may be {known}")
    return [str(table.get(column, "")) for table in tables]


def _lead(args: Arguments, n: int, n_all: int) -> list[str]:
    sample = (
        f"{n:,} of {n_all:,} images, chosen at random with seed {args.seed}" if n < n_all else f"{n:,} images"
    )
    where = f" where {args.where}" if args.where else ""
    first, *rest = cautions(args.method, args.by)
    return [f"{sample}{where}. {first}", *rest]
