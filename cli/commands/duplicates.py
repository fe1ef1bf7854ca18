"""``semblance duplicates``: list the images of an index that are near-duplicates of each other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from viewer.safe_text import csv_text

from ..options.argument_types import place
from ..options.command import command
from ..options.parameters import Arguments, argument, form_of, forms, option, quiet
from ..output.columns import columns
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index.search.list_duplicates import DuplicateGroup

EXAMPLE = """example:
  semblance duplicates scans.index
  semblance duplicates scans.index --across --csv

Near-duplicates are one image in several versions: compressed again, smaller, brighter, shifted, mirrored,
a little turned or cropped. They are found by the fine structure of the stored thumbnails, whatever the
names. Groups of more than one patient (or group) come first and are marked: there one person may have
two names, or one of the names is wrong.

`query --findings` and `classify` count near-duplicates once, and what is learnt or measured keeps their
patients on one side; nothing is taken out of the index. `semblance remove` does that."""

Groups = Sequence["DuplicateGroup"]


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@option("--across", is_flag=True, help="list only groups of more than one patient, or group")
@forms("json", "csv")
@quiet
def run(args: Arguments) -> int:
    """Print the groups, and how many there are on stderr."""
    from retrieval.index.search.list_duplicates import list_duplicates
    from scale.shards.opening import open_index

    with open_index(args.index, must_be_whole=True) as index, ProgressBar("images", args.quiet) as progress:
        found = index.ask(lambda snapshot: list_duplicates(snapshot, progress))
        n_images = len(index)
    # Of all groups, also of those that --across hides: so that an empty list is not taken for a clean index.
    print(summary(found, n_images), file=sys.stderr)
    shown = [group for group in found if group.is_across or not args.across]
    args.shown += [image.id for group in shown for image in group.images]
    sys.stdout.write(_FORMS[form_of(args)](shown))
    return 0


def summary(found: Groups, n_images: int) -> str:
    """Return how many images are in how many groups, and across what."""
    n, across = sum(len(group.images) for group in found), sum(group.is_across for group in found)
    if not found:
        return f"no near-duplicates among {n_images:,} images"
    column = found[0].column
    # Without patients nobody can say whether a copy is of the same one.
    ending = f"{across:,} across {column}s" if column else "no patients are known"
    groups = f"{len(found):,} group{'s' * (len(found) != 1)}"
    return f"{groups} of near-duplicates, {n:,} of {n_images:,} images; {ending}"


def as_table(found: Groups) -> str:
    """Write one line an image; nothing if there is no group."""
    # A head above nothing would look as if something had been cut off.
    if not found:
        return ""
    lines = [
        [str(number), one.id, f"{one.likeness:.2f}", one.case, one.label, "across" * group.is_across]
        for number, group in enumerate(found, start=1)
        for one in group.images
    ]
    head = ["group", "image", "likeness", found[0].column or "patient", "label", ""]
    return columns(head, lines, right=(0, 2)) + "\n"


def as_json(found: Groups) -> str:
    """Write a list, one object a group."""
    return json.dumps([asdict(group) for group in found], indent=1) + "\n"


def as_csv(found: Groups) -> str:
    """Write one line an image; ``across`` is 1 for a group of more than one patient."""
    # One line an image, not a group: tables have no lists, and a group has any number of images.
    rows = [
        (number, one.id, f"{one.likeness:.4f}", one.case, one.label, int(group.is_across))
        for number, group in enumerate(found, start=1)
        for one in group.images
    ]
    return csv_text([("group", "image", "likeness", "case", "label", "across"), *rows])


_FORMS: dict[str, Callable[[Groups], str]] = {"table": as_table, "json": as_json, "csv": as_csv}
