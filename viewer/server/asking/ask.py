"""The question as the page asks it; each field is an option of the command line."""

from __future__ import annotations

import strawberry

MOST_HITS = 100
"""More hits than this nobody looks at; a script asks the command line."""


@strawberry.input(description="The part of the image that is asked with: exactly one of the four.")
class RegionInput:
    """A mark, in pixels of the image, x to the right and y down from its upper left corner."""

    box: list[float] | None = strawberry.field(default=None, description="x, y, width, height in pixels.")
    polygon: list[list[float]] | None = strawberry.field(
        default=None, description="x, y of each corner, in pixels."
    )
    mask: strawberry.ID | None = strawberry.field(
        default=None, description="A mask that was brought to /masks."
    )
    point: list[float] | None = strawberry.field(
        default=None, description="x, y in pixels: the superpixel there."
    )
    margin_px: float = strawberry.field(
        default=0.0, description="And all that is this near to it, in pixels."
    )


@strawberry.input(description="A question: an image of the index, or one that was brought.")
class Ask:
    """The fields of ``retrieval.index.QueryOptions`` that the page offers."""

    image: strawberry.ID | None = strawberry.field(default=None, description="Its name in the index.")
    upload: strawberry.ID | None = strawberry.field(
        default=None, description="A file that was brought to /uploads."
    )
    frame: int = strawberry.field(default=0, description="Of the upload, from 0.")
    volume: bool = strawberry.field(default=False, description="Ask with all slices of the image's stack.")
    region: RegionInput | None = strawberry.field(default=None, description="A part of the image.")
    through_mm: float = strawberry.field(
        default=0.0, description="And with the same part of the slices this near, above and below, in mm."
    )
    by: list[str] = strawberry.field(
        default_factory=list, description="Representations; several are fused. None: those of the index."
    )
    fusion: str | None = strawberry.field(
        default=None, description="rrf, z, sum or learnt. None: that of the index."
    )
    where: str | None = strawberry.field(default=None, description="Only images that meet this condition.")
    not_same: str | None = strawberry.field(
        default=None, description="Leave out what shares this column with the query."
    )
    group_by: str | None = strawberry.field(default=None, description="Cases of this column.")
    case_by: str = strawberry.field(default="best", description="best, mean-N or rank-weighted.")
    like: list[strawberry.ID] = strawberry.field(default_factory=list, description="Move towards these.")
    unlike: list[strawberry.ID] = strawberry.field(default_factory=list, description="And away from these.")
    concept: list[str] = strawberry.field(
        default_factory=list, description="Move along these concepts: NAME=WEIGHT."
    )
    k: int = strawberry.field(default=20, description=f"How many hits, at most {MOST_HITS}.")
    include_self: bool = strawberry.field(default=False, description="Leave the query in its answer.")
    findings: bool = strawberry.field(default=False, description="Say which labels the best cases share.")
