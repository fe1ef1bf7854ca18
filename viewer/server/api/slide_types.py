"""Slides as GraphQL has them."""

from __future__ import annotations

from typing import Annotated

import strawberry

from .problem import Problem


@strawberry.type(description="Where on a slide a question is.")
class Heat:
    """A heat map."""

    address: str = strawberry.field(description="Of a PNG, to be stretched over the slide.")
    tiles: int = strawberry.field(description="How many it shows.")
    low: float = strawberry.field(description="The least score.")
    high: float = strawberry.field(description="The most.")


HeatResult = Annotated[Heat | Problem, strawberry.union("HeatResult")]
