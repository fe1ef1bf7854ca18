"""Terms: what is looked for in reports, each by a pattern, from a table that may be replaced."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import SettingError
from ..table_rows import table_rows

TERMS = Path(__file__).with_name("terms.csv")
"""The table that is used if none is given: findings of radiology, in English and German."""
_COLUMNS = ["term", "pattern"]
_MOST_TERMS = 2_000


@dataclass(frozen=True)
class Term:
    """Something that reports speak of.

    Parameters
    ----------
    name : what it is called, without ``;``, which parts labels.
    pattern : a regular expression of whole words; capitals do not matter.
    """

    name: str
    pattern: str
    found: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.name or ";" in self.name:
            raise SettingError(f"terms: {self.name!r} is no name of a term; give one without ';'")
        try:
            # Whole words: "mass" is no part of "massive", and German compounds say so in the table.
            made = re.compile(rf"(?<!\w)(?:{self.pattern})(?!\w)", re.IGNORECASE)
        except re.error as error:
            raise SettingError(f"terms: {self.name}: {self.pattern!r} is no pattern ({error})") from None
        # It would be found between any two words, and so in every report.
        if made.search(""):
            raise SettingError(f"terms: {self.name}: {self.pattern!r} matches nothing at all, so everything")
        object.__setattr__(self, "found", made)


def read_terms(path: Path | None = None) -> tuple[Term, ...]:
    """Read a table of terms, CSV in UTF-8 with the columns ``term`` and ``pattern``; None: ``TERMS``.

    Lines of one term are joined: each of their patterns stands for it.

    Raises
    ------
    SettingError : no such file, other columns, a pattern that cannot be read, or no term at all.
    """
    place = TERMS if path is None else path
    patterns: dict[str, list[str]] = {}
    header: list[str] = []
    for line, fields in table_rows(place, "terms"):
        if not header:
            header = [name.strip() for name in fields]
            if header != _COLUMNS:
                raise SettingError(f"terms: {place}, line 1: its columns must be term,pattern")
            continue
        name, pattern = (part.strip() for part in fields)
        try:
            Term(name, pattern)
        except SettingError as error:
            raise SettingError(f"terms: {place}, line {line}: {str(error).removeprefix('terms: ')}") from None
        patterns.setdefault(name, []).append(pattern)
    if not 0 < len(patterns) <= _MOST_TERMS:
        raise SettingError(f"terms: {place}: {len(patterns):,} terms; give 1 to {_MOST_TERMS:,}")
    return tuple(Term(name, "|".join(own)) for name, own in patterns.items())
