"""The registry: what installed packages add to Semblance, found by name among their entry points.

``retrieval`` imports no package above it; it finds them here. A group has one contract, a protocol of
``retrieval``, that everything in it meets (``tests/contracts``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from .errors import NotInstalledError, OptionError, SettingError, check_switches, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .representation import Representation

REPRESENTATIONS = "semblance.representations"
"""Make a ``Representation`` that has learnt nothing yet, from its settings as keywords."""

LOCAL_FEATURES = "semblance.local_features"
"""Make ``LocalFeatures`` from ``LocalSettings``."""

RANKERS = "semblance.rankers"
"""Rank dense vectors: a class of the kind of ``retrieval.rankers.dense.ExactRanker``."""

EXECUTORS = "semblance.executors"
"""Make an ``Executor`` of an address and a number of jobs, ``retrieval.index.update.workers``."""

DEFAULT: Mapping[str, Mapping[str, Any]] = {"superpixel": {}, "dense": {}, "deep": {"cells": 0}}
"""The representations of an index if none is named, with what they are set to; a query fuses them.

Superpixels with turned frames and upright dense points describe different things; together they beat the
better of the two on most sets (``benchmarks/quality/ablation.py``). The embedding adds to both on average,
least on stained tissue (``benchmarks/quality/defaults.py``). It keeps no windows, which are larger
than all else together and take time for each image of an index: words say where a region is.
"""

Factory = Callable[..., Any]
"""What an entry point of a group is: a function or class that makes one thing."""

# ``importlib.metadata`` is imported when it is needed, so that `semblance --help` and the factories of
# representations stay quick to import.


def installed(group: str = REPRESENTATIONS) -> list[str]:
    """Return the names in a group, in order, without loading what they name."""
    return sorted({entry.name for entry in _entries(group)})


def load(name: str, group: str = REPRESENTATIONS) -> Factory:
    """Import what has a name in a group.

    Raises
    ------
    NotInstalledError : nothing has this name, or its package lacks something that it imports.
    """
    for entry in _entries(group):
        if entry.name != name:
            continue
        try:
            factory: Factory = entry.load()
        except ImportError as error:
            package = entry.module.split(".")[0]
            problem = f"cannot be loaded ({error})"
            raise NotInstalledError(name, problem, "install what it needs", package) from error
        return factory
    raise NotInstalledError(
        name,
        "is not installed",
        f"one of {', '.join(installed(group))}{did_you_mean(name, installed(group))}",
    )


def _entries(group: str) -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return _found(entry_points, group)


@cache
def _found(find: Callable[..., Iterable[EntryPoint]], group: str) -> Iterable[EntryPoint]:
    """Return the entry points of a group; looked for once, since all that is installed has to be read."""
    return tuple(find(group=group))


def make(name: str, settings: Mapping[str, Any] | None = None) -> Representation:
    """Make an installed representation that has learnt nothing yet; settings not given have their defaults.

    Raises
    ------
    NotInstalledError : there is no representation of this name, or it cannot be loaded.
    SettingError : a setting that it lacks, or a value that it refuses.
    """
    factory, own = load(name), settings or {}
    try:
        made: Representation = factory(**own)
    except TypeError as error:  # a text where a number belongs
        if not own:
            raise
        told = ", ".join(f"{key}={value!r}" for key, value in own.items())
        raise SettingError(f"{name}: cannot be made with {told} ({error})") from error
    return made


def make_by(name: str, settings: Mapping[str, Any] | None = None) -> Representation:
    """Make a representation that the option ``by`` names; see ``make``.

    Raises
    ------
    OptionError : there is no representation of this name, or it cannot be loaded.
    SettingError : a setting that it lacks, or a value that it refuses.
    """
    try:
        return make(name, settings)
    except NotInstalledError as error:
        raise OptionError(str(error), "by") from error


def own_settings(made: Representation, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some settings that a representation has. SettingError for a switch that is none."""
    own = {key: value for key, value in settings.items() if key in made.settings}
    check_switches({key: value for key, value in own.items() if isinstance(made.settings[key], bool)})
    return own


def refuse_unknown(name: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise SettingError, which names the nearest one, if a setting given is not among those known."""
    choices = set(known)
    for unknown in set(given) - choices:
        near = did_you_mean(unknown.lower(), choices) or f"; it has {', '.join(sorted(choices))}"
        raise SettingError(f"{name} has no setting {unknown!r}{near}")
