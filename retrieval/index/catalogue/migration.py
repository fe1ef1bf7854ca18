"""Migration: the catalogue of an older index is brought to the format of today, in one commit.

It runs when an index is opened for writing. A reader opens an older format as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ...readers.dicom.header import admitted
from .database import Catalogue
from .sample import draw_of
from .schema import ARCHIVE, FORMAT, PRIVACY, ROOT
from .stored_json import parse

GUESSED = "numbers_guessed"
"""Key of ``meta``: the columns of label tables whose fields a format kept as fractional numbers."""


def migrate(catalogue: Catalogue) -> None:
    """Bring a catalogue that is open for writing to the format of today; a kill leaves it as it was."""
    while (format := catalogue.format) < FORMAT:
        with catalogue.transaction():
            _STEPS[format](catalogue)
            # The number of the format is in the same transaction as the change.
            catalogue.run(f"PRAGMA user_version = {format + 1}")


def _to_2(catalogue: Catalogue) -> None:
    """Add what files and folders are recognised by, and make the fields of label tables text.

    Hashes of contents are not known yet: the next update that finds the files adds them.
    """
    for column in ("inode INTEGER", "ctime_ns INTEGER", "part BLOB", "whole BLOB"):
        catalogue.run(f"ALTER TABLE source ADD COLUMN {column}")
    # SQLite cannot drop a constraint: the paths of folders were unique, and two discs can have one path.
    # Made beside it and renamed: SQLite would turn references to a table that is renamed away.
    catalogue.run(ROOT.replace("TABLE root ", "TABLE root_2 ", 1))
    catalogue.run("INSERT INTO root_2 (id, path) SELECT id, path FROM root")
    catalogue.run("DROP TABLE root")
    catalogue.run("ALTER TABLE root_2 RENAME TO root")
    catalogue.run("CREATE UNIQUE INDEX root_path ON root (path) WHERE displaced = 0")
    catalogue.run("ALTER TABLE label ADD COLUMN roots TEXT NOT NULL DEFAULT '[]'")
    every = json.dumps([id for (id,) in catalogue.rows("SELECT id FROM root ORDER BY id")])
    catalogue.run("UPDATE label SET roots = ?", every)
    _fields_to_text(catalogue)


def _fields_to_text(catalogue: Catalogue) -> None:
    guessed: set[str] = set()
    for name, text in catalogue.rows("SELECT name, columns FROM label"):
        columns = parse(text, dict, f"the label of {name}")
        # 1.10 and 1.1 became one number, and so did 2e0 and 2.0; whole numbers are as they were written.
        guessed |= {key for key, value in columns.items() if isinstance(value, float)}
        as_text = json.dumps({key: str(value) for key, value in columns.items()})
        catalogue.run("UPDATE label SET columns = ? WHERE name = ?", as_text, name)
    if guessed:
        catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", GUESSED, json.dumps(sorted(guessed)))


def _to_3(catalogue: Catalogue) -> None:
    """Make room for what images show and for checksums; those of the pages are written by the commit itself.

    Segments have none yet: the next update reads each of them once and adds them.
    """
    catalogue.run("ALTER TABLE picture ADD COLUMN burned_in INTEGER NOT NULL DEFAULT 0")
    catalogue.run("ALTER TABLE segment ADD COLUMN is_summed INTEGER NOT NULL DEFAULT 0")
    catalogue.run_many("INSERT OR IGNORE INTO meta VALUES (?, ?)", PRIVACY.items())
    _tags_to_terms(catalogue)


def _to_4(catalogue: Catalogue) -> None:
    """Draw the places of images in the sample by which scores are scaled, and make room for archives."""
    catalogue.run("ALTER TABLE picture ADD COLUMN draw INTEGER NOT NULL DEFAULT 0")
    rows = catalogue.rows("SELECT id, name FROM picture")
    drawn = ((draw_of(catalogue.key, name), id) for id, name in rows)
    catalogue.run_many("UPDATE picture SET draw = ? WHERE id = ?", drawn)
    catalogue.run("CREATE INDEX picture_draw ON picture (draw)")
    catalogue.run(ARCHIVE)


def _to_5(catalogue: Catalogue) -> None:
    """Change nothing: only an older version must not take what is set aside for what is to be finished."""


def _tags_to_terms(catalogue: Catalogue) -> None:
    """Take out of the tags what was typed into the wrong field, as ``readers.dicom.header`` does now."""
    salt = bytes.fromhex(catalogue.meta("salt"))
    changed = []
    for id, text in catalogue.rows("SELECT id, metadata FROM picture"):
        kept = json.dumps(admitted(parse(text, dict, f"the tags of image {id}"), salt))
        if kept != text:
            changed.append((kept, id))
    catalogue.run_many("UPDATE picture SET metadata = ? WHERE id = ?", changed)


_STEPS: dict[int, Callable[[Catalogue], None]] = {1: _to_2, 2: _to_3, 3: _to_4, 4: _to_5}
