"""``semblance query``: rank the images of an index by how much they look like an image."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import PictureError
from viewer.answer import Answer, Caption, caption_of, printable, row_of
from viewer.provenance import Fact, index_facts
from viewer.report import Page, write_page

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.completion import complete_column, complete_image, complete_representation
from ..options.marked_region import Canvas, region_of
from ..options.parameters import Arguments, argument, form_of, forms, option, quiet
from ..options.queries import Query, find_queries
from ..options.ranking_flags import query_fields, query_flag, ranking_options
from ..options.region_flags import check_region, note_on_boxes, region_options
from ..options.representation_flags import given, query_setting_options
from ..options.volumes import find_volumes
from ..output.attach_findings import FindingsTables, others
from ..output.files import check_picture_name, write_picture, write_text
from ..output.findings_tables import as_tables
from ..output.formats import FORMATS
from ..output.notes import has_no_value, note_on_missing
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index import Hit, Index, QueryOptions
    from retrieval.region import Region
    from viewer.images import Images

EXAMPLE = """example:
  semblance query scans.index patient7.dcm
  semblance query scans.index ct/12.dcm -k 20 --not-same patient --json
  semblance query scans.index new/ --where "modality = 'CT' and label != 'normal'" --report answer.html
  semblance query scans.index knee.dcm#3 --region 120,80,64,64 --sheet answer.png
  semblance query scans.index series7/ --volume --group-by patient --findings

IMAGE is the id of an indexed image (nothing is read), else a file, a frame of it (file.dcm#12), or
a folder. Every frame of a file is a query of its own. An id of the index goes before a file of the
same name.

Representations may have settings for queries, such as --orientations of deep: semblance query --by deep
--help lists them."""


NOTHING_SHARED = (
    "every score is 0, so the order tells nothing; is the image, or its region, without structure?"
)


@command(EXAMPLE, more=query_setting_options)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@argument(
    "images",
    shell_complete=complete_image,
    nargs=-1,
    required=True,
    metavar="IMAGE",
    help="an id of the index, a file, or a folder",
)
@query_flag("by", shell_complete=complete_representation, metavar="NAME")
@query_flag("k", type=positive, metavar="N")
@query_flag("where", metavar="EXPR")
@query_flag("group_by", shell_complete=complete_column, metavar="X")
@query_flag("not_same", shell_complete=complete_column, metavar="X")
@option("--exclude-self", is_flag=True, help="leave the query itself out")
@forms("json", "csv", "trec")
@option("--report", type=place, metavar="HTML", help="write a page that holds everything")
@option("--sheet", type=place, metavar="PNG", help="write a contact sheet")
@region_options
@ranking_options
@quiet
def run(args: Arguments) -> int:
    """Answer each query, print the answers, and write the pages that were asked for."""
    if args.sheet is not None:
        check_picture_name(args.sheet)
    check_region(args)
    from retrieval.index import Index

    with Index.open(args.index) as index, ProgressBar("queries", args.quiet) as progress:
        answers: list[Answer] = []
        illustrated: list[Answer] = []
        lacking: list[str] = []
        unplaced: str | None = None
        images = images_of(index) if args.report is not None or args.sheet is not None else None
        tables = FindingsTables.read(args)
        for query in _queries(index, args):
            options = options_of(index, query, args)
            answer = tables.attach(index, query, ask(index, query, args, options), options)
            answers.append(answer)
            if answer.rows and not any(row.score for row in answer.rows):
                print(printable(f"note: {query.id}: {NOTHING_SHARED}"), file=sys.stderr)
            if options.region is not None:
                unplaced = unplaced or note_on_boxes(index, args.by)
            if args.not_same is not None and has_no_value(index, query, args.not_same):
                lacking.append(query.id)
            if images is not None:
                illustrated.append(with_images(answer, images, query, options.region, args.group_by))
            progress("querying", len(answers), 0)
        if not answers:
            raise PictureError(f"{', '.join(args.images)}: holds no image")
        if args.report is not None:
            write_text(write_page(_page(index, illustrated, args)), args.report)
    if args.sheet is not None:
        from viewer.contact_sheet import draw_sheet

        write_picture(draw_sheet(illustrated), args.sheet)
    if unplaced:
        print(printable(unplaced), file=sys.stderr)
    if lacking:
        print(note_on_missing(lacking, args.not_same), file=sys.stderr)
    sys.stdout.write(FORMATS[form_of(args)](answers))
    return 0


def ask(index: Index, query: Query, args: Arguments, options: QueryOptions) -> Answer:
    """Ask the index, and give each hit its label and groups."""
    if query.slices:
        hits = index.query_volume(query.slices, options)
    else:
        hits = index.query(query.subject, options)
    return answer_of(index, query, hits, args.by, args.group_by)


def options_of(index: Index, query: Query, args: Arguments) -> QueryOptions:
    """Return the options of a query that the command line sets."""
    from retrieval.index import QueryOptions

    is_left_out = args.exclude_self or args.not_same is not None
    return QueryOptions(
        **query_fields(args),
        region=region_of(args, canvas_of(index, query)),
        among=others(index, query) if is_left_out else None,
        include_self=not args.exclude_self,
        adjust=given(args),
    )


def canvas_of(index: Index, query: Query) -> Canvas:
    """Return the image of a query, for what is marked in it."""
    if query.picture is not None:
        picture = query.picture
        about = (picture.shape, picture.spacing, lambda: picture, "#" in Path(query.id).name)
        return Canvas(*about, picture.metadata, lambda: Path(query.id.partition("#")[0]))
    entry = index.picture(query.shown)
    about = (entry.shape, entry.spacing, lambda: index.read(query.shown), entry.name != entry.source)
    return Canvas(*about, entry.metadata, lambda: index.path_of(query.shown))


def _queries(index: Index, args: Arguments) -> Iterator[Query]:
    if not args.volume:
        yield from find_queries(index, args.images)
        return
    for volume in find_volumes(index, args.images):
        yield volume.query(index)


def answer_of(
    index: Index, query: Query, hits: Sequence[Hit], by: Sequence[str], column: str | None = None
) -> Answer:
    """Return hits as they are shown; ``column`` is one more that is shown among the groups."""
    rows = tuple(row_of(index, hit, column) for hit in hits)
    asked = Caption(query.id)
    if query.known_as is not None:
        asked = replace(caption_of(index, query.known_as, column), id=query.id)
    elif query.picture is not None:
        asked = Caption(query.id, group=dict(query.picture.groups))
    return Answer(asked, "+".join(by or index.default_representations), rows)


def images_of(index: Index) -> Images:
    """Return the images of an index, as pages and sheets show them."""
    from viewer.images import Images

    return Images(index)


def with_images(
    answer: Answer, images: Images, query: Query, region: Region | None = None, column: str | None = None
) -> Answer:
    """Return an answer with the images of its query and hits; see ``viewer.illustration``."""
    from viewer.illustration import illustrate, illustrate_volume

    if query.slices:
        return illustrate_volume(answer, images, query.slices, column)
    return illustrate(answer, images, query.shown if query.picture is None else query.picture, region)


def _page(index: Index, answers: Sequence[Answer], args: Arguments) -> Page:
    one = len(answers) == 1
    title = f"What looks like {answers[0].query.id}" if one else f"{len(answers):,} queries"
    lead = f"The {args.k:,} best of {len(index):,} images for each query, ranked by {answers[0].by}."
    volume = "Below each slice of the query are the slices that match it; a score is that of the case."
    asked = {
        "region (x, y, w, h)": args.region and ", ".join(f"{v:g}" for v in args.region),
        "polygon (x, y, …)": args.polygon and ", ".join(f"{x:g}, {y:g}" for x, y in args.polygon),
        "mask": args.mask,
        "superpixel at (x, y)": args.point and ", ".join(f"{v:g}" for v in args.point),
        "margin": args.margin or None,
        "only where": args.where,
        "grouped by": args.group_by,
        "not of the same": args.not_same,
        "score of a case": args.case_by if args.group_by and not args.volume else None,
        "fused by": args.fusion if len(args.by or index.default_representations) > 1 else None,
        "refined by its first hits": args.blind or None,
        "liked": ", ".join(args.like) or None,
        "not liked": ", ".join(args.unlike) or None,
    }
    facts = [Fact(name, str(value)) for name, value in asked.items() if value is not None]
    tables = [table for answer in answers for table in as_tables(answer)]
    leads = [lead, volume] if args.volume else [lead]
    return Page(title, answers, leads, tables, facts + index_facts(index))
