"""Facts about the options of a query on the command line: they are the fields of ``QueryOptions``."""

from __future__ import annotations

from dataclasses import fields

import click
import pytest

from cli.commands import query
from cli.options.parameters import Arguments, Option
from cli.options.ranking_flags import query_fields, query_flag
from retrieval.index.search.query_options import QueryOptions, option_help

ELSEWHERE = {"region", "among", "include_self", "adjust"}
"""Fields that the command works out of other options, or of the query."""


def flags() -> dict[str, click.Parameter]:
    return {str(parameter.name): parameter for parameter in query.run.params}


@pytest.mark.parametrize("name", sorted({field.name for field in fields(QueryOptions)} - ELSEWHERE))
def test_a_field_is_an_option_with_its_default_and_its_help(name: str) -> None:
    flag = flags()[name]
    assert isinstance(flag, Option)
    assert str(flag.help).startswith(option_help(name))
    assert flag.multiple == isinstance(getattr(QueryOptions, name), tuple)
    if getattr(QueryOptions, name) not in ((), None):
        assert flag.default == getattr(QueryOptions, name)
        assert str(flag.help).endswith(f" [{flag.default}]")


def test_options_that_were_given_become_fields() -> None:
    args = Arguments(k=3, like=("a",), region="1,2,3,4", sheet=None)
    assert query_fields(args) == {"k": 3, "like": ("a",)}
    assert QueryOptions(**query_fields(args)).k == 3


def test_one_letter_has_one_dash() -> None:
    @query_flag("k")
    @query_flag("group_by")
    def run() -> None: ...

    assert [p.opts for p in run.__dict__["__click_params__"]] == [["--group-by"], ["-k"]]
