"""The access log of commands; ``viewer.access_log`` says what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from viewer.access_log import VARIABLE, log_access, log_file

from .parameters import Arguments

__all__ = ["VARIABLE", "access_log"]

_ASKED = ("image", "images", "query", "hit", "ids", "volume", "folders")
"""The arguments of commands that name images."""


@contextmanager
def access_log(args: Arguments) -> Iterator[None]:
    """Write a line when the block ends, if the log is on and the command opens an index.

    Raises SemblanceError before the block if the log cannot be written: what is not logged is not shown.
    """
    index = getattr(args, "index", None) or getattr(args, "output", None)
    log = log_file() if isinstance(index, Path) and _is_index_command(args) else None
    if log is None or not isinstance(index, Path):
        yield
        return
    code: int | None = 1
    try:
        yield
        code = args.code
    finally:
        asked = [text for name in _ASKED for text in _texts(getattr(args, name, None))]
        log_access(log, index, args.command, code, asked, args.shown)


def _is_index_command(args: Arguments) -> bool:
    return hasattr(args, "index") or args.command == "index"


def _texts(value: object) -> list[str]:
    if value is None or isinstance(value, bool):  # a flag of the same name
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
