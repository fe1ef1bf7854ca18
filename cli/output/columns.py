"""Columns of text, aligned for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from viewer.safe_text import printable


def columns(head: Sequence[str], lines: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Align text in columns, those numbered in ``right`` to the right. No line break at the end."""
    cells = [[printable(text) for text in line] for line in (head, *lines)]
    # In code points: wide characters of East Asia may shift a column, as everywhere in terminals.
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    aligned = (
        "  ".join(
            t.rjust(w) if i in right else t.ljust(w)
            for i, (t, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    )
    return "\n".join(line.rstrip() for line in aligned)
