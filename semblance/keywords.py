"""What a query may say besides its image: options and marked regions, as keywords."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as PillowImage

    from retrieval.index import QueryOptions
    from viewer.queries.marked_region import Mark

    Image = str | PathLike[str] | NDArray[Any] | PillowImage
    MaskImage = str | PathLike[str] | NDArray[np.generic]

Box = tuple[float, float, float, float]
"""x, y, width and height in pixels; x to the right, y down, both from the upper left corner."""

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


def names(given: Names) -> tuple[str, ...]:
    """Return one name or several as several."""
    return (given,) if isinstance(given, str) else tuple(given)


def mark(given: Mapping[str, Any]) -> Mark:
    """Return the mark among the keywords of a query."""
    from viewer.queries.marked_region import Mark

    found = {key: given[key] for key in Marks.__annotations__ if key in given}
    for key in ("polygon", "point", "region"):
        # Lists will do too, and arrays of corners.
        if found.get(key) is not None:
            found[key] = tuple(tuple(one) if key == "polygon" else one for one in found[key])
    return Mark(**found)


def options(given: Mapping[str, Any]) -> QueryOptions:
    """Return the options among the keywords of a query. SettingError if one is unknown or makes no sense."""
    from retrieval.index import QueryOptions
    from retrieval.registry import refuse_unknown

    # A misspelt keyword is an error with a suggestion, never a query without it.
    refuse_unknown("a query", given, Keywords.__annotations__)
    found = {key: value for key, value in given.items() if key in Options.__annotations__}
    return QueryOptions(**{**found, "by": names(found.get("by", ()))})
