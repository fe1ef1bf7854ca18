"""Matching: whether an attribute is what a query asks for, as archives decide it (PS3.4 section C.2.2.2)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any


def matches(value: Any, wanted: str) -> bool:
    """Tell if a value matches: one of several with ``\\``, a range ``20260101-``, or with ``*`` and ``?``.

    An attribute that is not there matches only what asks for nothing, or for anything.
    """
    texts = [] if value is None else [str(one) for one in (value if _is_list(value) else [value])]
    if wanted in ("", "*"):
        return True
    return any(_matches_one(text, one) for text in texts for one in wanted.split("\\"))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) or type(value).__name__ == "MultiValue"


def _matches_one(text: str, wanted: str) -> bool:
    first, dash, last = wanted.partition("-")
    # Dates and times only: a dash elsewhere is a part of a name.
    if (
        dash
        and (first or last)
        and all(end == "" or end.replace(".", "").isdecimal() for end in (first, last))
    ):
        return (not first or text >= first) and (not last or text <= last or text.startswith(last))
    return fnmatchcase(text, wanted.replace("[", "[[]"))
