"""Errors in one line, in the words of the command line: what went wrong, and the remedy."""

from __future__ import annotations

import click

from retrieval.errors import LACKS, OptionError, SemblanceError, lack


def usage_line(error: click.UsageError) -> str:
    """Say what is wrong with a command line."""
    from .usage_errors import explain

    return _shown(explain(error))


def one_line(error: BaseException) -> str:
    """Say what went wrong, fit for a user."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; nothing is lost, run the same command again"
    if isinstance(error, OptionError):
        text = error.by_flags
    elif isinstance(error, SemblanceError):
        text = str(error)
    elif isinstance(error, OSError) and error.errno in LACKS:
        text = str(lack(error, error.filename))
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    elif isinstance(error, MemoryError):
        text = "out of memory; use fewer --jobs"
    else:
        text = f"internal error, please report it ({type(error).__name__}: {error}); --debug shows where"
    return _shown(text)


def _shown(text: str) -> str:
    """Return text in one line that is safe on a terminal."""
    # Names of files come from others, and may hold what moves a terminal's cursor.
    from viewer.safe_text import printable

    return printable(" ".join(text.split()))
