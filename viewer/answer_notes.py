"""Notes on one answer: that a condition leaves nothing, and that hits name no case, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieval.errors import did_you_mean
from retrieval.metadata.groups import NAMED_IN_FILES

from .answer import Answer, Caption
from .safe_text import printable

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions

    from .queries.query import Query


def has_value(caption: Caption, column: str) -> bool:
    """Tell whether an indexed image has a value of the column that its caption was made with."""
    always = {"id", "source", "rows", "cols"}
    return column in {*always, *caption.group, *(["label"] if caption.label else [])}


def note_on_condition(index: Index, options: QueryOptions, answer: Answer) -> str | None:
    """Return the line that says that no image meets a condition, or that there is none; None if one does."""
    if not answer.rows and not len(index) and not answer.lacking:
        return "note: this index holds no image yet; index a folder that has some"
    if answer.rows or options.where is None:
        return None
    from retrieval.index.storage.annotations import Annotations

    where = options.where
    if index.ask(lambda snapshot: bool(Annotations(snapshot).meets(where).any())):
        return None
    unknown = index.ask(lambda snapshot: Annotations(snapshot).unknown_values(where))
    never = [f"{column} is never {value!r}{_nearest(str(value), there)}" for column, value, there in unknown]
    if any(column in NAMED_IN_FILES for column, *_ in unknown):
        never.append("those of files are pseudonyms, as hits show them")
    return printable("; ".join([f"note: no image meets the condition {where}", *never]))


def note_on_cases(query: Query, options: QueryOptions, answer: Answer) -> str | None:
    """Return the line that says that hits name no case; None if all do."""
    column = options.group_by
    n = 0 if column is None else sum(not has_value(row.caption, column) for row in answer.rows)
    if not n:
        return None
    who = "no hit has one" if n == len(answer.rows) else f"{n:,} of {len(answer.rows):,} hits have none"
    # Slices are no volumes: see ``independent_cases``.
    of_volume = "their study, series, slide or file is their case"
    alone = of_volume if query.slices else "each is a case of its own"
    return printable(f"note: --group-by {column}: {who}; {alone}")


def note_on_lone_slice(query: Query) -> str | None:
    """Return the line that says that a volume is one slice, read from one file that was named; else None."""
    # A folder may hold a stack of one slice, which is all there is.
    if query.known_as is not None or [one.id for one in query.slices] != [query.id]:
        return None
    return printable(f"note: {query.id}: one slice asks alone; if its volume has others, give them too")


def _nearest(value: str, there: Sequence[str]) -> str:
    # Of short words no other is near: CT and ct share no letter.
    same = [one for one in there if one.casefold() == value.casefold()]
    return f"; did you mean {same[0]}?" if same else did_you_mean(value, there)
