"""Problems of a question, as the page gets them: a kind, and one line without any path."""

from __future__ import annotations

import re
from enum import StrEnum

from retrieval.errors import (
    IndexFolderError,
    NoThumbnailError,
    OptionError,
    PictureError,
    SemblanceError,
    SettingError,
)
from viewer.safe_text import printable

_MARKS = ("region", "polygon", "mask", "point", "mm", "margin")
# Whatever begins with a slash or a drive, up to a blank or a sign that ends a path in our messages.
_PATH = re.compile(r"(?<![\w./\\])(?:[A-Za-z]:)?[/\\](?:[^\s:;,'\"()/\\]+[/\\])*([^\s:;,'\"()/\\]+)")


class Kind(StrEnum):
    """The kinds of problems."""

    BAD_ASK = "BAD_ASK"
    BAD_REGION = "BAD_REGION"
    BAD_FILTER = "BAD_FILTER"
    UNREADABLE = "UNREADABLE"
    NOT_FOUND = "NOT_FOUND"
    GONE = "GONE"
    LIMIT = "LIMIT"


STATUS = {Kind.NOT_FOUND: 404, Kind.GONE: 503, Kind.UNREADABLE: 410, Kind.LIMIT: 413}
"""The HTTP status of a kind; 400 of the others."""


class RefusedError(Exception):
    """A question that cannot be answered: its kind, why, and which argument is at fault if that is known."""

    def __init__(self, kind: Kind, message: str, argument: str | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.argument = kind, message, argument


def not_found(what: str) -> RefusedError:
    """Return the refusal of something that is not there."""
    return RefusedError(Kind.NOT_FOUND, f"{printable(what)}: there is none")


def refusal_of(error: Exception) -> RefusedError | None:
    """Return what the page shows of an error; None of one that nobody has foreseen."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, OSError):  # such as a full disk, or a folder that nobody may write to
        return RefusedError(Kind.GONE, f"the server cannot read or write a file ({error.strerror})")
    if not isinstance(error, SemblanceError):
        return None
    # Messages are written for a user of this machine; who asks from another learns no folder's name.
    text = " ".join(str(error).split())
    if isinstance(error, IndexFolderError):
        # Begins with the folder, in whose name there may be blanks.
        text = f"the index: {text.partition(': ')[2] or text}"
    text = without_paths(printable(text))
    if isinstance(error, OptionError):
        kind = Kind.BAD_REGION if set(error.options) & set(_MARKS) else Kind.BAD_ASK
        return RefusedError(kind, text, error.options[0] if error.options else None)
    if isinstance(error, SettingError):
        argument = text.partition(":")[0] if ":" in text else None
        kinds = {"where": Kind.BAD_FILTER, "region": Kind.BAD_REGION}
        return RefusedError(kinds.get(argument or "", Kind.BAD_ASK), text, argument)
    if isinstance(error, PictureError | NoThumbnailError):
        return RefusedError(Kind.UNREADABLE, text)
    return RefusedError(Kind.GONE if isinstance(error, IndexFolderError) else Kind.BAD_ASK, text)


def without_paths(text: str) -> str:
    """Return text in which of each path of this machine only the last part stays."""
    return _PATH.sub(lambda found: found[1], text)
