"""Findings and reference material as GraphQL has them."""

from __future__ import annotations

from urllib.parse import urlsplit

import strawberry

from retrieval.answers import enrichment
from retrieval.metadata import reference_table
from viewer.findings import copies_notes, notice, verdict

from ..opened import Opened


@strawberry.type(description="A label among the matching cases.")
class Finding:
    """Statistics of one label."""

    label: str
    found: int = strawberry.field(description="Matching cases that carry it.")
    drawn: int = strawberry.field(description="Matching cases.")
    labelled: int = strawberry.field(description="Cases of the collection that carry it.")
    total: int = strawberry.field(description="Cases of the collection.")
    expected: float = strawberry.field(description="Matching cases that would carry it by chance.")
    times: float = strawberry.field(description="How many times commoner than in the collection.")
    share: float = strawberry.field(description="Of the matching cases, 0 to 1.")
    low: float = strawberry.field(description="Lower end of its 95 % interval (Clopper and Pearson).")
    high: float = strawberry.field(description="Upper end.")
    p: float | None = strawberry.field(description="Fisher's exact test; null if it is withheld.")
    adjusted: float | None = strawberry.field(description="After Holm's correction for all labels.")
    is_significant: bool


@strawberry.type(description="What the matching cases have in common, beyond chance.")
class Findings:
    """All labels of the matching cases."""

    column: str = strawberry.field(description="What a case is.")
    drawn: int
    total: int
    verdict: str = strawberry.field(description="In one line.")
    is_enough: bool = strawberry.field(description="False: there is not enough evidence for any label.")
    is_unlike: bool = strawberry.field(description="The query is unlike anything in the index.")
    unlike: float | None = strawberry.field(
        description="Share of the index's own images that are no more like others than the query is."
    )
    is_another_kind: bool = strawberry.field(description="The query is another kind of image than those.")
    notice: str | None = strawberry.field(description="What is said of a query that is either.")
    items: list[Finding] = strawberry.field(description="The least probable first.")


@strawberry.type(description="Reading matter for a label; nothing of it is fetched.")
class Reference:
    """A row of the table of references."""

    label: str
    kind: str = strawberry.field(description="web, literature, anatomy, or what the table says.")
    title: str
    text: str
    bullets: list[str] = strawberry.field(description="The text in points.")
    link: str | None
    host: str | None = strawberry.field(description="Of the link, to be shown with it.")
    image: str | None = strawberry.field(description="An image of the index that shows it, by its id.")
    picture: str | None = strawberry.field(description="The key of that image.")


def findings_of(found: enrichment.Findings) -> Findings:
    """Return findings as GraphQL has them."""
    # In the words of the command line, so that nobody reads two verdicts on one answer.
    notes = [notice(found)] if found.is_unlike or found.is_another_kind else []
    notes += [f"{note[0].upper()}{note[1:]}." for note in copies_notes(found.copies)]
    return Findings(
        column=found.column,
        drawn=found.drawn,
        total=found.total,
        verdict=verdict(found),
        is_enough=bool(found.significant),
        is_unlike=found.is_unlike,
        unlike=found.unlike,
        is_another_kind=found.is_another_kind,
        notice=" ".join(notes) or None,
        items=[_finding(one, found) for one in found.labels],
    )


def reference_of(opened: Opened | None, one: reference_table.Reference) -> Reference:
    """Return reference material as GraphQL has it; a picture that the index lacks is left out."""
    # The table is the user's, and may name images of another index.
    image = one.picture if opened and one.picture in opened.index else None
    # A reader should see where a link leads before she opens it.
    host = urlsplit(one.link).hostname if one.link else None
    return Reference(
        label=one.label,
        kind=one.kind,
        title=one.title,
        text=one.text,
        bullets=list(one.points),
        link=one.link or None,
        host=host,
        image=image,
        picture=opened.key_of(image) if opened and image else None,
    )


def _finding(one: enrichment.Finding, found: enrichment.Findings) -> Finding:
    p, adjusted = found.p_values(one)
    return Finding(
        label=one.label,
        found=one.found,
        drawn=one.drawn,
        labelled=one.labelled,
        total=one.total,
        expected=one.expected,
        times=one.enrichment,
        share=one.share,
        low=one.low,
        high=one.high,
        p=p,
        adjusted=adjusted,
        is_significant=one in found.significant,
    )
