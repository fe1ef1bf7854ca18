"""The arguments of a query that make cases of pictures, move it by feedback, and say what was found."""

from __future__ import annotations

import argparse
from typing import Any

from .argument_types import place

RULES = ("rrf", "sum", "learnt")


def add_refinements(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for cases, volumes, feedback and findings."""
    cases = parser.add_argument_group("cases")
    cases.add_argument(
        "--case-by",
        default="best",
        metavar="RULE",
        help="score of a case: best, mean-3 (any number), rank-weighted; with --group-by [best]",
    )
    cases.add_argument(
        "--collapse",
        type=float,
        metavar="MM",
        help="keep the best of slices of a stack this near to each other [0; 10 with other rules than best]",
    )
    cases.add_argument(
        "--volume",
        action="store_true",
        help="all slices of a stack are one query, and series (or --group-by) answer",
    )
    cases.add_argument(
        "--volume-by",
        choices=("maxsim", "votes"),
        default="maxsim",
        metavar="HOW",
        help="maxsim: mean of each slice's best match; votes: ranks of the case for each slice [maxsim]",
    )
    feedback = parser.add_argument_group("feedback")
    for name, what in (("like", "towards"), ("unlike", "away from, and do not show,")):
        feedback.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="ID",
            help=f"move the query {what} this picture of the index; may be repeated",
        )
    feedback.add_argument(
        "--blind",
        type=int,
        default=0,
        metavar="N",
        help="count the first N hits as liked, and rank again [0]",
    )
    fusion = parser.add_argument_group("fusion")
    fusion.add_argument(
        "--fusion",
        choices=RULES,
        default="rrf",
        metavar="RULE",
        help="rrf: reciprocal ranks; sum: normalised scores; learnt: those, weighted as `semblance "
        "learn-fusion` learnt [rrf]",
    )
    told = parser.add_argument_group("findings")
    told.add_argument(
        "--findings",
        action="store_true",
        help="say which labels the -k best cases have in common, beyond chance",
    )
    told.add_argument(
        "--labels", type=place, metavar="CSV", help="take labels from a table; includes --findings"
    )
    told.add_argument(
        "--references",
        type=place,
        metavar="CSV",
        help="show what a table (label, title, text, link) says of them",
    )


def refinements(args: argparse.Namespace) -> dict[str, Any]:
    """Return the terms of a query that these arguments set, by name."""
    return {
        "case_by": args.case_by,
        "collapse": args.collapse,
        "like": tuple(args.like),
        "unlike": tuple(args.unlike),
        "blind": args.blind,
        "fusion": args.fusion,
        "volume_by": args.volume_by,
    }


def wants_findings(args: argparse.Namespace) -> bool:
    """Tell whether findings were asked for."""
    return bool(args.findings or args.labels is not None or args.references is not None)
