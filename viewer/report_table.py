"""Tables of the report page, which become cards on a narrow screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .safe_text import escape

_FEW = 5
"""Columns that fit beside each other on a screen of 390 pixels."""


@dataclass(frozen=True)
class ReportTable:
    """A table of the page: a caption, a head, and lines of text of the same length."""

    caption: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


def table_html(table: ReportTable) -> str:
    """Return a table as HTML, everything escaped; addresses become links."""
    head = "".join(f"<th scope=col>{escape(text)}</th>" for text in table.head)
    lines = "".join(_line(table.head, line) for line in table.lines)
    wide = " class=wide" if len(table.head) > _FEW or _has_links(table) else ""
    return (
        f"<p class=caption>{escape(table.caption)}</p><div class=scroll><table{wide}>"
        f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _line(head: Sequence[str], line: Sequence[str]) -> str:
    # On a narrow screen the head is not shown: each cell then names its column itself.
    cells = "".join(
        f'<td data-head="{escape(name)}">{_cell(text)}</td>'
        for name, text in zip(head[1:], line[1:], strict=True)
    )
    return f"<tr><th scope=row>{escape(line[0])}</th>{cells}</tr>"


def _has_links(table: ReportTable) -> bool:
    return any(_is_link(text) for line in table.lines for text in line)


def _is_link(text: str) -> bool:
    # Nothing else becomes a link: a table may come from anybody, and "javascript:" is an address too.
    return text.startswith(("http://", "https://"))


def _cell(text: str) -> str:
    if not _is_link(text):
        return escape(text)
    return f'<a href="{escape(text)}" target=_blank rel="noopener noreferrer">{escape(text)}</a>'
