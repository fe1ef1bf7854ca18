"""The findings of an answer, as they are printed: a table to read, JSON, and tables of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viewer.answer import Answer, printable
from viewer.report_table import ReportTable

from .columns import columns

if TYPE_CHECKING:
    from retrieval.answers.enrichment import Finding, Findings

_HEAD = ("label", "found", "by chance", "times", "share, 95 %", "p", "p, all labels")


def as_text(answer: Answer) -> str:
    """Return the lines under a table of hits; nothing if no findings were asked for."""
    found = answer.findings
    if found is None:
        return ""
    lines = [_verdict(found)]
    if found.labels:
        lines.append(columns(_HEAD, [_line(one) for one in found.labels], right=(1, 2, 3, 4, 5, 6)))
    if found.is_unlike:
        lines.append(notice(found))
    for one in answer.references:
        text = " ".join(part for part in (one.text, one.link) if part)
        lines.append(printable(f"{one.label}: {one.title}{'. ' if text else ''}{text}"))
    return "\n".join(["", *lines])


def as_object(answer: Answer) -> dict[str, object]:
    """Return the findings as JSON holds them."""
    found = answer.findings
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
                "p": one.p,
                "p_adjusted": one.adjusted,
                "significant": one.is_significant,
            }
            for one in found.labels
        ],
        "likeness_percentile": found.unlike,
        "unlike_anything": found.is_unlike,
        "references": [
            {"label": r.label, "title": r.title, "text": r.text, "link": r.link} for r in answer.references
        ],
    }


def as_tables(answer: Answer) -> list[ReportTable]:
    """Return the findings as tables of a page."""
    found = answer.findings
    if found is None:
        return []
    caption = f"{answer.query.id}: {_verdict(found)}"
    if found.is_unlike:
        caption += f" {notice(found)}"
    tables = [ReportTable(caption, _HEAD, [_line(one) for one in found.labels])]
    if answer.references:
        lines = [(r.label, r.title, r.text, r.link) for r in answer.references]
        tables.append(
            ReportTable("Reference material for what was found.", ("label", "title", "text", "link"), lines)
        )
    return tables


def notice(found: Findings) -> str:
    """Return what is said of a query that is unlike anything in the index."""
    return (
        "Unlike anything in the index: the nearest image is less like it than those of "
        f"{1 - (found.unlike or 0.0):.0%} of the index's own images are to them."
    )


def _verdict(found: Findings) -> str:
    among = f"{found.drawn:,} matching cases of {found.total:,} (by {found.column})"
    if not found.significant:
        return f"findings: not enough evidence among {among}"
    return printable(f"findings: {found.verdict}; {among}")


def _line(one: Finding) -> tuple[str, ...]:
    return (
        one.label,
        f"{one.found} of {one.drawn}",
        f"{one.expected:.1f}",
        f"{one.enrichment:.1f}",
        f"{one.low:.0%} to {one.high:.0%}",
        f"{one.p:.2g}",
        f"{one.adjusted:.2g}",
    )
