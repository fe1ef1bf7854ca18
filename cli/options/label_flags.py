"""Where labels come from: a table, by the names of its columns, or the folders that images are in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import OptionError, SettingError

from .argument_types import place
from .completion import complete_column
from .parameters import Arguments, option, stack

if TYPE_CHECKING:
    from retrieval.metadata.label_table import LabelTable

label_options = stack(
    option("--labels", type=place, metavar="CSV", excludes="labels", help="a table of labels and metadata"),
    option("--path-column", metavar="NAME", help="the column with the paths [path]"),
    option("--label-column", metavar="NAME", help="the column with the labels [label]"),
    option(
        "--label-by",
        choices=("folder",),
        metavar="WHAT",
        excludes="labels",
        help="folder: each image is labelled with the name of the folder that it is in",
    ),
)
"""The options of commands that label the images of folders."""

known_labels = option("--labels", type=place, metavar="CSV", help="a table of labels [those of the index]")
"""The option of commands that learn, or measure, by the labels of an index."""

class_options = stack(
    known_labels,
    option(
        "--label",
        shell_complete=complete_column,
        default="label",
        metavar="COLUMN",
        help="the column that says what is right [label]",
    ),
)
"""The options of commands that ask labelled images, and count answers of their class as right."""

not_same = option(
    "--not-same",
    shell_complete=complete_column,
    metavar="COLUMN",
    help="whose value queries do not share [patient, else group, study, series, slide; none]",
)
"""The option of the same commands that leaves the images of a query's own group out."""


def read_labels(args: Arguments, folders: Sequence[Path]) -> LabelTable | None:
    """Return the labels that the options ask for; None if they ask for none.

    OptionError for a word about a table that is not there. SettingError if it cannot be read.
    """
    from retrieval.metadata.label_table import LabelTable

    columns = {name: value for name in ("path_column", "label_column") if (value := getattr(args, name))}
    if columns and args.labels is None:
        raise OptionError("names a column of a table of labels; give that as well, --labels", *columns)
    if args.label_by is not None:
        from retrieval.index.update.apply_labels import labels_by_folder

        return labels_by_folder(folders)
    if args.labels is None:
        return None
    return LabelTable.read(args.labels, **columns)


def label_table(path: Path | None) -> LabelTable | None:
    """Read the table that ``--labels`` names; None if it was not given.

    SettingError if it cannot be read, or has no rows.
    """
    if path is None:
        return None
    from retrieval.metadata.label_table import LabelTable

    table = LabelTable.read(path)
    # An empty table would quietly drop all labels of the evaluation.
    if not table.rows:
        raise SettingError(f"labels: {path} has no rows; name images and their labels")
    return table
