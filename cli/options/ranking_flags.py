"""The arguments of a query that make cases of pictures, move it by feedback, and say what was found."""

from __future__ import annotations

from typing import Any

from retrieval.answers.rule_names import FUSION_RULES, VOLUME_RULES

from .argument_types import place
from .completion import complete_id
from .parameters import Arguments, option, stack

_CASES, _FEEDBACK, _FINDINGS = "cases", "feedback", "findings"

ranking_options = stack(
    option(
        "--case-by",
        default="best",
        metavar="RULE",
        section=_CASES,
        help="score of a case: best, mean-3 (any number), rank-weighted; with --group-by [best]",
    ),
    option(
        "--collapse",
        type=float,
        metavar="MM",
        section=_CASES,
        help="keep the best of slices of a stack this near to each other [0; 10 with other rules than best]",
    ),
    option(
        "--volume",
        is_flag=True,
        section=_CASES,
        help="all slices of a stack are one query, and series (or --group-by) answer",
    ),
    option(
        "--volume-by",
        choices=VOLUME_RULES,
        default="maxsim",
        metavar="HOW",
        section=_CASES,
        help="maxsim: mean of each slice's best match; votes: ranks of the case for each slice [maxsim]",
    ),
    option(
        "--like",
        shell_complete=complete_id,
        multiple=True,
        metavar="ID",
        section=_FEEDBACK,
        help="move the query towards this image of the index; may be repeated",
    ),
    option(
        "--unlike",
        shell_complete=complete_id,
        multiple=True,
        metavar="ID",
        section=_FEEDBACK,
        help="move the query away from, and do not show, this image of the index; may be repeated",
    ),
    option(
        "--blind",
        type=int,
        default=0,
        metavar="N",
        section=_FEEDBACK,
        help="count the first N hits as liked, and rank again [0]",
    ),
    option(
        "--fusion",
        choices=FUSION_RULES,
        default="rrf",
        metavar="RULE",
        section="fusion",
        help="rrf: reciprocal ranks; sum: normalised scores; learnt: those, weighted as `semblance "
        "learn-fusion` learnt [rrf]",
    ),
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


def refinements(args: Arguments) -> dict[str, Any]:
    """Return the options of a query that these arguments set, by name."""
    return {
        "case_by": args.case_by,
        "collapse": args.collapse,
        "like": tuple(args.like),
        "unlike": tuple(args.unlike),
        "blind": args.blind,
        "fusion": args.fusion,
        "volume_by": args.volume_by,
    }


def wants_findings(args: Arguments) -> bool:
    """Tell whether findings were asked for."""
    return bool(args.findings or args.labels is not None or args.references is not None)
