"""Text that comes from others, made safe for where it is shown: terminals, pages, and tables.

File names and labels may hold escape sequences, which would recolour, or rewrite, what a terminal shows, and
formulas, which a spreadsheet would run when it opens a table.
"""

from __future__ import annotations

import csv
import html
import io
import unicodedata
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """Return text that is safe on a terminal: control characters and half characters become escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


_PLURALS = {"study": "studies", "query": "queries", "held-out query": "held-out queries", "series": "series"}
_SINGULARS = {"have": "has", "are": "is", "were": "was"}


def counted(n: int, noun: str) -> str:
    """Return a number with a noun, of several in the plural.

    >>> counted(1, "image"), counted(2000, "image"), counted(2, "study"), counted(2, "class")
    ('1 image', '2,000 images', '2 studies', '2 classes')
    """
    several = _PLURALS.get(noun, f"{noun}es" if noun.endswith("s") else f"{noun}s")
    return f"{n:,} {noun if n == 1 else several}"


def does(n: int, of_several: str) -> str:
    """Return a verb as a number of things has it, given that of several.

    >>> does(1, "have"), does(2, "have"), does(1, "were"), does(1, "name")
    ('has', 'have', 'was', 'names')
    """
    return of_several if n != 1 else _SINGULARS.get(of_several, f"{of_several}s")


def first_few(names: Sequence[str], most: int = 3) -> str:
    """Return the first of some names on a line that is safe on a terminal, with ``…`` if there are more.

    >>> first_few(["a.png", "b.png", "c.png", "d.png"])
    'a.png, b.png, c.png, …'
    """
    return ", ".join(map(printable, names[:most])) + (", …" if len(names) > most else "")


def escape(text: str) -> str:
    """Return text that is safe in a page: nothing of it is read as HTML, and nothing moves a terminal."""
    # Control characters alone: a page shows what is written in any script.
    return html.escape("".join(printable(c) if unicodedata.category(c) == "Cc" else c for c in text))


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Write rows as CSV; a text that a spreadsheet would run as a formula gets a ``'`` before it.

    >>> csv_text([("id", "score"), ("=1+1", -0.5), ("-3", 2)])
    "id,score\\n'=1+1,-0.5\\n-3,2\\n"
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    # Blanks at the beginning are dropped by some spreadsheets before they look for a formula.
    is_formula = value.lstrip(" ").startswith(_FORMULA) and not _is_number(value)
    # A line break within quotes is a part of CSV, and moves nothing.
    return "\n".join(map(printable, ("'" * is_formula + value).split("\n")))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
