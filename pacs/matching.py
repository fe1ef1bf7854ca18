"""Matching: whether an attribute is what a query asks for, as archives decide it (PS3.4 section C.2.2.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from retrieval.errors import SettingError

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_OF_RANGES = ("DA", "TM", "DT")
"""Value representations of attributes that a range may ask for (PS3.4 section C.2.2.2.5)."""
_COMPARED = ("AS", "CS", "DA", "LO", "SH", "UI")
"""Those in which a value shows that it is not what was asked for; names may match by their sound."""


def matches(value: Any, wanted: str, keyword: str) -> bool:
    """Tell if a value of an attribute matches: one of several with ``\\``, or with ``*`` and ``?``.

    A date or a time may also be in a range, ``20260101-``; a hyphen elsewhere is a part of a number or name.
    A name of a person matches in any of its writings, whatever the case.
    An attribute that is not there matches only what asks for nothing, or for anything.
    """
    from pydicom.datadict import dictionary_VR

    texts = [] if value is None else [str(one) for one in (value if is_list(value) else [value])]
    if wanted in ("", "*"):
        return True
    vr = dictionary_VR(keyword)
    if vr == "PN":
        texts, wanted = _writings(texts), wanted.casefold().rstrip("^")
    one_matches = _is_in_range if vr in _OF_RANGES else _is_like
    return any(one_matches(text, one) for text in texts for one in wanted.split("\\"))


def check_keyword(keyword: str, is_known: bool | None = None) -> None:
    """Raise SettingError for an attribute that DICOM does not have: archives pass over it, and send all."""
    from pydicom.datadict import tag_for_keyword

    if not (tag_for_keyword(keyword) if is_known is None else is_known):
        raise SettingError(f"{keyword}: DICOM has no such attribute; write it as in Modality=CT")


def tag_of(keyword: str) -> str:
    """Return the tag of an attribute, ``00080060``, by its keyword or by itself; empty if there is none."""
    from pydicom.datadict import tag_for_keyword

    if _TAG.fullmatch(keyword):
        return keyword.upper()
    tag = tag_for_keyword(keyword)
    return "" if tag is None else f"{tag:08X}"


def contradicts(values: Sequence[Any], wanted: str, keyword: str) -> bool:
    """Tell if values that an archive returned show that it did not heed what was asked for.

    Archives may find more than is asked for, such as texts in any case or without accents; what none of these
    explains counts.
    """
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    tag = tag_of(keyword)
    vr = dictionary_VR(tag) if tag and dictionary_has_tag(tag) else ""
    texts = [_bare(str(value)) for value in values if value not in (None, "")]
    if not texts or is_any(wanted) or vr not in _COMPARED:
        return False
    # Lists have commas in web queries.
    asked = [_bare(one) for one in wanted.replace(",", "\\").split("\\")]
    if vr == "DA":
        # Dates of before 1993 have dots (PS3.5 section 6.2).
        return not any(_is_in_range(text.replace(".", ""), one) for text in texts for one in asked)
    return not any(_is_like(text, f"*{one}*") for text in texts for one in asked)


def is_any(wanted: str) -> bool:
    """Tell if what is asked for is anything, or what has no value (``""``, PS3.4 section C.2.2.2.7)."""
    return not wanted.strip('*" ')


def _bare(text: str) -> str:
    """Return a text in small letters without accents, as some archives compare texts."""
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def is_list(value: Any) -> bool:
    """Tell if an attribute of a data set has several values."""
    return isinstance(value, list | tuple) or type(value).__name__ == "MultiValue"


def _writings(names: list[str]) -> list[str]:
    """Return names in small letters, whole and in each writing: alphabetic, ideographic, phonetic.

    PS3.5 section 6.2.1.1: ``=`` is between them, and ``^`` at the end may be left out.
    """
    names = [name.casefold() for name in names]
    return [one.rstrip("^") for name in names for one in (name, *name.split("="))]


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
