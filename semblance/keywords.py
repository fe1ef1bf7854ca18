"""What a query may say besides its image: options and marked regions, as keywords."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite
from numbers import Integral, Real
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from retrieval.errors import SettingError, check_switches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as PillowImage

    from retrieval.index import QueryOptions
    from retrieval.metadata.label_table import LabelTable
    from viewer.queries.marked_region import Mark

    Image = str | PathLike[str] | NDArray[Any] | PillowImage
    MaskImage = str | PathLike[str] | NDArray[np.generic]

Box = tuple[float, float, float, float]
"""x, y, width and height in pixels; x to the right, y down, both from the upper left corner."""

Labels = str | PathLike[str] | Mapping[str, "str | int | Sequence[str | int]"] | None
"""A CSV table; or by path, relative to the indexed folder, one label or several."""

Names = str | Sequence[str]
"""One name, or several."""


# Typed dictionaries, so that editors complete the keywords and mypy checks them; `options` and `mark` turn
# them into the classes that the command line uses too, which check their values.


class Marks(TypedDict, total=False):
    """The part of an image that asks; see ``viewer.queries.marked_region.Mark``."""

    region: Box | None
    polygon: Sequence[tuple[float, float]] | None
    mask: MaskImage | None
    point: tuple[float, float] | None
    mm: bool
    margin: float


class Options(TypedDict, total=False):
    """The options of a query; see ``retrieval.index.QueryOptions``."""

    by: Names
    k: int
    among: Collection[str] | None
    where: str | None
    not_same: str | None
    group_by: str | None
    include_self: bool
    fusion: str | None
    adjust: Mapping[str, Any] | None
    case_by: str
    collapse: float | None
    like: Sequence[str]
    unlike: Sequence[str]
    concept: Sequence[str]
    blind: int
    smooth: int
    volume_by: str


class Keywords(Options, Marks, total=False):
    """Both."""


_WHOLE, _NUMBERS = ("k", "blind", "smooth"), ("margin", "unsure")
_TEXTS = ("case_by", "volume_by", "label_of", "hit")
_NUMBERS_OR_NONE, _TEXTS_OR_NONE = ("collapse",), ("where", "not_same", "group_by", "fusion")
_NAMES = ("by", "among", "like", "unlike", "concept")
_SWITCHES = ("include_self", "mm")


def names(given: Names | None, what: str = "by") -> tuple[str, ...]:
    """Return one name or several as several, none for None. SettingError for what is no name."""
    # A text is a sequence of letters, none of which is meant.
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    found = () if given is None else tuple(several)
    for one in found:
        if not isinstance(one, str):
            raise SettingError(f"{what}: {one!r} is no name; give text, each name by itself")
    return found  # type: ignore[return-value]  # all are text


def paths(given: Iterable[Any], what: str) -> list[Path]:
    """Return paths. SettingError for what is none, or empty."""
    # An empty path is the current folder to pathlib: most often a variable that is not set.
    found = [fspath(one) if isinstance(one, PathLike) else one for one in given]
    for one in found:
        if not isinstance(one, str) or not one or "\0" in one:
            raise SettingError(f"{what}: {one!r} is no path; give that of a file or folder, each by itself")
    return [Path(one) for one in found]


def table_of(labels: Labels) -> LabelTable | None:
    """Return labels as a table, None if there are none. SettingError if they make no sense."""
    from retrieval.metadata.label_table import LabelTable

    if labels is None:
        return None
    if isinstance(labels, Mapping):
        return LabelTable.of(labels)
    return LabelTable.read(paths([labels], "labels")[0])


def mark(given: Mapping[str, Any]) -> Mark:
    """Return the mark among the keywords of a query. SettingError for one without the numbers it needs."""
    from viewer.queries.marked_region import Mark

    found = checked({key: given[key] for key in Marks.__annotations__ if key in given})
    # Lists will do too, and arrays of corners.
    for key, n, what in (("region", 4, "x, y, width and height"), ("point", 2, "x and y")):
        if found.get(key) is not None:
            found[key] = _numbers(key, found[key], n, what)
    if found.get("polygon") is not None:
        corners = found["polygon"] if isinstance(found["polygon"], Iterable) else ()
        found["polygon"] = tuple(_numbers("polygon", one, 2, "x and y of each corner") for one in corners)
        if not found["polygon"]:
            raise SettingError("polygon: has no corners; give x and y of each")
    return Mark(**found)


def _numbers(key: str, given: Any, n: int, what: str) -> tuple[float, ...]:
    found = tuple(given) if isinstance(given, Iterable) else ()
    if len(found) != n or not all(isinstance(one, Real) and isfinite(one) for one in found):
        raise SettingError(f"{key}: {given!r} will not do; give {n} numbers, {what}")
    return found


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords. SettingError for a value of another kind than its keyword has."""
    kinds: Sequence[tuple[Sequence[str], Any, str]] = (
        (_WHOLE, Integral, "whole number"),
        (_NUMBERS, Real, "number"),
        (_TEXTS, str, "text"),
        (_NUMBERS_OR_NONE, Real | None, "number"),
        (_TEXTS_OR_NONE, str | None, "text"),
    )
    # Else the error would come from within, and name no keyword.
    for keys, kind, called in kinds:
        for key in keys:
            # True is a whole number to Python, and to nobody else.
            if key in given and (not isinstance(given[key], kind) or isinstance(given[key], bool)):
                raise SettingError(f"{key}: {given[key]!r} is no {called}")
    check_switches({key: given[key] for key in _SWITCHES if key in given})
    adjust = given.get("adjust")
    if adjust is not None and not isinstance(adjust, Mapping):
        raise SettingError(f"adjust: {adjust!r} is no mapping; give settings by name")
    # No `among` at all is every image, and not none of them.
    there = [key for key in _NAMES if key in given and (key != "among" or given[key] is not None)]
    return {**given, **{key: names(given[key], key) for key in there}}


def options(given: Mapping[str, Any]) -> QueryOptions:
    """Return the options among the keywords of a query. SettingError if one is unknown or makes no sense."""
    from retrieval.index import QueryOptions
    from retrieval.registry import refuse_unknown

    # A misspelt keyword is an error with a suggestion, never a query without it.
    refuse_unknown("a query", given, Keywords.__annotations__)
    found = {key: value for key, value in checked(given).items() if key in Options.__annotations__}
    return QueryOptions(**found)
