"""The access log: who asked an index for what, by keyed hashes; off unless ``SEMBLANCE_ACCESS_LOG`` is set.

A line of JSON for each command, and for each answer of the page's server: the time, what was done, the user's
number, the exit code, and hashes of what was asked for and shown. No name of an image, a patient or a file is
in it. Who has the key of the index can hash the id of an image and look for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from retrieval.errors import SemblanceError

VARIABLE = "SEMBLANCE_ACCESS_LOG"
"""The variable of the environment that names the file, which is appended to."""


def log_file() -> Path | None:
    """Return the log; None if it is off. SemblanceError if it cannot be written: nothing is shown then."""
    place = os.environ.get(VARIABLE)
    if not place:
        return None
    _append(Path(place), "")
    return Path(place)


def log_access(
    log: Path, index: Path, command: str, code: int | None, asked: Sequence[str], shown: Sequence[str]
) -> None:
    """Append a line: what was done with an index, and the ids that were asked for and shown, as hashes.

    Raises SemblanceError if it cannot be written.
    """
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "user": os.getuid(),
        "code": code,
        **_hashes(index, asked, shown),
    }
    _append(log, json.dumps(entry) + "\n")


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
