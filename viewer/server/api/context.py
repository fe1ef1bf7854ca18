"""What resolvers are given, and how they do what takes time: in threads, errors as results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from graphql import GraphQLError
from starlette.requests import Request
from strawberry.types import Info

from ..desk import Desk
from ..problem import Kind
from ..work import GoneAwayError
from .problem import Problem, problem_of

T = TypeVar("T")


def desk_of(info: Info) -> Desk:
    """Return what the server holds."""
    desk: Desk = info.context["desk"]
    return desk


async def asked(info: Info, question: Callable[[], T]) -> T | Problem:
    """Run a query in a thread, while somebody waits for it; a refusal becomes a problem."""
    request: Request = info.context["request"]
    try:
        return await desk_of(info).workers.ask(lambda: caught(question), request.is_disconnected)
    except GoneAwayError:
        # Nobody reads this; a request that has gone away is no fault to be reported.
        return Problem(kind=Kind.GONE, message="nobody waits for the answer any more")


async def fetched(desk: Desk, question: Callable[[], T]) -> T | Problem:
    """Run what is short in a thread; a refusal becomes a problem."""
    return await desk.workers.fetch(lambda: caught(question))


async def told(desk: Desk, question: Callable[[], T]) -> T:
    """Run what is short in a thread; a refusal becomes an error of the request, for it cannot be a result."""
    found = await fetched(desk, question)
    if isinstance(found, Problem):
        raise GraphQLError(found.message)
    return found


def caught(question: Callable[[], T]) -> T | Problem:
    """Return an answer, or the problem that there was. What nobody has foreseen is raised."""
    try:
        return question()
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        return problem
