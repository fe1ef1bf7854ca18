"""Notes on options of a query that change nothing of its answer, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieval.evidence.localization import Locator
from retrieval.representation import Adjustable

from .queries.query import asked_by

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions

_MOVING = ("like", "unlike", "blind", "concept")
"""Options that move the vector of a query."""


def note_on_fusion(index: Index, options: QueryOptions) -> str | None:
    """Return the line that says that a rule of fusion has nothing to fuse; else None."""
    names = asked_by(index, options)
    if options.fusion is None or len(names) != 1:
        return None
    return f"note: --fusion {options.fusion} changes nothing: {names[0]} answers alone"


def note_on_places(index: Index, options: QueryOptions, has_boxes: bool) -> str | None:
    """Return the line that says which options do not reach a ranking by where a query matches; else None.

    A ranking that local evidence ordered is not smoothed. A representation that scores places of all images,
    and not of the best alone, asks with the region as it is, wherever its vector was moved to.

    Parameters
    ----------
    has_boxes : whether any hit says where the query matched.
    """
    if options.region is None and not options.smooth:
        return None
    by_place, by_place_alone = [], []
    for name in asked_by(index, options):
        n = _n_placed(index, name, options)
        by_place += [name] if n != 0 else []
        by_place_alone += [name] if n is None else []
    moving = [f"--{name}" for name in _MOVING if getattr(options, name)] if by_place_alone else []
    said = [_sentence(moving, by_place_alone)] if moving else []
    said += [_sentence(["--smooth"], by_place)] if options.smooth and by_place and has_boxes else []
    return f"note: {'; '.join(said)}" if said else None


def _n_placed(index: Index, name: str, options: QueryOptions) -> int | None:
    """Return how many of the best images a representation scores by places; None for all."""
    made = index.representation(name)
    if isinstance(made, Adjustable):
        own = {key: value for key, value in (options.adjust or {}).items() if key in made.query_settings}
        made = made.adjusted(**own) if own else made
    return made.n_candidates(options.region is not None) if isinstance(made, Locator) else 0


def _sentence(flags: Sequence[str], names: Sequence[str]) -> str:
    verb, ranks = ("does" if len(flags) == 1 else "do"), ("ranks" if len(names) == 1 else "rank")
    listed = " and ".join(names)
    return f"{', '.join(flags)} {verb} not reach {listed}, which {ranks} by where the query matches"
