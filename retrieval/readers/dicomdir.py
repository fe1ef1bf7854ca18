"""The DICOMDIR: a DICOM file that names the files of a disc (PS3.3 F). It is read within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import PictureError
from .limits import LimitError
from .warnings_off import quiet

MAX_FILES = 1_000_000
"""Files that one may name; a disc holds thousands."""

_CLASS = re.compile(rb"1\.2\.840\.10008\.1\.3\.10(?![.\d])")
_AT_A_TIME = 1000  # names in one message
Parts = tuple[str, ...]
"""The name of a file, in parts: those of its folders, and its own."""


def is_directory_file(path: Path) -> bool:
    """Return whether a file is a DICOMDIR, by its media storage class, which is near its beginning."""
    try:
        if not path.is_file():  # to open a pipe would wait for who writes into it
            return False
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError:
        return False
    return head[128:132] == b"DICM" and _CLASS.search(head) is not None


def listed_files(path: Path) -> set[Parts]:
    """Return the names that a DICOMDIR has of files below its folder, as another process reads them.

    Raises
    ------
    PictureError : it is damaged, takes more than it may, or names more than ``MAX_FILES`` files.
    """
    # Only who meets a DICOMDIR needs what starts processes.
    from .guarded import guarded_items

    found: set[Parts] = set()
    try:
        for names in guarded_items(_names, path, path.name, path):
            found.update(names)
    except LimitError:
        raise
    except PictureError as error:
        raise PictureError(f"{path.name}: the DICOMDIR cannot be read ({error})") from error
    return found


def _names(path: Path) -> Iterator[list[Parts]]:
    """Yield the names, some at a time; PS3.3 F.3.2.2."""
    with quiet():
        from pydicom import dcmread

        records = dcmread(path, force=True).get("DirectoryRecordSequence") or []
        names = [_parts(record.ReferencedFileID) for record in records if record.get("ReferencedFileID")]
    if len(names) > MAX_FILES:
        raise PictureError(f"it names {len(names):,} files, more than {MAX_FILES:,}")
    for first in range(0, len(names), _AT_A_TIME):
        yield names[first : first + _AT_A_TIME]


def _parts(value: Any) -> Parts:
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(piece for part in parts for piece in str(part).replace("\\", "/").split("/") if piece)
