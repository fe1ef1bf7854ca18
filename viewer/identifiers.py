"""Identifiers: what in a text looks like a person, a date, a number of a patient, an address or a UID.

It knows shapes, not people: what it finds is to be looked at, and a name alone in a line is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retrieval.readers.dicom.terms import BODY_PART, IMAGE_TYPE, MODALITY, VIEW

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
# As people write them, without the zero, and with the month before the day or as a word.
_M, _D = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_NAMED = (
    r"(?i:jan(?:uary?)?|feb(?:ruary?)?|mar(?:ch)?|märz?|apr(?:il)?|ma[iy]|jun[ei]?|jul[iy]?|aug(?:ust)?|"
    r"sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
_TIME = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
_DATES = (
    rf"(?<!\d){_YEAR}{_MONTH}{_DAY}(?:T?{_TIME})?(?!\d)",
    rf"(?<!\d){_YEAR}([-./_]){_M}\1{_D}(?!\d)",
    rf"(?<![\d.])(?:{_D}[-./_]{_M}|{_M}[-./_]{_D})[-./_]{_YEAR}(?!\d)",
    rf"(?<![\d./])(?:{_DAY}([./]){_MONTH}|{_MONTH}([./]){_DAY})(?:\2|\3)\d\d(?![./]?\d)",
    rf"(?<!\d){_D}(?:st|nd|rd|th|\.)?[-/_ ]?{_NAMED}[-/_, ]{{0,2}}{_YEAR}(?!\d)",
)
_MONTH_FIRST = rf"(?<![^\W_]){_NAMED}[-_ ]{_D}(?:st|nd|rd|th)?[-_, ]{{1,2}}{_YEAR}(?!\d)"
_WORD, _PATH = r"[^\W\d_]", r"[^\s\"'<>]"
_UPPER = f"[{''.join(c for c in map(chr, range(0x41, 0x587)) if c.isupper())}]"
_FOLDERS = "home|Users|mnt|media|data|srv|var|root|tmp"
# The underscores of names of files part words; a pseudonym, of letters and digits, is one word.
_FREE, _END = r"(?<![^\W_])(?<!\d\.)", r"(?![^\W_]|\.\d|-\d)"

PATTERNS = {
    "uid": re.compile(r"(?<![\w.])(?!1\.2\.840\.10008\.)[0-2](?:\.\d{1,39}){5,}(?![\w])"),
    "e-mail": re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "date": re.compile(rf"(?=\d)(?:{'|'.join(_DATES)})|{_MONTH_FIRST}"),
    # One letter is a name where letters are syllables.
    "name": re.compile(
        rf"(?<!{_WORD})(?:{_WORD}{{2,}}|[^\x00-\u024f\W\d_])\^+(?:{_WORD}+|(?<=\^\^))"
        rf"|(?<![^\W_]){_UPPER}{_WORD}+(?:, ?|_){_UPPER}{_WORD}+(?![^\W_])"
    ),
    "number": re.compile(rf"{_FREE}(?:[A-Za-z]{{0,4}}\d{{6,12}}|\d{{3}}-\d\d-\d{{4}}){_END}"),
    "path": re.compile(
        rf"(?<![\w/.:<])/(?:{_FOLDERS})/{_PATH}+|\b[A-Z]:\\{_PATH}+|\bfile://{_PATH}+|\\\\[\w.-]+\\{_PATH}+"
    ),
}
"""What is looked for, in this order; what an earlier one took a later one does not report again.

UIDs of PS3.5 section 9, but for those of the standard itself; dates as DICOM and as people write them; names
as PN, or as two capitalised words with ``_`` or ``,`` between; numbers of 6 to 12 digits, also behind up to
four letters, and those of social security; paths below a folder of people or discs, and of servers.
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
