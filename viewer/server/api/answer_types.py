"""Answers as GraphQL has them."""

from __future__ import annotations

from typing import Annotated

import strawberry

from .findings_types import Findings, Reference
from .image_types import Image
from .problem import Problem


@strawberry.type(description="How one of several representations voted for a hit.")
class Vote:
    """One vote."""

    by: str
    rank: int = strawberry.field(description="In the answer of this one, from 1.")
    score: float = strawberry.field(description="There.")
    share: float = strawberry.field(description="Of the fused score, 0 to 1.")


@strawberry.type(description="An image of a case.")
class CaseImage:
    """An image and its score."""

    id: strawberry.ID
    key: str
    score: float


@strawberry.type(description="A case: the images that share a value.")
class Case:
    """Of which a hit is the best image."""

    column: str
    value: str
    count: int = strawberry.field(description="How many of its images could be found.")
    images: list[CaseImage] = strawberry.field(description="The best, neighbours collapsed.")


@strawberry.type(description="A slice of the query and the slice of the case that matches it best.")
class SliceHit:
    """Of an answer to a volume."""

    query: str
    hit: strawberry.ID
    key: str
    score: float


@strawberry.type(description="The slices of a hit's stack that match a followed mark as it does.")
class SliceRange:
    """From one slice to another, both with it."""

    first: strawberry.ID
    last: strawberry.ID
    start: int = strawberry.field(description="The place of the first one in the stack, from 0.")
    end: int = strawberry.field(description="The place of the last one.")


@strawberry.type(description="Where a hit is on its slide.")
class OnSlide:
    """An outline."""

    slide: strawberry.ID
    outline: list[list[float]] = strawberry.field(
        description="x, y of each corner, in pixels of the finest level: the tile, what matches in it, or "
        "the mark as it is placed there."
    )


@strawberry.type(description="A row of an answer.")
class Hit:
    """One hit."""

    rank: int = strawberry.field(description="From 1.")
    score: float = strawberry.field(description="Larger is more alike. It orders one answer only.")
    image: Image
    box: list[float] | None = strawberry.field(description="Where it matched: x, y, width, height in pixels.")
    inliers: int | None = strawberry.field(description="Local matches that agree in space.")
    transform: list[float] | None = strawberry.field(
        description="a … f: x, y of the query is at a x + b y + c, d x + e y + f of the hit, in pixels."
    )
    quad: list[list[float]] | None = strawberry.field(
        description="The corners of the region's box, or of the image, as the transform takes them there."
    )
    case: Case | None
    votes: list[Vote]
    slices: list[SliceHit]
    extent: SliceRange | None = strawberry.field(description="Of a mark that is followed through slices.")
    on_slide: OnSlide | None = strawberry.field(description="If it is a tile of a slide.")


@strawberry.type(description="The answer to a question.")
class Answer:
    """Hits, best first, and what is to be known of them."""

    query: str
    by: list[str]
    hits: list[Hit]
    n_verified: int = strawberry.field(description="Hits with local matches that agree in space.")
    is_region: bool
    can_verify: bool = strawberry.field(description="Whether a representation that answered looks for them.")
    findings: Findings | None
    references: list[Reference]
    outline: list[list[list[float]]] = strawberry.field(
        description="The region that was searched for: polygons of x, y in pixels."
    )
    notes: list[str] = strawberry.field(description="What to know of the answer, a line each.")
    took_ms: float
    commit: int = strawberry.field(description="Of the index, that answered.")


@strawberry.type(description="The answers of two choices of representations to one question.")
class HeadToHead:
    """Two columns."""

    first: Answer
    second: Answer
    shared: list[strawberry.ID] = strawberry.field(description="What both found: images, or values of cases.")
    share: float = strawberry.field(description="Of the hits of the shorter answer, 0 to 1.")


@strawberry.type(description="What the best cases of an answer, which came before, have in common.")
class AnswerFindings:
    """The findings of an answer, and what goes with them."""

    findings: Findings | None
    references: list[Reference]
    notes: list[str] = strawberry.field(description="All of the answer, a line each.")
    took_ms: float = strawberry.field(description="With the answer.")


@strawberry.type(description="How far a long answer is.")
class Progress:
    """Between 0 and `total` steps."""

    stage: str
    done: int
    total: int = strawberry.field(description="0 if nobody knows.")


SearchResult = Annotated[Answer | Problem, strawberry.union("SearchResult")]
HeadToHeadResult = Annotated[HeadToHead | Problem, strawberry.union("HeadToHeadResult")]
SearchEvent = Annotated[Progress | Answer | AnswerFindings | Problem, strawberry.union("SearchEvent")]
