"""Making an index of folders, and bringing it up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.errors import OptionError, PictureError, SettingError, check_switches, did_you_mean
from retrieval.index.progress import Progress, silent

from .keywords import names, paths
from .limits import limits_of
from .opened import Index
from .updating import carried_out, label_table

if TYPE_CHECKING:
    from .keywords import Labels, Names
    from .limits import GivenLimits


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
    remake: bool = False,
    also: Sequence[str] = (),
    privacy: Mapping[str, str] | None = None,
    forget: bool = False,
    follow_links: bool = False,
    limits: GivenLimits = None,
    ranker: str | None = None,
    progress: Progress = silent,
    **settings: Any,
) -> Index:
    """Make an index of folders, or bring it up to date, and open it.

    The same call again reads only what is new or has changed. The first one after an installation compiles
    kernels as well, for about a minute; `semblance warm` does that beforehand.

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
    remake : make again what has become stale, by settings given here, changed labels, or a newer step.
    also : kinds of files besides images of patients, as ``--also`` of the command line has them.
    privacy : what a new index keeps: ``names`` (``plain``, ``hash``), ``thumbnails``, ``burned_in`` and
        ``find_text`` (``on``, ``off``), as the flags of `semblance index`. The key is where
        ``SEMBLANCE_KEY`` says.
    forget : take out what is gone, even if it is a large share of a folder.
    follow_links : read what links in a folder lead to, if that is outside of it.
    limits : what the reading of one file may take, now and when the index is asked: ``max_seconds``,
        ``max_memory`` (MB), ``max_pixels`` and ``max_frames``, as the flags of the command line.
    ranker : what ranks dense vectors: ``exact``, ``annoy``, ``hnsw``, or ``auto``; None for what each has.
    progress : is called with stage, steps done and steps in all.
    settings : of the representations, such as ``words=2000``.

    Raises
    ------
    SettingError : a folder, name or setting that makes no sense. IndexFolderError : the index is damaged, or
        has other settings. PictureError : no image at all can be read.
    """
    check_switches({"refit": refit, "remake": remake, "forget": forget, "follow_links": follow_links})
    folders = paths((folder, *more), "folder")
    place = _beside(folders[0]) if to is None else paths([to], "to")[0]
    if window is not None and not isinstance(window, str):
        raise SettingError(f"window: {window!r} is no window; give text, such as lung or 40,400")
    try:
        state = carried_out(
            place,
            folders,
            by=names(by),
            settings={name: _plain(value) for name, value in settings.items()},
            window=window,
            labels=label_table(labels, label_by, folders),
            jobs=jobs,
            refit=refit,
            remake=remake,
            also=names(also, "also"),
            privacy=privacy or {},
            forget=forget,
            follow_links=follow_links,
            limits=limits_of(limits),
            ranker=ranker,
            progress=progress,
        )
    except OptionError as error:
        _suggest_keyword(error.options[0], settings)
        raise
    # An index of nothing answers nothing; better said here than at the first query.
    if not state.n_pictures:
        from retrieval.index.info import without_images

        raise PictureError(f"{', '.join(map(str, folders))}: {without_images(place)}")
    return Index(place, state.report, limits)


def _suggest_keyword(refused: str, settings: Mapping[str, Any]) -> None:
    """Raise OptionError if what was refused as a setting is nearly called as a keyword of ``make``."""
    # Whatever is no keyword is taken for a setting, so that a misspelt keyword is one that nothing has.
    if refused in settings and (near := did_you_mean(refused, make.__kwdefaults__ or ())):
        raise OptionError(f"is neither a keyword nor a setting{near}", refused) from None


def _beside(folder: Path) -> Path:
    """Return the place of an index whose own was not named: beside the images, never among them."""
    # Among them it would be scanned as part of its own folder.
    place = folder.resolve()
    if not place.name:
        raise SettingError(f"to: nothing is beside {place}; name the folder of the index")
    return place.with_name(f"{place.name}.index")


def _plain(value: Any) -> Any:
    """Return numbers of numpy, and arrays, as Python's own: settings are kept as JSON."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
