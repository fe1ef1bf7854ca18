"""``semblance index``: make an index of folders, or bring it up to date."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import ArchiveError, OptionError, PictureError, SettingError
from retrieval.registry import DEFAULT, installed
from viewer.files import check_place, write_text
from viewer.safe_text import counted

from ..options.argument_types import place, place_or_archive, positive
from ..options.command import command
from ..options.index_flags import by_kind, window_kept
from ..options.label_flags import label_options, read_labels
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, Option, argument, option, quiet
from ..options.representation_flags import asks_for_more, given, named, setting_options
from ..options.slide_flags import slide_options, tiling_of
from ..output.index_report import ABOUT_CT, notes, sentence, skipped_csv, summary, timing_lines
from ..output.progress import ProgressBar
from .warm import warm_up_once

if TYPE_CHECKING:
    from retrieval.index.order import IndexState, Order

EXAMPLE = """example:
  semblance index scans/ -o scans.index
  semblance index scans/ more/ -o scans.index --by sift --by superpixel --words 2000 --labels labels.csv
  semblance index 'dicomweb:http://localhost:8042/dicom-web?Modality=CT' -o scans.index --follow

The settings in this help are those of the representations that --by names: semblance index --by sift --help

The same command again reads only what is new or has changed, and notices what is gone. A run that
was interrupted goes on where it stopped. labels.csv: a header, a column path (relative to its
folder), a column label (several joined by ;), any others are kept as metadata. --path-column and
--label-column name the two if the table calls them otherwise. How slides are cut is kept by the index.

--ranker needs no folders, and encodes nothing again: semblance index -o scans.index --ranker hnsw"""


def index_setting_options(words: Sequence[str], known: Collection[str]) -> list[Option]:
    """Return an option for each setting of the representations that the command line names."""
    if not asks_for_more(words, known):
        return []
    names = [name for name in named(words) if name in installed()]
    return setting_options(names) if names else setting_options(list(DEFAULT), DEFAULT)


@command(EXAMPLE, more=index_setting_options)
@argument(
    "folders",
    nargs=-1,
    type=place_or_archive,
    metavar="FOLDER",
    help="a folder of images, a file, or the address of an archive",
)
@option("-o", "--output", required=True, type=place, metavar="INDEX", help="the index, a folder")
@by_kind
@window_kept
@option(
    "--also",
    multiple=True,
    metavar="KIND",
    help="index these as well: seg, dose, map, level (of a slide); repeatable, kept by the index",
)
@label_options
@option(
    "--names",
    choices=("plain", "hash"),
    metavar="HOW",
    help="hash: pseudonyms in the place of names of files and folders; for a new index [plain]",
)
@option(
    "--thumbnails",
    choices=("on", "off"),
    metavar="WHEN",
    help="off: the index keeps no small images; for a new index [on]",
)
@option(
    "--no-burned-in", is_flag=True, help="leave out images with burned-in text: by their headers, or seen"
)
@option(
    "--find-text",
    choices=("on", "off"),
    metavar="WHEN",
    help="off: no network looks for burned-in text in the pixels; kept by the index [on]",
)
@option(
    "--ranker",
    metavar="NAME",
    help="what ranks dense vectors, of --by or of all: exact, annoy, hnsw, auto, or an engine, "
    "milvus:http://HOST:19530; kept by the index [auto]",
)
@slide_options
@option("--jobs", type=positive, metavar="N", help="processes [one a core]")
@option(
    "--on",
    metavar="CLUSTER",
    help="who reads and encodes: dask (a cluster of this machine's own) or dask:tls://HOST:PORT",
)
@option("--dry-run", is_flag=True, help="say what would be done, and because of what; nothing is written")
@option(
    "--remake",
    is_flag=True,
    help="make again what has become stale: by settings given here, other labels or reports, or a newer step",
)
@option("--refit", is_flag=True, help="learn the vocabulary again from all images")
@option("--compare-contents", is_flag=True, help="read every file to see whether it has changed")
@option("--forget", is_flag=True, help="take out what is gone, even if it is a large share of a folder")
@option("--follow-links", is_flag=True, help="read what links in a folder lead to outside of it")
@option(
    "--cache",
    type=place,
    metavar="FOLDER",
    help="keep the files of archives here; else they are deleted when read",
)
@option("--follow", is_flag=True, help="go on with what is new, changed or deleted in archives, until Ctrl-C")
@option("--skipped", type=place, metavar="CSV", help="write all skipped files and why")
@option("--timings", is_flag=True, help="say how long each stage took; --json always does")
@option("--json", is_flag=True, help="print the summary as JSON")
@quiet
@limit_options
def run(args: Arguments) -> int:
    """Index, print problems on stderr, and a summary on stdout."""
    from retrieval.index.order import Order, bring_up_to_date
    from retrieval.readers.archive import Address

    if not args.folders and args.ranker is None:
        raise SettingError("FOLDER: none is given; name a folder of images, or --ranker to change that alone")
    if args.skipped is not None:
        check_place(args.skipped)
    folders = [place for place in args.folders if isinstance(place, Path)]
    _check_goes_together(args, folders)
    order = Order(
        args.output,
        folders,
        args.by,
        given(args),
        args.window,
        read_labels(args, folders),
        args.jobs,
        args.refit,
        args.also,
        DEFAULT,
        args.compare_contents,
        # None leaves an index as it is.
        {
            "names": args.names,
            "thumbnails": args.thumbnails,
            "burned_in": "off" if args.no_burned_in else None,
            "find_text": args.find_text,
        },
        args.forget,
        args.follow_links,
        [place for place in args.folders if isinstance(place, Address)],
        args.cache,
        args.ranker,
        tiling_of(args),
        args.on,
        args.remake,
    )
    if args.dry_run:
        return _say_steps(order, args)
    # Before worker processes start, each of which would compile for itself.
    with ProgressBar("steps", args.quiet) as progress:
        warm_up_once(args.by or list(DEFAULT), progress)
    # Compiling is done once, and no part of the rate of images.
    started = time.monotonic()
    if args.follow:
        return _follow(order, args)
    with ProgressBar("files", args.quiet) as progress:
        state = bring_up_to_date(order, progress)
    if order.remake:
        from retrieval.evaluation import learn_fusions_again

        state = learn_fusions_again(state)
    _tell(state, time.monotonic() - started, args)
    # After the report, which says of each file why it was skipped.
    if not state.n_pictures:
        from retrieval.index.info import without_images

        # Of an archive without its filters, which may name a patient.
        places = [str(getattr(one, "shown", one)) for one in args.folders]
        raise PictureError(f"{', '.join(places) or args.output}: {without_images(args.output)}")
    return 0


def _check_goes_together(args: Arguments, folders: list[Path]) -> None:
    """Raise OptionError for an option that would be passed over beside the others."""
    for name in ("follow", "skipped", "timings"):
        if args.dry_run and getattr(args, name):
            raise OptionError("is about a run, and --dry-run makes none; leave one of the two out", name)
    for name in ("follow", "cache"):
        if getattr(args, name) and len(folders) == len(args.folders):
            raise OptionError("is for archives; give the address of one, dicomweb:http://…", name)


def _say_steps(order: Order, args: Arguments) -> int:
    """Print the steps that the order would take, one a line, or as JSON."""
    from retrieval.index.order import dry_run

    steps = dry_run(order)
    if args.json:
        print(json.dumps([{"step": s.name, "files": s.files, "because": s.because} for s in steps]))
        return 0
    for step in steps:
        print(f"{step.name}: {counted(step.files, 'file')}, because {step.because}")
    # An empty list would look like a command that did nothing.
    if not steps:
        print("nothing: all is up to date")
    return 0


def _follow(order: Order, args: Arguments) -> int:
    """Index, and again whenever an archive has changed, until Ctrl-C; print the result of each run."""
    from retrieval.index.order import follow

    for seconds, outcome in follow(order):
        if isinstance(outcome, ArchiveError):
            print(f"semblance: {outcome}; tried again soon", file=sys.stderr, flush=True)
        else:
            _tell(outcome, seconds, args)
            sys.stdout.flush()
    return 0


def _tell(state: IndexState, seconds: float, args: Arguments) -> None:
    """Print the problems of a run on stderr, and a summary on stdout."""
    report = state.report
    if args.skipped is not None:
        write_text(skipped_csv(report.skipped), args.skipped)
    for line in notes(report, seconds, args.skipped, args.label_by is not None):
        print(line, file=sys.stderr)
    for line in timing_lines(report) if args.timings else ():
        print(line, file=sys.stderr)
    if state.shows_ct_by_auto:
        print(ABOUT_CT, file=sys.stderr)
    print(json.dumps(summary(state, seconds)) if args.json else sentence(state))
