"""``semblance push``: copy the dense vectors of an index to a search engine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from retrieval.errors import OptionError
from viewer.safe_text import counted, printable

from ..options.argument_types import place
from ..options.command import command
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index.update.push import PushReport

EXAMPLE = """example:
  semblance push scans.index --to milvus:http://localhost:19530
  semblance index -o scans.index --ranker milvus:http://localhost:19530

Copies vectors, numbers of images and, as keyed hashes, what --where and --not-same ask for; no name,
no text and no image. The second command lets queries ask the engine: its candidates are scored from
our own vectors, and the index itself answers when the engine does not. Later runs of `semblance index`
and `semblance remove` bring the copy up to date. Push again compares all rows and writes what differs.

SEMBLANCE_MILVUS_TOKEN, or a netrc file, has the token or user:password; no address may.
SEMBLANCE_ENGINE_SECONDS is how long a question may take [3]."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@option("--to", required=True, metavar="ENGINE", help="the engine and its address, milvus:http://HOST:19530")
@option("--by", multiple=True, metavar="NAME", help="a representation with dense vectors; repeatable [all]")
@option("--drop", is_flag=True, help="delete the copy there instead")
@option("--forget", is_flag=True, help="with --drop: forget the copy even if the engine does not answer")
@option("--json", is_flag=True, help="print the summary as JSON")
@quiet
def run(args: Arguments) -> int:
    """Copy, and print what is there now and what share of the best the engine finds."""
    from retrieval.index.writer import IndexWriter

    if args.forget and not args.drop:
        raise OptionError("goes with --drop", "forget")
    with IndexWriter.open(args.index) as index:
        if args.drop:
            dropped = list(index.drop_copies(args.to, args.by, forget=args.forget))
            what = f"its copy at {args.to} is {'forgotten' if args.forget else 'deleted'}"
            said = [printable(f"{name}: {what}") for name in dropped]
            print(json.dumps({"dropped": dropped}) if args.json else "\n".join(said))
            return 0
        with ProgressBar("vectors", args.quiet) as progress:
            reports = index.push(args.to, args.by, progress=progress)
    if args.json:
        print(json.dumps([asdict(report) for report in reports]))
    else:
        print("\n".join(printable(_sentence(report)) for report in reports))
    return 0


def _sentence(report: PushReport) -> str:
    changed = f"{report.n_written:,} written, {report.n_deleted:,} deleted"
    found = f"the engine finds {report.recall:.1%} of the ten best"
    under = (
        ""
        if report.share is None or report.filtered_recall is None
        else f", {report.filtered_recall:.1%} under a filter that {report.share:.1%} of the images meet"
    )
    return f"{report.by}: {counted(report.n, 'vector')} at {report.engine} ({changed}); {found}{under}"
