"""``semblance demo``: do the main job on real images from installed packages."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import PictureError
from viewer.answer import Answer
from viewer.answering import answer_of, with_images
from viewer.files import write_picture, write_text
from viewer.provenance import index_facts
from viewer.queries.query import Query
from viewer.report import Page, write_page
from viewer.report_table import ReportTable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.parameters import Arguments, option, quiet
from ..output.columns import columns
from ..output.formats import as_table
from ..output.index_report import notes
from ..output.precision import Precision, measure
from ..output.progress import ProgressBar
from .warm import warm_up_once

if TYPE_CHECKING:
    from retrieval.index import Index

DETECTORS = ("sift", "dense", "superpixel")
REPRESENTATIONS = ("sift", "dense", "deep", "superpixel")
"""What ranks; the answer of the last one is printed."""
SETTINGS = {"words": 500}
SHOWN = ("tissue/r1c1.png", "mr-abdomen/r1c2.dcm", "ct-head-1/r1c1.dcm", "mr-brain.nii#4", "retina/r1c2.png")
"""Queries of the page; those that are not there are left out."""
K = 5
HITS = 6

EXAMPLE = """example:
  semblance demo
  semblance demo -o my-demo

Cuts CT, MR, ultrasound, microscopy and retina images that come inside pydicom, nibabel and scikit-image
into tiles and slices, indexes them by visual words of three kinds of points and by a network, asks with
each of them, and writes pages to look at. Nothing is downloaded. The second run finds the index up to
date."""


@command(EXAMPLE)
@option("-o", "--output", type=place, default=Path("demo"), metavar="FOLDER", help="where to write [demo]")
@option("--jobs", type=positive, metavar="N", help="processes [one a core]")
@quiet
def run(args: Arguments) -> int:
    """Write the images, index them, measure, and write the pages."""
    folder: Path = args.output
    pictures, index_folder = folder / "pictures", folder / "index"
    _write_pictures(pictures)
    _index(pictures, index_folder, args.jobs, args.quiet)
    from retrieval.index import Index

    with Index.open(index_folder) as index, ProgressBar("queries", args.quiet) as progress:
        measured = {name: measure(index, name, K, progress) for name in REPRESENTATIONS}
        answers = _answers(index)
        table = _table(measured, len(index))
        page = Page(
            "Demo: real images, by visual words and by a network",
            answers,
            _LEAD,
            [table],
            index_facts(index),
        )
    # All that has been asked goes on one page: the queries, the answers side by side, and the measure.
    write_text(write_page(page), folder / "report.html")
    _draw(folder, pictures, answers)
    print(f"{table.caption}\n\n{columns(table.head, table.lines, right=range(1, len(table.head)))}\n")
    print(as_table([answer for answer in answers if answer.by == REPRESENTATIONS[-1]][:1]))
    print(_next_steps(folder))
    return 0


_LEAD = (
    "Every image was cut from one that comes inside an installed Python package: non-overlapping tiles, "
    "or slices and frames. The label says what the original shows.",
    "Tiles of one original share its stain, its scanner and its noise, so this is easier than clinical work: "
    "it shows that everything runs, not how well it would do on your images.",
)


def _write_pictures(folder: Path) -> None:
    from .demo_images import write_pictures

    n_files, missing = write_pictures(folder)
    # Some packages with images are optional: the demo shows what is installed.
    if missing:
        print(
            f"without the images of {', '.join(sorted(missing))}; for all, install Semblance from a clone",
            file=sys.stderr,
        )
    if not n_files:
        raise PictureError(
            f"{folder}: no installed package has images; install Semblance again from its clone"
        )


def _index(pictures: Path, output: Path, jobs: int | None, is_quiet: bool) -> None:
    """Index as ``semblance index`` does, and say what was done."""
    from retrieval.index.order import Order, bring_up_to_date
    from retrieval.metadata.label_table import LabelTable

    order = Order(
        output,
        [pictures],
        by=REPRESENTATIONS,
        settings=SETTINGS,
        labels=LabelTable.read(pictures / "labels.csv"),
        jobs=jobs,
    )
    with ProgressBar("steps", is_quiet) as progress:
        warm_up_once(REPRESENTATIONS, progress)
    started = time.monotonic()  # compiling is done once, and no part of the rate of images
    with ProgressBar("files", is_quiet) as progress:
        state = bring_up_to_date(order, progress)
    for line in notes(state.report, time.monotonic() - started):
        print(line, file=sys.stderr)


def _answers(index: Index) -> list[Answer]:
    """Ask with each of the queries that the page shows, by each detector."""
    from viewer.images import Images

    answers: list[Answer] = []
    images = Images(index)
    for id in SHOWN:
        # The packages of some images may be missing: see _write_pictures.
        if id not in index:
            continue
        for name in REPRESENTATIONS:
            query = Query(id, known_as=id)
            # Without the query itself, which would be the first hit of each row.
            hits = index.query(id, by=[name], k=HITS, include_self=False)
            answers.append(with_images(answer_of(index, query, hits, [name]), images, query))
    return answers


def _table(measured: Mapping[str, Precision], n_pictures: int) -> ReportTable:
    first = next(iter(measured.values()))
    lines = [
        [
            label,
            str(first.sizes[label]),
            f"{first.chance[label]:.2f}",
            *(f"{p.by_label[label]:.2f}" for p in measured.values()),
        ]
        for label in first.sizes
    ]
    overall = [
        "all",
        str(first.n_queries),
        f"{first.mean_chance:.2f}",
        *(f"{p.mean:.2f}" for p in measured.values()),
    ]
    # P@k alone says little: classes differ in size, and chance with them.
    caption = (
        f"Share of the first {K} that have the query's label (P@{K}); each of {n_pictures} images asks "
        "once and is left out of its own answer. Chance: the same for a random order."
    )
    return ReportTable(caption, ["label", "images", "chance", *measured], [*lines, overall])


def _draw(folder: Path, pictures: Path, answers: Sequence[Answer]) -> None:
    from retrieval.readers.guarded import read_guarded
    from viewer.contact_sheet import draw_sheet

    from .points import Look, draw_one, make_detectors

    # One detector is enough for a picture; the page has all side by side.
    best = [answer for answer in answers if answer.by == REPRESENTATIONS[-1]]
    write_picture(draw_sheet(best, per_line=HITS), folder / "sheet.png")
    example = next((path for id in reversed(SHOWN) if (path := pictures / id).is_file()), None)
    if example is not None:
        picture = next(read_guarded(example, example.relative_to(pictures).as_posix()))
        write_picture(draw_one(picture, make_detectors(None, 200), Look()), folder / "points.png")


def _next_steps(folder: Path) -> str:
    return f"""Look at
  {folder / "report.html"}   the queries and their answers, by each representation
  {folder / "sheet.png"}     the same as one image
  {folder / "points.png"}    the interest points of one image

Ask them yourself, in a browser:
  semblance serve {folder / "index"} --open

Next, your own images:
  semblance index MY_FOLDER -o my.index
  semblance query my.index MY_IMAGE --report answer.html"""
