"""Making an index of folders, and bringing it up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bovw import DEFAULT
from retrieval.errors import PictureError, SettingError
from retrieval.index.order import IndexState, Order, labels_by_folder
from retrieval.index.order import bring_up_to_date as carry_out
from retrieval.index.progress import Progress, silent
from retrieval.metadata.label_table import LabelRow, LabelTable

from .keywords import names
from .opened import Index

if TYPE_CHECKING:
    from retrieval.index.writer import UpdateReport

    from .keywords import Names

Labels = str | PathLike[str] | Mapping[str, "str | Sequence[str]"] | None
"""A CSV table; or by path, relative to the indexed folder, one label or several."""


def make(
    folder: str | PathLike[str],
    *more: str | PathLike[str],
    to: str | PathLike[str] | None = None,
    by: Names = (),
    labels: Labels = None,
    label_by: str | None = None,
    window: str | None = None,
    jobs: int | None = None,
    refit: bool = False,
    also: Sequence[str] = (),
    progress: Progress = silent,
    **settings: Any,
) -> Index:
    """Make an index of folders, or bring it up to date, and open it.

    The same call again reads only what is new or has changed.

    Parameters
    ----------
    folder, more : folders of images, or files.
    to : the folder of the index; by default beside the first folder, as ``scans.index``.
    by : representations; those that the index has, or the default of a new one, if there is none.
    labels : a CSV table (a column path, a column label, any others), or labels by path.
    label_by : ``folder``: each image is labelled with the name of the folder that it is in.
    window : ``lung``, ``brain``, …, or ``centre,width``; of a new index ``auto``.
    jobs : processes; None for one a core.
    refit : learn the vocabulary again from all images.
    also : kinds of files besides images of patients, as ``--also`` of the command line has them.
    progress : is called with stage, steps done and steps in all.
    settings : of the representations, such as ``words=2000``.

    Raises
    ------
    SettingError : a folder, name or setting that makes no sense. IndexFolderError : the index is damaged, or
        has other settings. PictureError : no image at all can be read.
    """
    folders = [Path(one) for one in (folder, *more)]
    # Beside the images, never among them: the index would be scanned as part of its own folder.
    place = folders[0].resolve().with_name(f"{folders[0].resolve().name}.index") if to is None else Path(to)
    state = _carried_out(
        place,
        folders,
        by=names(by),
        settings=settings,
        window=window,
        labels=label_table(labels, label_by, folders),
        jobs=jobs,
        refit=refit,
        also=also,
        progress=progress,
    )
    # An index of nothing answers nothing; better said here than at the first query.
    if not state.n_pictures:
        raise PictureError(f"{', '.join(map(str, folders))}: holds no image that can be read")
    return Index(place, state.report)


def bring_up_to_date(
    index: Path,
    folders: Sequence[str | PathLike[str]],
    *,
    labels: Labels = None,
    jobs: int | None = None,
) -> UpdateReport:
    """Index more folders, by the representations that the index has."""
    places = [Path(folder) for folder in folders]
    return _carried_out(index, places, labels=label_table(labels, None, places), jobs=jobs).report


def _carried_out(
    index: Path, folders: Sequence[Path], *, progress: Progress = silent, **given: Any
) -> IndexState:
    with _script_not_run_again():
        return carry_out(Order(index, folders, default=DEFAULT, **given), progress)


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
    if labels is None:
        return None
    if isinstance(labels, Mapping):
        rows = {path: (names(own), line) for line, (path, own) in enumerate(labels.items(), start=1)}
        return LabelTable({path: LabelRow(own, {}, line) for path, (own, line) in rows.items()})
    return LabelTable.read(Path(labels))
