"""Problems as results: what the page shows in place of an answer."""

from __future__ import annotations

import strawberry

from ..problem import Kind, RefusedError, refusal_of

ProblemKind = strawberry.enum(Kind, name="ProblemKind", description="What kind of problem it is.")


@strawberry.type(description="Why there is no answer.")
class Problem:
    """A refused question."""

    kind: Kind
    message: str = strawberry.field(description="One line, fit to be shown; it names the remedy.")
    argument: str | None = strawberry.field(default=None, description="Which argument is at fault.")


def problem_of(error: Exception) -> Problem | None:
    """Return what the page shows of an error; None of one that nobody has foreseen."""
    refused: RefusedError | None = refusal_of(error)
    return (
        None
        if refused is None
        else Problem(kind=refused.kind, message=refused.message, argument=refused.argument)
    )
