"""What completes a word in a shell from an index: representations, columns, and ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import click

from .argument_types import files

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from retrieval.index import Index

_LOOKED_AT = 200
"""Images whose columns are offered: to look at all of a large index would keep a user waiting."""
_OFFERED = 200
"""The most ids that are offered at once."""


def complete_representation(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete a representation: of the index if the line names it, else an installed one."""
    from retrieval.registry import installed

    # Before the index is typed, or if it does not exist yet, any installed one may be meant.
    found = _ask(ctx, lambda index: list(index.representations))
    return [name for name in found or installed() if name.startswith(incomplete)]


def complete_column(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a column that images of the index have."""
    return [name for name in _ask(ctx, _columns) if name.startswith(incomplete)]


def complete_id(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the id of an image of the index."""
    return _ask(
        ctx, lambda index: list(islice((n for n in index.names if n.startswith(incomplete)), _OFFERED))
    )


def complete_image(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the id of an image of the index, or a path if there is none."""
    from click.shell_completion import CompletionItem

    # Ids come first, as in a query: an id of the index goes before a file of that name.
    return [CompletionItem(id) for id in complete_id(ctx, param, incomplete)] or files(ctx, param, incomplete)


def _columns(index: Index) -> list[str]:
    # One image after the other: the columns of all images would be read from all rows.
    entries = [index.picture(name) for name in index.names[:_LOOKED_AT]]
    return sorted({"label"}.union(*(one.groups for one in entries), *(one.metadata for one in entries)))


def _ask(ctx: click.Context, question: Callable[[Index], Sequence[str]]) -> list[str]:
    """Ask the index that the line names; nothing is offered if there is none, or it cannot be read."""
    with _opened(ctx) as index:
        return [] if index is None else list(question(index))


@contextmanager
def _opened(ctx: click.Context) -> Iterator[Index | None]:
    from retrieval.errors import SemblanceError
    from scale.shards.opening import open_index
    from scale.shards.plan import lists_shards

    # The index is an argument of the same line, and may not be typed yet.
    folder = ctx.params.get("index")
    if folder is None or not (folder.is_dir() or lists_shards(folder)):
        yield None
        return
    try:
        index = open_index(folder)
    except (SemblanceError, OSError):
        yield None  # no error of an index belongs into a line that is being typed
        return
    with index:
        yield index
