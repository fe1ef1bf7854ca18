"""What users leave beside an index: saved searches, and tags as a table that ``index --labels`` takes."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from retrieval.errors import OptionError
from retrieval.metadata.label_table import LabelRow, LabelTable
from viewer.files import write_text
from viewer.safe_text import csv_text

MOST_SEARCHES = 500
MOST_STATE = 16_384
"""Characters of the state of a page."""
_MOST_NAME, _MOST_LABEL = 120, 64
_HEADER = ("path", "label")
_NOTHING = LabelRow((), {}, 0)


@dataclass(frozen=True)
class SavedSearch:
    """A search: the state of the page that asked it, JSON that means something to the page alone."""

    id: str
    name: str
    state: str
    saved: str


class Saved:
    """The files beside one index: ``INDEX.searches.json`` and ``INDEX.labels.csv``.

    Each change is written at once, whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        place = folder.resolve()
        self._searches = place.with_name(f"{place.name}.searches.json")
        self._labels = place.with_name(f"{place.name}.labels.csv")
        self._untagged: set[tuple[str, str]] = set()
        self._turn = threading.Lock()

    def searches(self) -> list[SavedSearch]:
        """Return the saved searches, the newest first."""
        if not self._searches.is_file():
            return []
        try:
            found = json.loads(self._searches.read_text("utf-8"))
            return [SavedSearch(**one) for one in found]
        except (OSError, ValueError, TypeError):
            raise OptionError(f"{self._searches.name} is damaged; repair or delete it", "searches") from None

    def save(self, name: str, state: str) -> SavedSearch:
        """Keep a search. OptionError for a name or a state that is empty, too long, or no JSON."""
        made = SavedSearch(secrets.token_hex(6), _text(name, "name", _MOST_NAME), _json(state), _now())
        with self._turn:
            # Read under the lock: two who save at once both stay.
            kept = [made, *self.searches()][:MOST_SEARCHES]
            self._write_searches(kept)
        return made

    def delete(self, id: str) -> bool:
        """Forget a search; tell whether there was one."""
        with self._turn:
            found = self.searches()
            kept = [one for one in found if one.id != id]
            if len(kept) < len(found):
                self._write_searches(kept)
        return len(kept) < len(found)

    def tags(self) -> dict[str, tuple[str, ...]]:
        """Return the labels of the table, by image. SettingError if it is damaged."""
        return {name: row.labels for name, row in self._rows().items() if row.labels}

    def tag(self, image: str, label: str, known: LabelRow = _NOTHING) -> None:
        """Give an image a label, besides the labels and columns that it is ``known`` to have.

        A table replaces what earlier ones said of an image, so that this must stand in it too. OptionError
        for a label that is empty or too long, or holds a semicolon.
        """
        text = _text(label, "label", _MOST_LABEL)
        # A table parts labels by semicolons, and a spreadsheet takes what begins with a sign for a formula.
        if ";" in text or text[0] in "=+-@'":
            raise OptionError(f"{text!r}: leave out semicolons, and a sign at the beginning", "label")
        with self._turn:
            # Whatever somebody wrote into the table by hand since is kept.
            rows = self._rows()
            row = rows.get(image, _NOTHING)
            # What was taken away here is in the index until the table is applied.
            before = [one for one in known.labels if (image, one) not in self._untagged]
            labels = tuple(dict.fromkeys([*before, *row.labels, text]))
            columns = {**known.columns, **row.columns}
            self._untagged.discard((image, text))
            self._write_rows({**rows, image: LabelRow(labels, columns, 0)})

    def untag(self, image: str, label: str) -> bool:
        """Take a label from an image; tell whether the table had it."""
        with self._turn:
            rows = self._rows()
            row = rows.get(image)
            if row is None or label not in row.labels:
                return False
            self._untagged.add((image, label))
            rows[image] = replace(row, labels=tuple(one for one in row.labels if one != label))
            self._write_rows(rows)
            return True

    def _rows(self) -> dict[str, LabelRow]:
        return dict(LabelTable.read(self._labels).rows) if self._labels.is_file() else {}

    def _write_searches(self, searches: list[SavedSearch]) -> None:
        write_text(json.dumps([asdict(one) for one in searches], indent=1) + "\n", self._searches)

    def _write_rows(self, rows: Mapping[str, LabelRow]) -> None:
        # Columns that somebody added by hand stay.
        others = sorted({column for row in rows.values() for column in row.columns} - {*_HEADER})
        lines = [
            [name, ";".join(row.labels), *(str(row.columns.get(key, "")) for key in others)]
            for name, row in sorted(rows.items())
        ]
        write_text(csv_text([[*_HEADER, *others], *lines]), self._labels)


def _text(text: str, argument: str, most: int) -> str:
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not 0 < len(clean) <= most:
        raise OptionError(f"give 1 to {most} characters", argument)
    return clean


def _json(state: str) -> str:
    if len(state) > MOST_STATE:
        raise OptionError(f"longer than {MOST_STATE:,} characters", "state")
    try:
        json.loads(state)
    except (ValueError, RecursionError):
        raise OptionError("is no JSON", "state") from None
    return state


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
