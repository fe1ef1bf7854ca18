"""The options of a query that make cases of images, move it by feedback, and say what was found.

Names, defaults and help of most of them are those of ``QueryOptions``, where they are written once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from retrieval.answers.rule_names import FUSION_RULES, VOLUME_RULES
from retrieval.index.search.query_options import QueryOptions, option_help

from .argument_types import place
from .completion import complete_id
from .parameters import Arguments, option, stack

RULE_WITHOUT = " [z, of a region rrf; learnt, once learn-fusion found that better]"
"""Follows the help of ``--fusion``."""
F = TypeVar("F", bound=Callable[..., Any])
_CASES, _FEEDBACK, _FINDINGS = "cases", "feedback", "findings"


def query_flag(field: str, added: str = "", **attributes: Any) -> Callable[[F], F]:
    """Add the option for a field of ``QueryOptions``, with its name, its default and its help.

    Parameters
    ----------
    field : ``case_by`` for ``--case-by``; a sequence may be given several times.
    added : follows the help.
    attributes : see ``option``.
    """
    # -k has one letter and one dash, as everywhere in information retrieval.
    flag = f"-{field}" if len(field) == 1 else f"--{field.replace('_', '-')}"
    default = getattr(QueryOptions, field)
    if isinstance(default, tuple):
        attributes["multiple"] = True
    elif default is not None:
        attributes["default"], added = default, f"{added} [{default}]"
    return option(flag, help=option_help(field) + added, **attributes)


def query_fields(args: Arguments) -> dict[str, Any]:
    """Return the fields of ``QueryOptions`` that have an option of their name; a region is not read yet."""
    # What was typed of a region is text; it becomes one only with the size of an image.
    names = [field.name for field in fields(QueryOptions) if field.name != "region"]
    return {name: getattr(args, name) for name in names if hasattr(args, name)}


ranking_options = stack(
    query_flag("case_by", "; with --group-by", metavar="RULE", section=_CASES),
    query_flag("collapse", " [0; 10 with other rules than best]", type=float, metavar="MM", section=_CASES),
    option(
        "--volume",
        is_flag=True,
        section=_CASES,
        help="all slices of a stack are one query, and series (or --group-by) answer",
    ),
    query_flag("volume_by", choices=VOLUME_RULES, metavar="HOW", section=_CASES),
    query_flag("like", "; may be repeated", shell_complete=complete_id, metavar="ID", section=_FEEDBACK),
    query_flag("unlike", "; may be repeated", shell_complete=complete_id, metavar="ID", section=_FEEDBACK),
    query_flag("concept", "; may be repeated", metavar="NAME[=X]", section=_FEEDBACK),
    query_flag("blind", type=int, metavar="N", section=_FEEDBACK),
    query_flag("smooth", type=int, metavar="N", section=_FEEDBACK),
    query_flag("fusion", RULE_WITHOUT, choices=FUSION_RULES, metavar="RULE", section="fusion"),
    option(
        "--findings",
        is_flag=True,
        section=_FINDINGS,
        help="say which labels the -k best cases have in common, beyond chance",
    ),
    option(
        "--labels",
        type=place,
        metavar="CSV",
        section=_FINDINGS,
        help="take labels from a table; includes --findings",
    ),
    option(
        "--references",
        type=place,
        metavar="CSV",
        section=_FINDINGS,
        help="show what a table (label, title, text, link) says of them",
    ),
)
"""The options for cases, volumes, feedback, fusion and findings."""


def wants_findings(args: Arguments) -> bool:
    """Tell whether findings were asked for."""
    return bool(args.findings or args.labels is not None or args.references is not None)
