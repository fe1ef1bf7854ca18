"""Matching: whether an attribute is what a query asks for, as archives decide it (PS3.4 section C.2.2.2)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

_OF_RANGES = ("DA", "TM", "DT")
"""Value representations of attributes that a range may ask for (PS3.4 section C.2.2.2.5)."""


def matches(value: Any, wanted: str, keyword: str) -> bool:
    """Tell if a value of an attribute matches: one of several with ``\\``, or with ``*`` and ``?``.

    A date or a time may also be in a range, ``20260101-``; a hyphen elsewhere is a part of a number or name.
    An attribute that is not there matches only what asks for nothing, or for anything.
    """
    from pydicom.datadict import dictionary_VR

    texts = [] if value is None else [str(one) for one in (value if _is_list(value) else [value])]
    if wanted in ("", "*"):
        return True
    one_matches = _is_in_range if dictionary_VR(keyword) in _OF_RANGES else _is_like
    return any(one_matches(text, one) for text in texts for one in wanted.split("\\"))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) or type(value).__name__ == "MultiValue"


def _is_in_range(text: str, wanted: str) -> bool:
    first, dash, last = wanted.partition("-")
    if (
        dash
        and (first or last)
        and all(end == "" or end.replace(".", "").isdecimal() for end in (first, last))
    ):
        return (not first or text >= first) and (not last or text <= last or text.startswith(last))
    return _is_like(text, wanted)


def _is_like(text: str, wanted: str) -> bool:
    return fnmatchcase(text, wanted.replace("[", "[[]"))
