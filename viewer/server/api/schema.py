"""The schema: all types joined, and the limits of what one request may ask."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

import strawberry
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import (
    DisableIntrospection,
    MaskErrors,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
)
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL

from ..desk import Desk
from .mutations import Mutation
from .problem import ProblemKind
from .queries import Query
from .subscriptions import Subscription

_LOG = logging.getLogger(__name__)
DEEPEST, MOST_ALIASES, MOST_TOKENS = 12, 30, 2000
"""Levels, other names, and words of one request."""


class QuietSchema(strawberry.Schema):
    """A schema that says nothing of what went wrong inside but to the terminal of the server."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Print what nobody has foreseen; wrong requests are the business of who sent them."""
        # Errors of ours were made problems already; what comes here was foreseen by nobody.
        for error in errors:
            if _is_internal(error):
                _LOG.error("a question failed", exc_info=error.original_error)


def _is_internal(error: GraphQLError) -> bool:
    # What we raise for a user to read is a GraphQLError itself.
    return not isinstance(error.original_error, GraphQLError | None)


SCHEMA = QuietSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[ProblemKind],
    # Made anew for each request: they keep what belongs to one.
    extensions=[
        # A few words of introspection can ask for all fields of all types of all fields, and so on; who wants
        # the schema has its file.
        DisableIntrospection,
        lambda: QueryDepthLimiter(max_depth=DEEPEST),
        lambda: MaxAliasesLimiter(max_alias_count=MOST_ALIASES),
        lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
        lambda: MaskErrors(
            should_mask_error=_is_internal, error_message="internal error; the server's log has more"
        ),
    ],
)


def schema_text() -> str:
    """Return the schema in the language of GraphQL, as ``viewer/server/schema.graphql`` keeps it."""
    return SCHEMA.as_str() + "\n"


class GraphQLApp(GraphQL[Mapping[str, Any], None]):
    """The schema as an application: POST alone, subscriptions over server-sent events."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(
            SCHEMA,
            # The explorer loads scripts from elsewhere, which the page's policy forbids.
            graphql_ide=None,
            # A GET can be sent by any link or image of another site.
            allow_queries_via_get=False,
            subscription_protocols=[GRAPHQL_SSE_PROTOCOL],
        )
        self._desk = desk

    def decode_json(self, data: str | bytes) -> object:
        """Read the body of a request. JSONDecodeError, which is answered by 400, unless it is an object."""
        try:
            found = super().decode_json(data)
        except RecursionError:
            found = None
        # Lists are refused in a sentence of their own.
        if not isinstance(found, dict | list):
            raise json.JSONDecodeError("no object", "", 0)
        return found

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Mapping[str, Any]:
        """Return what resolvers are given."""
        return {"desk": self._desk, "request": request}


if __name__ == "__main__":
    sys.stdout.write(schema_text())
