"""The access log: who asked an index for what, by keyed hashes; off unless ``SEMBLANCE_ACCESS_LOG`` is set.

A line of JSON for each command that opens an index: the time, the command, the user's number, the exit code,
and hashes of what was asked for and shown. No name of an image, a patient or a file is in it. Who has the key
of the index can hash the id of an image and look for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from retrieval.errors import SemblanceError

from .parameters import Arguments

VARIABLE = "SEMBLANCE_ACCESS_LOG"
"""The variable of the environment that names the file, which is appended to."""

_ASKED = ("image", "images", "query", "hit", "ids", "volume", "folders")
"""The arguments of commands that name images."""


@contextmanager
def access_log(args: Arguments) -> Iterator[None]:
    """Write a line when the block ends, if the log is on and the command opens an index.

    Raises SemblanceError before the block if the log cannot be written: what is not logged is not shown.
    """
    place = os.environ.get(VARIABLE)
    index = getattr(args, "index", None) or getattr(args, "output", None)
    if not place or not isinstance(index, Path) or not _is_index_command(args):
        yield
        return
    _append(Path(place), "")
    code: int | None = 1
    try:
        yield
        code = args.code
    finally:
        _append(Path(place), json.dumps(_entry(args, index, code)) + "\n")


def _is_index_command(args: Arguments) -> bool:
    return hasattr(args, "index") or args.command == "index"


def _entry(args: Arguments, index: Path, code: int | None) -> dict[str, object]:
    asked = [text for name in _ASKED for text in _texts(getattr(args, name, None))]
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": args.command,
        "user": os.getuid(),
        "code": code,
        **_hashes(index, asked, args.shown),
    }


def _texts(value: object) -> list[str]:
    if value is None or isinstance(value, bool):  # a flag of the same name
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _hashes(index: Path, asked: Sequence[str], shown: Sequence[str]) -> dict[str, object]:
    """Return the id of the key, and keyed hashes of what was asked for and shown; none without the key."""
    from retrieval.errors import IndexFolderError
    from retrieval.index.catalogue.database import Catalogue
    from retrieval.index.storage.key_of_index import key_of
    from retrieval.readers.pseudonym import hashed

    try:
        catalogue = Catalogue.open(index)
    except IndexFolderError:  # it was never made
        return {"asked": [], "shown": []}
    try:
        key = key_of(catalogue)
        made = {name: hashed(key, "access", name) for name in dict.fromkeys([*asked, *shown])}
    finally:
        catalogue.close()
    # Hashes under a key that nobody has could be looked up by nobody: their number is what can be said.
    if not key.is_known:
        return {"asked": len(asked), "shown": len(shown)}
    return {"asked": [made[name] for name in asked], "shown": [made[name] for name in shown]}


def _append(path: Path, line: str) -> None:
    try:
        # One write of one line, appended: lines of two processes do not mix.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
    except OSError as error:
        raise SemblanceError(
            f"{path}: the access log cannot be written ({error.strerror}); nothing is asked without it"
        ) from error
