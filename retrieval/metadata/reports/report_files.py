"""The files of reports and terms: where they are, and whether they hold what was read of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..label_table import LabelTable
from .report_table import read_reports
from .terms import TERMS, read_terms


@dataclass(frozen=True)
class ReportFiles:
    """A table of reports and one of terms.

    Parameters
    ----------
    reports, terms : where they are; None for the terms that Semblance brings.
    columns : of text; see ``read_reports``.
    digests : of their bytes before they were read, by ``reports`` and ``terms``; see ``digest_of``.
    """

    reports: Path
    terms: Path | None
    columns: tuple[str, ...]
    digests: Mapping[str, str]

    @classmethod
    def at(cls, reports: Path, terms: Path | None = None, columns: Sequence[str] = ()) -> ReportFiles:
        """Find files, which need not be there. Their paths become absolute."""
        places = {"reports": reports.absolute(), "terms": (terms or TERMS).absolute()}
        # Before they are read: what is written to them meanwhile counts as a change.
        digests = {what: digest_of(path) for what, path in places.items()}
        return cls(places["reports"], terms and places["terms"], tuple(columns), digests)

    @property
    def can_be_read_again(self) -> bool:
        """Tell if both are files: of a pipe nothing is left."""
        return all(self.digests.values())

    def read(self) -> tuple[LabelTable, tuple[str, ...]]:
        """Return the terms of each image, as labels, and all that were looked for.

        Raises SettingError for a table that is not there or cannot be read.
        """
        terms = read_terms(self.terms)
        return read_reports(self.reports, terms, self.columns), tuple(term.name for term in terms)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits; empty if there is none that can be read again."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
