"""``semblance query``: rank the images of an index by how much they look like an image."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrieval.errors import OptionError, PictureError, SemblanceError
from viewer.answer import Answer
from viewer.answer_files import as_json_line
from viewer.answering import answer_page, ask, by_ids, with_images, without_itself
from viewer.files import check_page_name, check_picture_name, write_picture, write_text
from viewer.queries.marked_region import Mark
from viewer.queries.query import the_only
from viewer.report import write_page

from ..error_lines import one_line, usage_line
from ..options.access_log import access_log
from ..options.argument_types import place, place_or_archive, positive
from ..options.command import command
from ..options.completion import complete_column, complete_image, complete_representation
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, argument, form_of, forms, option, quiet
from ..options.query_lines import arguments_of, image_of, read_lines
from ..options.ranking_flags import query_fields, query_flag, ranking_options
from ..options.region_flags import REGION_SECTION, mark_of, millimetres, region_options
from ..options.representation_flags import given, query_setting_options
from ..options.slide_flags import slide_query_options
from ..output.answer_term import answer_term
from ..output.attach_findings import FindingsTables
from ..output.formats import FORMATS
from ..output.progress import ProgressBar
from ..output.to_archive import check_to, send
from .slide_queries import Asked, asked, draw_heat_map, notes_on_scale, outlines, write_outlines

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions
    from viewer.images import Images
    from viewer.queries.geojson import Shape

EXAMPLE = """example:
  semblance query scans.index patient7.dcm
  semblance query scans.index ct/12.dcm -k 20 --not-same patient --json
  semblance query scans.index new/ --where "modality = 'CT' and label != 'normal'" --report answer.html
  semblance query scans.index knee.dcm#3 --region 120,80,64,64 --sheet answer.png
  semblance query scans.index knee.dcm --region 9,9,64,64 --to dicomweb:http://localhost:8042/dicom-web
  semblance query scans.index series7/ --volume --group-by patient --findings
  semblance query slides.index s.svs --region field.geojson --not-same slide --geojson answers/
  semblance query scans.index --term emphysema -k 20
  semblance query scans.index --stdin -k 5 < names.txt

With --stdin each line is an IMAGE, or an object such as {"image": "knee.dcm#3", "region": [120, 80, 64, 64],
"k": 5}, with options of this command by their names; for each a line of JSON is printed at once.

IMAGE is the id of an indexed image (nothing is read), else a file, a frame of it (file.dcm#12), or
a folder. Every frame of a file is a query of its own. An id of the index goes before a file of the
same name.

Representations may have settings for queries, such as --orientations of deep: semblance query --by deep
--help lists them."""


@command(EXAMPLE, more=query_setting_options)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@argument(
    "images",
    shell_complete=complete_image,
    nargs=-1,
    metavar="IMAGE",
    help="an id of the index, a file, or a folder; none with --term",
)
@option("--term", metavar="TERM", help="ask with a term that a semantic profile has learnt, and no image")
@query_flag("by", shell_complete=complete_representation, metavar="NAME")
@query_flag("k", type=positive, metavar="N")
@query_flag("where", metavar="EXPR")
@query_flag("group_by", shell_complete=complete_column, metavar="X")
@query_flag("not_same", shell_complete=complete_column, metavar="X")
@option("--exclude-self", is_flag=True, help="leave the query itself out")
@option("--stdin", is_flag=True, help="read one query a line, and print one line of JSON each")
@forms("json", "csv", "trec")
@option("--report", type=place, metavar="HTML", help="write a page that holds everything")
@option("--sheet", type=place, metavar="PNG", help="write a contact sheet")
@option("--to", type=place_or_archive, metavar="ARCHIVE", help="store a report of each search in an archive")
@option("--to-sheet", is_flag=True, help="and a sheet, which shows images of other patients")
@region_options
@option(
    "--roi",
    metavar="UID",
    section=REGION_SECTION,
    help="ask with a region that the archive has: the UID of a SEG, RTSTRUCT or report (SR), and #NAME",
)
@option(
    "--through",
    type=millimetres,
    default="0",
    metavar="MM",
    section=REGION_SECTION,
    help="and with the same part of the slices this near, above and below [0]",
)
@slide_query_options
@ranking_options
@quiet
@limit_options
def run(args: Arguments) -> int:
    """Answer each query, print the answers, and write the pages that were asked for."""
    if args.term is not None:
        return answer_term(args)
    _check_images(args)
    if args.stdin:
        return _answer_lines(args)
    for drawing in (args.sheet, args.heat_map):
        if drawing is not None:
            check_picture_name(drawing)
    if args.report is not None:
        check_page_name(args.report)
    mark = Mark() if isinstance(args.region, Path) else mark_of(args)
    check_to(args)
    # Before the index is opened, and long before an archive is asked.
    if args.roi is not None and args.volume:
        raise OptionError("marks one image; leave out --volume", "roi")
    from scale.shards.opening import open_index
    from viewer.notes import Notes

    with open_index(args.index) as index, ProgressBar("queries", args.quiet) as progress:
        answers: list[Answer] = []
        illustrated: list[Answer] = []
        notes = Notes(index)
        is_shown = args.report is not None or args.sheet is not None or args.to_sheet
        images = _images(index) if is_shown else None
        tables = FindingsTables.read(args)
        shapes: list[tuple[str, Shape]] = []
        for one in asked(index, args):
            query, options = one.query, options_of(index, one, args)
            answer = ask(index, query, options, args.through)
            answer = tables.attach(index, query, answer, options, args.through)
            answers.append(answer)
            args.shown += [row.caption.id for row in answer.rows]
            for note in (*notes.add(query, options, answer), *notes_on_scale(index, one, answer)):
                print(note, file=sys.stderr)
            if images is not None:
                answer = with_images(answer, images, query, options.region, args.group_by)
                illustrated.append(answer)
            if args.heat_map is not None:
                draw_heat_map(index, one, answer, options, args.heat_map)
            if args.geojson is not None:
                shapes += outlines(index, one, answer)
            if args.to is not None:
                send(args, index, query, answer, options)
            progress("querying", len(answers), 0)
        if not answers:
            raise PictureError(f"{', '.join(args.images)}: holds no image")
        rest = notes.rest()
        if args.geojson is not None:
            write_outlines(shapes, args.geojson)
        # While the index is open: the page names its recipes.
        if args.report is not None:
            page = answer_page(index, illustrated, options, mark, args.volume)
            write_text(write_page(page), args.report)
    if args.sheet is not None:
        from viewer.contact_sheet import draw_sheet

        write_picture(draw_sheet(illustrated), args.sheet)
    for note in rest:
        print(note, file=sys.stderr)
    sys.stdout.write(FORMATS[form_of(args)](answers))
    return 0


def _check_images(args: Arguments) -> None:
    """Refuse a command line without queries, and what does not go with those of lines."""
    if not args.stdin and not args.images:
        raise click.UsageError("the following arguments are required: IMAGE; or --term, or --stdin")
    if args.stdin and args.images:
        raise click.UsageError("--stdin reads the images from lines; leave IMAGE out")
    for name in ("csv", "trec", "report", "sheet", "to", "to_sheet", "volume", "geojson", "heat_map"):
        if args.stdin and getattr(args, name):
            raise click.UsageError(f"--{name.replace('_', '-')} does not go with --stdin; leave one out")


def _answer_lines(args: Arguments) -> int:
    """Answer each line as soon as it is read; return 1 if one has failed."""
    from scale.shards.opening import open_index

    code = 0
    with open_index(args.index) as index:
        tables = FindingsTables.read(args)
        for line in read_lines(sys.stdin.buffer):
            try:
                written = _answer_line(index, args, tables, line)
            # The next line may be sound: so each error is the answer of its own line.
            except (SemblanceError, OSError, click.UsageError) as error:
                said = usage_line(error) if isinstance(error, click.UsageError) else one_line(error)
                written, code = json.dumps({"query": image_of(line), "error": said}) + "\n", 1
            sys.stdout.write(written)
            sys.stdout.flush()  # whoever writes the lines waits for it
    return code


def _answer_line(index: Index, args: Arguments, tables: FindingsTables, line: str) -> str:
    own = arguments_of(run, args, line)
    # A line of the log each, as if it were a command: a reader may go on for days.
    with access_log(own):
        own.code = 1
        found = list(asked(index, own))
        query = the_only([one.query for one in found], own.images[0])
        options = options_of(index, found[0], own)
        answer = tables.attach(index, query, ask(index, query, options, own.through), options, own.through)
        own.shown += [row.caption.id for row in answer.rows]
        own.code = 0
    return as_json_line(answer)


def options_of(index: Index, one: Asked, args: Arguments) -> QueryOptions:
    """Return the options of a query that the command line sets."""
    from retrieval.index import QueryOptions

    fields = query_fields(args)
    if one.um_per_px is not None:
        from viewer.queries.slide_field import at_scale

        fields["where"] = at_scale(args.where, one.um_per_px, index.tiling)
    options = QueryOptions(
        **fields,
        region=one.region,
        include_self=not args.exclude_self,
        adjust=given(args),
    )
    return without_itself(index, one.query, by_ids(index, options))


def _images(index: Index) -> Images:
    from viewer.images import Images

    return Images(index)
