"""Bringing an index up to date from a program: what is to be indexed, and the labels that go with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import SettingError
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.order import IndexState, Order
from retrieval.index.order import bring_up_to_date as carry_out
from retrieval.index.progress import Progress, silent
from retrieval.index.update.apply_labels import labels_by_folder
from retrieval.metadata.label_table import LabelTable
from retrieval.registry import DEFAULT

from .keywords import paths, table_of
from .limits import in_force, limits_of

if TYPE_CHECKING:
    from retrieval.index.update.repair import RepairReport
    from retrieval.index.writer import UpdateReport
    from retrieval.readers.limits import Limits

    from .keywords import Labels
    from .limits import GivenLimits


def bring_up_to_date(
    index: Path,
    folders: Sequence[str | PathLike[str]],
    *,
    labels: Labels = None,
    jobs: int | None = None,
    limits: Limits | None = None,
) -> UpdateReport:
    """Index more folders, by the representations that the index has."""
    # A folder that is gone would become a new index, by other representations.
    Catalogue.open(index).close()
    places = paths(folders, "folder")
    # By folder as on the command line, so that a table means the same in both.
    table = label_table(labels, None, places)
    return carried_out(index, places, limits=limits, labels=table, jobs=jobs).report


def repair(
    folder: str | PathLike[str],
    *,
    jobs: int | None = None,
    limits: GivenLimits = None,
    progress: Progress = silent,
) -> RepairReport:
    """Put a damaged index right as far as it can be, and say what was damaged, what is lost and what is left.

    A damaged page of the catalogue is mended to the last bit; damaged vectors and thumbnails are made again
    from files that are where they were, and of the others what can be read is kept. Nobody may have the index
    open for writing.

    Parameters
    ----------
    jobs, limits, progress : as of ``semblance.index``.

    Raises
    ------
    IndexFolderError : no index, more of it is damaged than can be mended, or another process writes to it.
    """
    from retrieval.index.writer import IndexWriter

    # What is made again is read and encoded in workers, as by an update.
    with in_force(limits_of(limits)), _script_not_run_again():
        return IndexWriter.repair(paths([folder], "folder")[0], jobs=jobs, progress=progress)


def carried_out(
    index: Path,
    folders: Sequence[Path],
    *,
    limits: Limits | None = None,
    progress: Progress = silent,
    **given: Any,
) -> IndexState:
    """Carry out what is to be indexed; ``given`` are fields of ``Order``."""
    # Workers are processes of their own, and would begin with the script that called this.
    with in_force(limits), _script_not_run_again():
        order = Order(index, folders, default=DEFAULT, **given)
        state = carry_out(order, progress)
        if not order.remake:
            return state
        from retrieval.evaluation import learn_fusions_again

        return learn_fusions_again(state)


@contextmanager
def _script_not_run_again() -> Iterator[None]:
    """Let worker processes start without the script that calls this.

    Each would run it once more to define what it defines, and so begin to index anew, unless the script has
    its work below ``if __name__ == "__main__":``. Nothing that workers get here comes from the script.
    """
    # What ``multiprocessing.spawn.get_preparation_data`` looks at.
    main: dict[str, Any] = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {name: main.pop(name) for name in ("__spec__", "__file__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.pop("__spec__")
        main.update(hidden)


def label_table(labels: Labels, label_by: str | None, folders: Sequence[Path]) -> LabelTable | None:
    """Return labels as an index takes them; None if there are none. SettingError if they make no sense."""

    if label_by is not None:
        if labels is not None or label_by != "folder":
            raise SettingError("label_by: 'folder' is all that it may be, and then without labels")
        return labels_by_folder(folders)
    return table_of(labels)
