"""The findings of an answer, as they are printed: a table to read, and JSON."""

from __future__ import annotations

from viewer.answer import Answer
from viewer.findings import HEAD, line, notice, verdict
from viewer.safe_text import printable

from .columns import columns


def as_text(answer: Answer) -> str:
    """Return the lines under a table of hits; nothing if no findings were asked for."""
    found = answer.findings
    if found is None:
        return ""
    lines = [verdict(found)]
    if found.labels:
        lines.append(columns(HEAD, [line(one, found) for one in found.labels], right=(1, 2, 3, 4, 5, 6)))
    if found.is_unlike or found.is_another_kind:
        lines.append(notice(found))
    for one in answer.references:
        text = " ".join(part for part in (one.text, one.link) if part)
        lines.append(printable(f"{one.label}: {one.title}{'. ' if text else ''}{text}"))
    return "\n".join(["", *lines])


def as_object(answer: Answer) -> dict[str, object]:
    """Return the findings as JSON holds them."""
    found = answer.findings
    # Called only for an answer that has findings; None would print as a key that says nothing.
    assert found is not None
    return {
        "case": found.column,
        "matching": found.drawn,
        "cases": found.total,
        "verdict": found.verdict,
        "labels": [
            {
                "label": one.label,
                "found": one.found,
                "in_all": one.labelled,
                "expected": one.expected,
                "enrichment": one.enrichment,
                "share": one.share,
                "share_interval": [one.low, one.high],
                "p": None if found.withheld else one.p,
                "p_adjusted": None if found.withheld else one.adjusted,
                "significant": one in found.significant,
            }
            for one in found.labels
        ],
        "likeness_percentile": found.unlike,
        "unlike_anything": found.is_unlike,
        "kind_percentile": found.kind,
        "another_kind": found.is_another_kind,
        "withheld": list(found.withheld),
        "references": [
            {"label": r.label, "title": r.title, "text": r.text, "link": r.link} for r in answer.references
        ],
    }
