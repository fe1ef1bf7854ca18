"""An order: which folders are to be indexed and how, carried out on an index that is there or a new one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ArchiveError, IndexFolderError, OptionError, SettingError, did_you_mean
from ..metadata.label_table import LabelTable
from ..readers.archive import Address
from ..readers.kinds import also_named
from ..readers.tiling import Tiling
from ..readers.window import Window
from ..registry import make_by
from ..representation import Loadable, Representation
from .catalogue.database import Catalogue
from .catalogue.privacy import Privacy
from .catalogue.recipe import with_settings
from .info import info
from .progress import Progress, silent
from .storage.ranker_choice import check_choice, is_engine
from .update.plan import Step
from .update.registration import register_representation
from .update.run import plan_update
from .update.scanned import ScanOptions
from .update.search_structures import set_ranker
from .update.throwaway import throwaway
from .update.watched import Watched
from .update.workers import executor_on, make_executor
from .writer import IndexWriter, UpdateReport

_LOOKED_AT = 100
"""Images whose modality is looked at."""
_LOOK_EVERY = 5.0
"""Seconds between two looks at an archive that is followed."""


@dataclass(frozen=True)
class Order:
    """What is to be indexed, and how.

    Parameters
    ----------
    output : the index folder, new or not.
    folders : what to index.
    by : representations; those that the index has, or ``default`` for a new one, if ``by`` is empty.
    settings : those that were given, by name; the others are the index's own, or the defaults.
    window : None for the index's own, or ``auto``.
    also : kinds of files besides images of patients, see ``IndexWriter.take_also``.
    privacy : what the index keeps, by the fields of ``Privacy``; None or absent for what it has, or the
        default.
    labels, jobs, refit, remake, compare_contents, forget, follow_links, archives, cache : see
        ``IndexWriter.update``.
    on : what does the tasks, ``dask`` or ``dask:ADDRESS``; None for processes of this machine.
    ranker : of the dense vectors of ``by``, or of all; None for what each has.
    tiling : how slides are cut; None for the index's own, or for their first level.
    """

    output: Path
    folders: Sequence[Path]
    by: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    window: str | None = None
    labels: LabelTable | None = None
    jobs: int | None = None
    refit: bool = False
    also: Sequence[str] = ()
    default: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    compare_contents: bool = False
    privacy: Mapping[str, str | None] = field(default_factory=dict)
    forget: bool = False
    follow_links: bool = False
    archives: Sequence[Address] = ()
    cache: Path | None = None
    ranker: str | None = None
    tiling: Tiling | None = None
    on: str | None = None
    remake: bool = False


@dataclass(frozen=True)
class IndexState:
    """The result of an order: the update's report, and what the index holds now."""

    output: Path
    report: UpdateReport
    n_pictures: int
    representations: tuple[str, ...]
    shows_ct_by_auto: bool = False


def bring_up_to_date(order: Order, progress: Progress = silent) -> IndexState:
    """Make the index if there is none, add what it lacks, and index the folders.

    Raises
    ------
    OptionError : a representation that is not installed, or a setting that none of them has.
    SettingError, IndexFolderError, FitError : see ``IndexWriter``.
    """
    also_named(order.also)  # refused before anything is written
    if order.ranker is not None:
        check_choice(order.ranker)
    jobs = make_executor(order.jobs) if order.on is None else executor_on(order.on, order.jobs)
    with _opened(order) as index:
        if order.tiling is not None:
            index.require_tiling(order.tiling)
        index.take_also(order.also)
        _add_representations(index, order)
        if order.ranker is not None and not is_engine(order.ranker):
            index.prefer_ranker(order.ranker, order.by)  # else structures are made for the one before
        report = index.update(
            order.folders,
            jobs=jobs,
            labels=order.labels,
            progress=progress,
            refit=order.refit,
            remake=order.remake,
            compare_contents=order.compare_contents,
            forget=order.forget,
            follow_links=order.follow_links,
            archives=order.archives,
            cache=order.cache,
        )
        if order.ranker is not None:  # only now is all fitted
            index.choose_ranker(order.ranker, order.by, progress=progress)
        auto = bool(report.pictures) and _shows_ct_by_auto(index)
        return IndexState(order.output, report, len(index), tuple(index.representations), auto)


def dry_run(order: Order) -> list[Step]:
    """Return the steps that ``bring_up_to_date`` would take, and raise what it would; nothing is written."""
    if order.archives:
        raise OptionError("an archive is not asked without indexing it; name folders alone", "dry_run")
    _check_folders(order)
    if not Catalogue.is_born(order.output):
        check_settings(order)
    with throwaway(order.output, order.window, order.privacy, order.tiling, order.also) as store:
        for representation in representations_of(order, info(store)["representations"]):
            register_representation(store, representation, order.remake)
        if order.ranker is not None and not is_engine(order.ranker):
            set_ranker(store, order.ranker, order.by)
        options = ScanOptions(order.compare_contents, order.forget, order.follow_links)
        return plan_update(store, order.folders, order.labels, options, order.refit, order.remake)


def follow(
    order: Order, *, seconds: float = _LOOK_EVERY, rest: Callable[[float], None] = time.sleep
) -> Iterator[tuple[float, IndexState | ArchiveError]]:
    """Bring an index up to date with archives, and again whenever one has changed; it never ends.

    Yields the seconds and the result of each time, or the error of an archive, which is asked again later.

    Parameters
    ----------
    seconds : between two looks; archives that keep a log are only asked for that, the others for all series.
    rest : waits that long.
    """
    # Labels and a new vocabulary are for the first time; later ones take what came since.
    later = replace(order, labels=None, refit=False, remake=False)
    watched = [Watched(address) for address in order.archives]
    outcome: IndexState | ArchiveError
    while True:
        started = time.monotonic()
        try:
            outcome = bring_up_to_date(order)
            order = later
        except ArchiveError as error:
            outcome = error
        yield time.monotonic() - started, outcome
        rest(seconds)
        while not sum(one.is_due() for one in watched):  # not `any`: all of them are asked
            rest(seconds)


def _shows_ct_by_auto(index: IndexWriter) -> bool:
    """Tell whether CT images are shown by the window of each file; some of all images are looked at."""
    if index.window.text != "auto":
        return False
    # Evenly over the names, so that folders of other modalities do not hide those of CT.
    some = index.names[:: max(1, len(index) // _LOOKED_AT)]
    return any(index.picture(name).metadata.get("modality") == "CT" for name in some)


def _opened(order: Order) -> IndexWriter:
    """Open the index for writing, or make it."""
    window = None if order.window is None else Window.parse(order.window)
    _check_folders(order)
    asked = Privacy.asked(order.privacy)
    if not Catalogue.is_born(order.output):
        if not order.folders and not order.archives:
            raise SettingError(f"{order.output}: is no index yet; name a folder of images to make it of")
        check_settings(order)
        return IndexWriter.create(order.output, window=window or Window(), privacy=asked)
    index = IndexWriter.open(order.output)
    try:
        if window is not None:
            index.require_window(window)
        index.require_privacy(**order.privacy)
    except IndexFolderError:
        index.close()
        raise
    return index


def _check_folders(order: Order) -> None:
    # An update takes a missing folder for one whose files are gone; a typing mistake must not do that.
    for folder in order.folders:
        if not folder.exists():
            raise SettingError(f"{folder}: no such folder; check the path")


def check_settings(order: Order) -> None:
    """Refuse what the settings of a new index get wrong, before anything is written."""
    for made in representations_of(order, ()):
        if isinstance(made, Loadable):
            made.load()


def _add_representations(index: IndexWriter, order: Order) -> None:
    """Add the representations that are new; settings that contradict one that is there are refused."""
    for representation in representations_of(order, index.info()["representations"]):
        index.add_representation(representation, order.remake)


def representations_of(order: Order, found: Sequence[Mapping[str, Any]]) -> Iterator[Representation]:
    """Yield the representations of an order, with their settings; ``found`` is what ``info`` says of them.

    Raises OptionError for a setting that none of them has.
    """
    # Those with a + are learn-metric's; one that is on its way to other settings goes by the present ones.
    there = {r["name"]: r["settings"] for r in found if "+" not in r["name"] and not r["replaces_present"]}
    names = list(order.by) or list(there) or list(order.default)
    known = {setting for name in names for setting in make_by(name).settings}
    for one in sorted(order.settings.keys() - known):
        raise OptionError(f"none of {', '.join(names)} has this setting{did_you_mean(one, known)}", one)
    for name in names:
        # What is new and was not named is set as the default has it; a named one has its own defaults.
        default = {} if order.by or name in there else order.default.get(name, {})
        yield make_by(name, with_settings(name, {**default, **order.settings}, there.get(name, {})))
