"""The findings of an answer as a table to read."""

from __future__ import annotations

from viewer.answer import Answer
from viewer.findings import HEAD, copies_notes, line, notice, verdict
from viewer.safe_text import printable

from .columns import columns


def as_text(answer: Answer) -> str:
    """Return the lines under a table of hits; nothing if no findings were asked for."""
    found = answer.findings
    if found is None:
        return ""
    # The verdict first: the table below it means little without.
    lines = [verdict(found)]
    if found.labels:
        lines.append(columns(HEAD, [line(one, found) for one in found.labels], right=(1, 2, 3, 4, 5, 6)))
    if found.is_unlike or found.is_another_kind:
        lines.append(notice(found))
    lines += copies_notes(found.copies)
    for one in answer.references:
        text = " ".join(part for part in (one.text, one.link) if part)
        lines.append(printable(f"{one.label}: {one.title}{'. ' if text else ''}{text}"))
    return "\n".join(["", *lines])
