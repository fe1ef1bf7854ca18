"""Answers of the index as GraphQL has them."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from retrieval.answers import grouping
from retrieval.region import Region
from viewer.answer import Affine, Row
from viewer.notes import finds_inliers
from viewer.queries.query import asked_by
from viewer.queries.stack import stack_of
from viewer.slide_outlines import outline_of

from ..asking.question import Question, size_of
from ..asking.search import Searched
from ..asking.slide_mark import from_slide, polygons_on_slide
from ..opened import Opened
from .answer_types import (
    Answer,
    AnswerFindings,
    Case,
    CaseImage,
    HeadToHead,
    Hit,
    OnSlide,
    SliceHit,
    SliceRange,
    Vote,
)
from .findings_types import findings_of, reference_of
from .image_types import named_image

Corners = list[list[float]]


def answer_of(searched: Searched) -> Answer:
    """Return the answer to a question."""
    question, answer = searched.question, searched.answer
    opened, corners = question.opened, _corners(question)
    by = asked_by(opened.index, question.options)
    # All from the commit that answered: a later one may lack an image that was found.
    hits = [_hit(question, row, corners) for row in answer.rows]
    return Answer(
        query=answer.query.id,
        by=list(by),
        hits=hits,
        n_verified=sum(bool(hit.inliers) for hit in hits),
        is_region=question.options.region is not None,
        can_verify=finds_inliers(opened.index, by, question.options.region is not None),
        **vars(findings_of_answer(searched)),
        outline=polygons_of(question.options.region)
        if question.field is None
        else polygons_on_slide(question.field),
        commit=opened.commit,
    )


def findings_of_answer(searched: Searched) -> AnswerFindings:
    """Return what was counted of an answer; its hits came before."""
    answer, opened = searched.answer, searched.question.opened
    return AnswerFindings(
        findings=None if answer.findings is None else findings_of(answer.findings),
        references=[reference_of(opened, one) for one in answer.references],
        notes=list(searched.notes),
        took_ms=searched.took_ms,
    )


def head_to_head(first: Searched, second: Searched) -> HeadToHead:
    """Return two answers side by side."""
    ours, theirs = answer_of(first), answer_of(second)
    # Of the shorter answer, so that two answers that agree in all they have share everything.
    found = {_subject(hit) for hit in theirs.hits}
    shared = [strawberry.ID(one) for one in map(_subject, ours.hits) if one in found]
    fewest = min(len(ours.hits), len(theirs.hits))
    return HeadToHead(first=ours, second=theirs, shared=shared, share=len(shared) / fewest if fewest else 0.0)


def _subject(hit: Hit) -> str:
    """Return what was found: a case, of which each answer shows the image it finds best, else the image."""
    return hit.image.id if hit.case is None else hit.case.value


def polygons_of(region: Region | None) -> list[Corners]:
    """Return the polygons of a region, x and y in pixels."""
    if region is None:
        return []
    # Row before col inside, x before y for whoever draws.
    return [[[float(col), float(row)] for row, col in polygon.tolist()] for polygon in region.polygons]


def _corners(question: Question) -> Corners:
    """Return the corners of the box around a region, or of the whole image, clockwise from the upper left."""
    region, shape = question.options.region, size_of(question).shape
    top, left, height, width = (0.0, 0.0, *map(float, shape)) if region is None else region.bounds()
    # Around the region, as command line and report draw it; a turned match is seen by its corners.
    right, bottom = left + width, top + height
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def _hit(question: Question, row: Row, corners: Corners) -> Hit:
    opened, field = question.opened, question.field
    transform = row.transform
    if transform is not None and field is not None:
        transform = from_slide(transform, field)
    return Hit(
        rank=row.rank,
        score=row.score,
        image=named_image(opened, row.caption.id),
        box=None if row.box is None else [float(n) for n in row.box],
        inliers=row.inliers,
        transform=None if transform is None else list(transform),
        # Computed here: a page that rounded on its own would draw another place than the report.
        quad=None if row.transform is None else [_moved(row.transform, x, y) for x, y in corners],
        case=None if row.case is None else _case(opened, row.case),
        votes=[
            Vote(by=by, rank=vote.rank, score=vote.score, share=vote.share) for by, vote in row.votes.items()
        ],
        slices=[] if row.case is None else _slices(opened, row.case.aligned),
        extent=None if row.extent is None else _extent(opened, row.extent),
        on_slide=_on_slide(question, row, corners),
    )


def _extent(opened: Opened, ends: tuple[str, str]) -> SliceRange:
    names = [one.name for one in stack_of(opened.index, ends[0]).slices]
    first, last = map(strawberry.ID, ends)
    return SliceRange(first=first, last=last, start=names.index(first), end=names.index(last))


def _on_slide(question: Question, row: Row, corners: Corners) -> OnSlide | None:
    region = question.options.region
    # Of several polygons the first, as in files of GeoJSON.
    ring = corners if region is None else polygons_of(region)[0]
    found = outline_of(question.opened.index, row, tuple((x, y) for x, y in ring))
    if found is None:
        return None
    slide, outline = found
    return OnSlide(slide=strawberry.ID(slide), outline=[[x, y] for x, y in outline])


def _moved(transform: Affine, x: float, y: float) -> list[float]:
    a, b, c, d, e, f = transform
    return [a * x + b * y + c, d * x + e * y + f]


def _case(opened: Opened, case: grouping.Case) -> Case:
    images = [
        CaseImage(id=strawberry.ID(name), key=opened.key_of(name), score=float(score))
        for name, score in case.pictures
    ]
    return Case(column=case.column, value=case.value, count=case.n, images=images)


def _slices(opened: Opened, aligned: Sequence[tuple[str, str, float]]) -> list[SliceHit]:
    return [
        SliceHit(query=query, hit=strawberry.ID(hit), key=opened.key_of(hit), score=float(score))
        for query, hit, score in aligned
    ]
