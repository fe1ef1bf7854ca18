"""The flag ``--key``: every command that opens an index has it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from .argument_types import place
from .parameters import Option

_VARIABLE = "SEMBLANCE_KEY"  # of retrieval.index.storage.key_file, which is not imported for --help


def key_options(parameters: Sequence[click.Parameter]) -> list[Option]:
    """Return the option ``--key`` for a command that opens an index; nothing for any other."""
    if not any(param.metavar in ("INDEX", "INDEX|REPORT|FOLDER") for param in parameters):
        return []
    # Not by hand at each command: one that opens an index and lacks the flag could not be run elsewhere.
    about = "the key file of the index's pseudonyms; made for a new index [SEMBLANCE_KEY, or the user's own]"
    return [Option(["--key"], type=place, metavar="FILE", help=about)]


@contextmanager
def key_file(path: Path | None) -> Iterator[None]:
    """Let indexes take their key from a file while a command runs; None for the user's own."""
    # A notebook or a test runs many commands in one process: each leaves the variable as it was.
    before = os.environ.get(_VARIABLE)
    if path is not None:
        # The environment, because learners and evaluations open the index for themselves.
        os.environ[_VARIABLE] = str(path)
    try:
        yield
    finally:
        if before is not None:
            os.environ[_VARIABLE] = before
        elif path is not None:
            del os.environ[_VARIABLE]
