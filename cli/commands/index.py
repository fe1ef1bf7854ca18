"""``semblance index``: make an index of folders, or bring it up to date."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import IndexFolderError, PictureError, SettingError
from retrieval.registry import installed
from viewer.answer import printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.parameters import Arguments, Option, argument, option
from ..options.representation_flags import (
    asks_for_more,
    given,
    make,
    named,
    setting_options,
    with_settings,
)
from ..output.files import write_text
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index.writer import IndexWriter, LabelReport, UpdateReport

SHOWN = 20
"""How many skipped files are listed."""

EXAMPLE = """example:
  semblance index scans/ -o scans.index
  semblance index scans/ more/ -o scans.index --by sift --by superpixel --words 2000 --labels labels.csv

The settings in this help are those of the representations that --by names: semblance index --by sift --help

The same command again reads only what is new or has changed, and notices what is gone. A run that
was interrupted goes on where it stopped. labels.csv: a header, a column path (relative to its
folder), a column label (several joined by ;), any others are kept as metadata."""


@dataclass(frozen=True)
class Order:
    """What is to be indexed, and how.

    Parameters
    ----------
    output : the index folder, new or not.
    folders : what to index.
    by : representations; those that the index has, or the default of a new one, where there is none.
    settings : those that were given, by name; the others are the index's own, or the defaults.
    window : None for the index's own, or ``auto``.
    labels, jobs, refit : see ``IndexWriter.update``.
    """

    output: Path
    folders: Sequence[Path]
    by: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    window: str | None = None
    labels: Path | None = None
    jobs: int | None = None
    refit: bool = False


@dataclass(frozen=True)
class IndexState:
    """What came of an order: the update's report, and what the index holds now."""

    output: Path
    report: UpdateReport
    n_pictures: int
    representations: tuple[str, ...]


def default_names() -> tuple[str, ...]:
    """Return the representations of a new index if ``--by`` names none."""
    from bovw import DEFAULT

    return tuple(DEFAULT)


def index_setting_options(words: Sequence[str], known: Collection[str]) -> list[Option]:
    """Return an option for each setting of the representations that the command line names."""
    if not asks_for_more(words, known):
        return []
    names = [name for name in named(words) if name in installed()]
    return setting_options(names or default_names())


@command(EXAMPLE, more=index_setting_options)
@argument(
    "folders", nargs=-1, required=True, type=place, metavar="FOLDER", help="a folder of images, or a file"
)
@option("-o", "--output", required=True, type=place, metavar="INDEX", help="the index, a folder")
@option(
    "--by",
    multiple=True,
    choices=installed(),
    metavar="NAME",
    help=f"representation: {', '.join(installed())}; repeatable",
)
@option("--window", metavar="W", help="lung, brain, bone, …, or centre,width; kept by the index [auto]")
@option("--labels", type=place, metavar="CSV", help="a table of labels and metadata")
@option("--jobs", type=positive, metavar="N", help="processes [one a core]")
@option("--refit", is_flag=True, help="learn the vocabulary again from all images")
@option("--skipped", type=place, metavar="CSV", help="write all skipped files and why")
@option("--json", is_flag=True, help="print the summary as JSON")
def run(args: Arguments) -> int:
    """Index, say on stderr what came of it, and print a summary on stdout."""
    order = Order(
        args.output, args.folders, args.by or (), given(args), args.window, args.labels, args.jobs, args.refit
    )
    started = time.monotonic()
    with ProgressBar("files") as progress:
        state = bring_up_to_date(order, progress)
    report, seconds = state.report, time.monotonic() - started
    if args.skipped is not None:
        write_text(_as_csv(report.skipped), args.skipped)
    for line in notes(report, seconds, args.skipped):
        print(line, file=sys.stderr)
    if not state.n_pictures:
        raise PictureError(f"{', '.join(map(str, args.folders))}: holds no picture that can be read")
    print(json.dumps(_summary(state, seconds)) if args.json else _sentence(state))
    return 0


def bring_up_to_date(order: Order, progress: ProgressBar) -> IndexState:
    """Make the index where there is none, add what it lacks, and index the folders."""
    from retrieval.metadata.label_table import LabelTable

    labels = None if order.labels is None else LabelTable.read(order.labels)
    with _opened(order) as index:
        _add_representations(index, order)
        report = index.update(
            order.folders, jobs=order.jobs, labels=labels, progress=progress, refit=order.refit
        )
        return IndexState(order.output, report, len(index), tuple(index.representations))


def _opened(order: Order) -> IndexWriter:
    """Open the index for writing, or make it."""
    from retrieval.index.catalogue.database import Catalogue
    from retrieval.index.writer import IndexWriter
    from retrieval.readers.window import Window
    from retrieval.representation import Loadable

    window = None if order.window is None else Window.parse(order.window)
    for folder in order.folders:
        if not folder.exists():
            raise SettingError(f"{folder}: no such folder; check the path")
    if not Catalogue.is_born(order.output):
        # Refuse what the settings get wrong before anything is written.
        for name in order.by or default_names():
            made = make(name, with_settings(name, order.settings, {}))
            if isinstance(made, Loadable):
                made.load()
        return IndexWriter.create(order.output, window=window or Window())
    index = IndexWriter.open(order.output)
    try:
        if window is not None:
            index.require_window(window)
    except IndexFolderError:
        index.close()
        raise
    return index


def _add_representations(index: IndexWriter, order: Order) -> None:
    """Add the representations that are new; settings that contradict one that is there are refused."""
    found = index.info()["representations"]
    there = {r["name"]: r["settings"] for r in found if "+" not in r["name"]}  # the others are learn-metric's
    names = list(order.by) or list(there) or list(default_names())
    for setting in order.settings:
        if not any(setting in make(name).settings for name in names):
            raise SettingError(f"--{setting.replace('_', '-')}: none of {', '.join(names)} has this setting")
    for name in names:
        index.add_representation(make(name, with_settings(name, order.settings, there.get(name, {}))))


def notes(report: UpdateReport, seconds: float, everything: Path | None = None) -> list[str]:
    """Return the lines of the final report: skipped files, counts, advice, and the time it took."""
    withdrawn = set(report.withdrawn)
    skipped = [(name, reason) for name, reason in report.skipped if name not in withdrawn]
    lines = [f"skipped {printable(_reason(name, reason))}" for name, reason in skipped[:SHOWN]]
    more = len(skipped) - SHOWN
    if more > 0:
        where = f"all in {everything}" if everything else "write them all with --skipped FILE"
        lines.append(f"and {more:,} more; {where}")
    counts = f"{report.added:,} added, {report.changed:,} changed, {report.removed:,} removed"
    lines.append(f"files: {counts}, {report.unchanged:,} unchanged, {len(skipped):,} skipped")
    if withdrawn:
        lines.append(f"{len(withdrawn):,} that were removed from the index stay out until their file changes")
    if report.pictures and seconds > 0:
        rate = report.pictures / seconds
        lines.append(f"{report.pictures:,} pictures encoded in {seconds:.1f} s, {rate:.1f} pictures/s")
    return [*lines, *_about_labels(report.labels), *map(printable, report.notes)]


def _about_labels(labels: LabelReport | None) -> list[str]:
    """Say what did not fit in the label table."""
    if labels is None:
        return []
    lines = [f"{labels.n_unlabelled:,} pictures have no label"] if labels.n_unlabelled else []
    if labels.unmatched:
        first = ", ".join(printable(path) for path in labels.unmatched[:3])
        more = ", …" if len(labels.unmatched) > 3 else ""
        lines.append(f"{len(labels.unmatched):,} of {labels.n_rows:,} labels name no picture: {first}{more}")
        if len(labels.unmatched) == labels.n_rows:
            lines.append(
                "paths of labels are relative to the folder that is indexed, with / between the parts"
            )
    return lines


def _reason(name: str, reason: str) -> str:
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _sentence(state: IndexState) -> str:
    return f"{state.output}: {state.n_pictures:,} pictures, ranked by {', '.join(state.representations)}"


def _summary(state: IndexState, seconds: float) -> dict[str, Any]:
    report = state.report
    return {
        "pictures": state.n_pictures,
        "representations": list(state.representations),
        "encoded": report.pictures,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "skipped": [{"id": name, "reason": reason} for name, reason in report.skipped],
        "notes": list(report.notes),
        "seconds": round(seconds, 3),
    }


def _as_csv(skipped: Sequence[tuple[str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("id", "reason"), *skipped])
    return text.getvalue()
