"""``semblance query``: rank the pictures of an index by how much they look like a picture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import PictureError, SettingError

from .answer import Answer, Box, Caption, Row
from .arguments import XYWH, box, positive
from .facts import index_facts
from .formats import FORMATS
from .images import Reader, find_images, is_on_disk, read_images
from .output import check_picture_name, write_picture, write_text
from .page import Page, Thumbnails, write_page
from .progress import Progress

if TYPE_CHECKING:
    from retrieval.index import Hit, Index
    from retrieval.picture import Picture
    from retrieval.region import Region

EXAMPLE = """example:
  semblance query scans.index patient7.dcm
  semblance query scans.index ct/12.dcm -k 20 --not-same patient --json
  semblance query scans.index new/ --where "modality = 'CT' and label != 'normal'" --report answer.html
  semblance query scans.index knee.dcm#3 --region 120,80,64,64 --sheet answer.png

IMAGE is the id of an indexed picture (nothing is read), else a file, a frame of it (file.dcm#12), or
a folder. Every frame of a file is a query of its own. An id of the index goes before a file of the
same name."""


@dataclass(frozen=True, eq=False)
class Query:
    """One query: an id of the index, or a picture that was read."""

    id: str
    picture: Picture | None = None

    @property
    def subject(self) -> Any:
        """Return what the index is asked with."""
        return self.id if self.picture is None else self.picture


def configure(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument("index", type=Path, metavar="INDEX", help="the index, a folder")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="an id of the index, a file, or a folder")
    parser.add_argument(
        "--by", action="append", default=[], metavar="NAME", help="representation; several are fused"
    )
    parser.add_argument("-k", type=positive, default=10, metavar="N", help="how many pictures [10]")
    parser.add_argument(
        "--region", type=box, metavar="X,Y,W,H", help="ask with a box of the picture, in pixels"
    )
    parser.add_argument("--where", metavar="EXPR", help="rank only pictures whose metadata fit an expression")
    parser.add_argument(
        "--group-by", metavar="X", help="best picture of each patient, study, series, or column"
    )
    parser.add_argument("--not-same", metavar="X", help="leave out what shares the query's patient, study, …")
    parser.add_argument("--exclude-self", action="store_true", help="leave the query itself out")
    forms = parser.add_mutually_exclusive_group()
    for form in ("json", "csv", "trec"):
        help = {"json": "JSON", "csv": "CSV", "trec": "TREC run lines"}[form]
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=f"print {help}")
    parser.set_defaults(form="table")
    parser.add_argument("--report", type=Path, metavar="HTML", help="write a page that holds everything")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="write a contact sheet")


def run(args: argparse.Namespace) -> int:
    """Answer each query, print the answers, and write the pages that were asked for."""
    if args.sheet is not None:
        check_picture_name(args.sheet)
    from retrieval.index import Index

    with Index.open(args.index) as index, Progress("querie") as progress:
        answers: list[Answer] = []
        thumbnails: dict[str, bytes] = {}
        wants_pictures = args.report is not None or args.sheet is not None
        for query in find_queries(index, args.images):
            answer = ask(index, query, args)
            answers.append(answer)
            if wants_pictures:
                thumbnails |= thumbnails_of(index, query, answer, args.region)
            progress("querying", len(answers), 0)
        if not answers:
            raise PictureError(f"{', '.join(args.images)}: holds no picture")
        if args.report is not None:
            write_text(write_page(_page(index, answers, thumbnails, args)), args.report)
    if args.sheet is not None:
        from .sheet import draw_sheet

        write_picture(draw_sheet(answers, thumbnails), args.sheet)
    sys.stdout.write(FORMATS[args.form](answers))
    return 0


def find_queries(index: Index, images: Sequence[str]) -> Iterator[Query]:
    """Find what each IMAGE means: an id of the index first, then what lies on disk.

    Raises
    ------
    PictureError : neither; the nearest ids are named.
    """
    for image in images:
        if ids := _ids(index, image):
            yield from map(Query, ids)
        elif is_on_disk(image):
            for picture in read_images(find_images([image]), _reader(index)):
                yield Query(picture.id, picture)
        else:
            raise PictureError(f"{image}: neither in this index nor on disk{_nearest(index, image)}")


def _ids(index: Index, image: str) -> list[str]:
    """Return the ids that an IMAGE names: its own, or those of all its frames; none where there are none."""
    if image in index:
        return [image]
    return [name for name in index.names if name.startswith(f"{image}#")]


def ask(index: Index, query: Query, args: argparse.Namespace) -> Answer:
    """Ask the index, and give each hit its label and groups."""
    shape = index.entry(query.id).shape if query.picture is None else query.picture.shape
    hits = index.query(
        query.subject,
        by=args.by,
        k=args.k,
        region=None if args.region is None else _region(args.region, shape),
        where=args.where,
        not_same=args.not_same,
        group_by=args.group_by,
        include_self=not args.exclude_self,
    )
    return answer_of(index, query, hits, args.by)


def answer_of(index: Index, query: Query, hits: Sequence[Hit], by: Sequence[str]) -> Answer:
    """Return hits as they are shown."""
    rows = tuple(Row(caption_of(index, hit.id, hit.group), hit.rank, hit.score, hit_box(hit)) for hit in hits)
    if query.picture is None:
        asked = caption_of(index, query.id)
    else:
        asked = Caption(query.id, group=dict(query.picture.groups))
    return Answer(asked, "+".join(by or [r.name for r in index.representations]), rows)


def caption_of(index: Index, id: str, group: Mapping[str, str] | None = None) -> Caption:
    """Return what is shown beside an indexed picture."""
    entry = index.entry(id)
    return Caption(id, ";".join(entry.labels), dict(entry.groups if group is None else group))


def hit_box(hit: Hit) -> Box | None:
    """Return the matched box of a hit as x, y, w, h."""
    if hit.box is None:
        return None
    row, col, height, width = hit.box
    return round(col), round(row), round(width), round(height)


def thumbnails_of(index: Index, query: Query, answer: Answer, region: XYWH | None) -> dict[str, bytes]:
    """Return the encoded pictures that an answer shows, by id; a query that was read as ``query:`` + id."""
    from .thumbnail import framed, thumbnail

    found = {row.caption.id: index.thumbnail(row.caption.id) for row in answer.rows}
    shape: tuple[int, int]
    if query.picture is None:
        encoded, shape = index.thumbnail(query.id), index.entry(query.id).shape
    else:
        encoded, shape = thumbnail(query.picture), query.picture.shape
    found[f"query:{query.id}"] = encoded if region is None else framed(encoded, region, shape)
    return found


def _region(asked: XYWH, shape: tuple[int, int]) -> Region:
    """Turn x, y, w, h into a region. Raise SettingError where it lies outside the picture."""
    from retrieval.region import Region

    x, y, width, height = asked
    if x >= shape[1] or y >= shape[0] or x + width <= 0 or y + height <= 0:
        raise SettingError(
            f"--region: {','.join(f'{v:g}' for v in asked)} lies outside the picture, "
            f"which has {shape[1]} × {shape[0]} pixels"
        )
    return Region.box(y, x, height, width)


def _reader(index: Index) -> Reader:
    def read(path: Path, name: str, frames: tuple[int, ...] | None) -> Iterator[Picture]:
        pictures: Iterator[Picture] = index.read_query(path, name, frames)
        return pictures

    return read


def _nearest(index: Index, image: str) -> str:
    import difflib

    near = difflib.get_close_matches(image, index.names, n=3)
    return f"; did you mean {', '.join(near)}?" if near else "; check the name"


def _page(index: Index, answers: Sequence[Answer], thumbnails: Thumbnails, args: argparse.Namespace) -> Page:
    one = len(answers) == 1
    title = f"What looks like {answers[0].query.id}" if one else f"{len(answers):,} queries"
    lead = f"The {args.k:,} best of {len(index):,} pictures for each query, ranked by {answers[0].by}."
    asked = {
        "region (x, y, w, h)": args.region and ", ".join(f"{v:g}" for v in args.region),
        "only where": args.where,
        "grouped by": args.group_by,
        "not of the same": args.not_same,
    }
    facts = [(name, str(value)) for name, value in asked.items() if value is not None]
    return Page(title, answers, thumbnails, [lead], (), facts + index_facts(index))
