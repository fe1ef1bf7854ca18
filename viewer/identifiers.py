"""Identifiers: what in a text looks like a person, a date, a number of a patient, an address or a UID.

It knows shapes, not people: what it finds is to be looked at, and a name alone in a line is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retrieval.readers.dicom.terms import BODY_PART, IMAGE_TYPE, MODALITY, VIEW

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_WORD, _PATH = r"[^\W\d_]", r"[^\s\"'<>]"
_FOLDERS = "home|Users|mnt|media|data|srv|var|root|tmp"
_FREE, _END = r"(?<![\w.])", r"(?![\w.]|-\d)"

PATTERNS = {
    "uid": re.compile(rf"{_FREE}(?!1\.2\.840\.10008\.)[0-2](?:\.\d{{1,39}}){{5,}}(?![\w])"),
    "e-mail": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "date": re.compile(
        rf"(?<!\d){_YEAR}([-./]?){_MONTH}\1{_DAY}(?!\d)|(?<!\d){_DAY}[-./]{_MONTH}[-./]{_YEAR}(?!\d)"
    ),
    "name": re.compile(rf"{_WORD}{{2,}}\^{_WORD}+|(?<![^\W_])[A-Z]{_WORD}+(?:, ?|_)[A-Z]{_WORD}+(?![^\W_])"),
    "number": re.compile(rf"{_FREE}\d{{6,12}}{_END}"),
    "path": re.compile(rf"(?<![\w/.:<])/(?:{_FOLDERS})/{_PATH}+|\b[A-Z]:\\{_PATH}+"),
}
"""What is looked for, in this order; what an earlier one took a later one does not report again.

UIDs of PS3.5 section 9, but for those of the standard itself; dates as DICOM and as people write them; names
as PN, or as two capitalised words with ``_`` or ``,`` between; numbers of 6 to 12 digits; paths below a
folder of people or discs.
"""

_WORDS = MODALITY | BODY_PART | VIEW | IMAGE_TYPE


@dataclass(frozen=True)
class Identifier:
    """What looks like an identifier: where it was found, its kind, a key of ``PATTERNS``, and the text."""

    where: str
    kind: str
    text: str


def identifiers(texts: Iterable[tuple[str, str]]) -> Iterator[Identifier]:
    """Yield what looks like an identifier in texts, given with where each is; each text once a place."""
    seen = set()
    for where, text in texts:
        for kind, found in _found(text):
            one = Identifier(where, kind, found)
            if one not in seen:
                seen.add(one)
                yield one


def _found(text: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            if kind != "name" or not _are_terms(match.group()):
                yield kind, match.group()
        text = pattern.sub(" ", text)


def _are_terms(name: str) -> bool:
    """Tell if two words of a name are of medicine, or of ours: ``CT_Head`` is nobody."""
    return name.startswith("SEMBLANCE_") or any(word.upper() in _WORDS for word in re.split(r"[^\w]|_", name))
