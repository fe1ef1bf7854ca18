"""The findings of an answer as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .answer import Answer
from .report_table import ReportTable
from .safe_text import counted, first_few, printable

if TYPE_CHECKING:
    from retrieval.answers.duplicate_groups import Copies
    from retrieval.answers.enrichment import Finding, Findings

HEAD = ("label", "found", "by chance", "times", "share, 95 %", "p", "p, all labels")
"""The columns of ``line``."""

_SHOWN = 3
"""Near-duplicates that are named; all are in the JSON of an answer."""


def findings_tables(answer: Answer) -> list[ReportTable]:
    """Return the findings of an answer as tables of a page; none if they were not asked for."""
    found = answer.findings
    if found is None:
        return []
    caption = f"{answer.query.id}: {verdict(found)}"
    if found.is_unlike or found.is_another_kind:
        caption += f" {notice(found)}"
    caption += "".join(f" {note}." for note in copies_notes(found.copies))
    tables = [ReportTable(caption, HEAD, [line(one, found) for one in found.labels])]
    if answer.references:
        lines = [(r.label, r.title, r.text, r.link) for r in answer.references]
        tables.append(
            ReportTable("Reference material for what was found.", ("label", "title", "text", "link"), lines)
        )
    return tables


def notice(found: Findings) -> str:
    """Return what is said of a query that is unlike anything in the index."""
    if not found.is_unlike:
        return (
            "Another kind of image than those of the index: "
            f"{1 - (found.kind or 0.0):.0%} of them are less far from the others in grey levels, texture and "
            "colour."
        )
    return (
        "Unlike anything in the index: the nearest image is less like it than those of "
        f"{1 - (found.unlike or 0.0):.0%} of the index's own images are to them."
    )


def copies_notes(copies: Copies) -> list[str]:
    """Return what is said of near-duplicates among the images that an answer rests on."""
    notes = []
    if copies.merged:
        n = sum(len(group) - 1 for group in copies.merged)
        shown = "; ".join(" = ".join(map(printable, group)) for group in copies.merged[:_SHOWN])
        more = "; …" if len(copies.merged) > _SHOWN else ""
        notes.append(f"{counted(n, 'near-duplicate')} not counted again ({shown}{more})")
    if copies.of_query:
        notes.append(f"left out, as near-duplicates of the query: {first_few(copies.of_query, _SHOWN)}")
    if copies.of_new:
        notes.append(f"near-duplicates of the query, counted as one: {first_few(copies.of_new, _SHOWN)}")
    if copies.n_joined == 1:
        notes.append("1 more case shares an image with another or the query's, and is not counted again")
    elif copies.n_joined:
        some = f"{copies.n_joined:,} more cases share an image with another or the query's"
        notes.append(f"{some}, and are not counted again")
    if copies.is_exact:
        notes.append("among the cases that do not match, only images with equal thumbnails were looked for")
    return notes


def withheld_note(withheld: Sequence[str]) -> str:
    """Return what saw the labels that an answer would rest on, and how to mend that."""
    concepts = [name for name in withheld if name.startswith("concept ")]
    others = [name for name in withheld if name not in concepts]
    notes = []
    if others:
        commands = {"fusion" if name.startswith("fusion of ") else "metric" for name in others}
        remedy = " and ".join(f"`semblance learn-{one}`" for one in sorted(commands))
        notes.append(
            f"{', '.join(others)} learnt from these labels and keeps nothing learnt without them; learn it "
            f"again with {remedy}"
        )
    if concepts:
        notes.append(f"{', '.join(concepts)} may have been learnt from these labels; ask without --concept")
    return "; and ".join(notes)


def verdict(found: Findings) -> str:
    """Return the significant labels and among how many cases they were found, in one line."""
    among = f"{found.drawn:,} matching cases of {found.total:,} (by {found.column})"
    if found.withheld:
        return printable(f"findings: withheld, since {withheld_note(found.withheld)}; {among}")
    if not found.significant:
        return f"findings: not enough evidence among {among}"
    return printable(f"findings: {found.verdict}; {among}")


def finding_row(one: Finding, found: Findings, is_flat: bool = False) -> dict[str, Any]:
    """Return one label as programs read it: its 95 % interval as one list, or flat, as a table has it."""
    p, adjusted = found.p_values(one)
    interval = {"low": one.low, "high": one.high} if is_flat else {"share_interval": [one.low, one.high]}
    return {
        "label": one.label,
        "found": one.found,
        "in_all": one.labelled,
        "expected": one.expected,
        "enrichment": one.enrichment,
        "share": one.share,
        **interval,
        "p": p,
        "p_adjusted": adjusted,
        "significant": one in found.significant,
    }


def line(one: Finding, found: Findings) -> tuple[str, ...]:
    """Return one label as a line of a table."""
    p_values = found.p_values(one)
    return (
        one.label,
        f"{one.found} of {one.drawn}",
        f"{one.expected:.1f}",
        f"{one.enrichment:.1f}",
        f"{one.low:.0%} to {one.high:.0%}",
        *("-" if p is None else f"{p:.2g}" for p in p_values),
    )
