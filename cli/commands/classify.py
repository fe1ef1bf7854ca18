"""``semblance classify``: say what an image is called after the labelled images that look like it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrieval.answers.rule_names import FUSION_RULES
from retrieval.errors import PictureError
from retrieval.index.search.query_options import QueryOptions
from viewer.answer_files import copies_object
from viewer.findings import copies_notes, withheld_note
from viewer.notes import has_no_value, note_on_missing, note_on_names, note_on_shards, note_on_weights
from viewer.option_notes import note_on_fusion
from viewer.queries.own_images import others
from viewer.queries.query import Query, find_queries
from viewer.safe_text import csv_text, printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.completion import complete_column, complete_image, complete_representation
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, argument, form_of, forms, option, quiet
from ..options.ranking_flags import RULE_WITHOUT, query_flag
from ..output.columns import columns
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.answers.knn import Classification
    from retrieval.index import Index

EXAMPLE = """example:
  semblance classify scans.index patient7.dcm
  semblance classify scans.index new/ --by superpixel --by deep --not-same patient --csv
  semblance classify scans.index cell.png --label-of stain --unsure 0.8

The nearest labelled images vote, that of rank r with 1 / r; one of several labels votes for each. The
confidence says how often such a vote is right: up to 500 labelled images of the index are asked, each
without those of its own patient (else group, study, series, slide), and their votes are compared with
their labels.

The answer is "don't know" below --unsure, for an image that is unlike anything in the index or of another
kind, and if fewer than 20 labelled images tell how sure a vote is. An indexed image never votes for
itself, nor does its near-duplicate under another name; near-duplicates of each other vote once."""

DONT_KNOW = "don't know"

Classified = Sequence[tuple[str, "Classification"]]


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@argument(
    "images",
    shell_complete=complete_image,
    nargs=-1,
    required=True,
    metavar="IMAGE",
    help="an id of the index, a file, or a folder",
)
@query_flag("by", shell_complete=complete_representation, metavar="NAME")
@query_flag("fusion", RULE_WITHOUT, choices=FUSION_RULES, metavar="RULE")
@option("-k", type=positive, default=10, metavar="N", help="how many images vote [10]")
@option(
    "--label-of",
    shell_complete=complete_column,
    default="label",
    metavar="COLUMN",
    help="the column with the labels [label]",
)
@option("--unsure", type=float, default=0.5, metavar="P", help="least confidence of an answer, 0 to 1 [0.5]")
@option("--where", metavar="EXPR", help="let only images vote whose metadata fit an expression")
@option(
    "--not-same",
    shell_complete=complete_column,
    metavar="X",
    help="let nothing vote that shares the query's patient, study, …",
)
@forms("json", "csv")
@quiet
@limit_options
def run(args: Arguments) -> int:
    """Classify each image and print what was found."""
    from scale.shards.opening import open_index

    classified: list[tuple[str, Classification]] = []
    lacking: list[str] = []
    away: str | None = None
    with open_index(args.index) as index, ProgressBar("queries", args.quiet) as progress:
        # One after the other: a folder may hold more images than fit in memory.
        for query in find_queries(index, args.images):
            classified.append((query.id, _classified(index, query, args)))
            away = away or note_on_shards(index.lacking)
            args.shown += [neighbour.id for neighbour in classified[-1][1].neighbours]
            if args.not_same is not None and has_no_value(index, query, args.not_same):
                lacking.append(query.id)
            progress("classifying", len(classified), 0)
        names = note_on_names(index, args.not_same)
        asked = QueryOptions(by=args.by, fusion=args.fusion)
        weights = note_on_weights(index, asked) or note_on_fusion(index, asked)
    if not classified:
        raise PictureError(f"{', '.join(args.images)}: holds no image")
    for note in filter(None, (names, weights, away)):
        print(note, file=sys.stderr)
    if withheld := sorted({name for _, one in classified for name in one.withheld}):
        print(f"no confidence: {withheld_note(withheld)}", file=sys.stderr)
    # Each query has copies of its own, so that one line for all would not say whose they are.
    for id, one in classified:
        for note in copies_notes(one.copies):
            print(f"{printable(id)}: {note}", file=sys.stderr)
    if lacking:
        print(note_on_missing(lacking, args.not_same), file=sys.stderr)
    sys.stdout.write(_FORMS[form_of(args)](classified))
    return 0


def _classified(index: Index, query: Query, args: Arguments) -> Classification:
    return index.classify(
        query.subject,
        label_of=args.label_of,
        unsure=args.unsure,
        by=args.by,
        k=args.k,
        where=args.where,
        not_same=args.not_same,
        fusion=args.fusion,
        # A file of the index must not vote for itself under its id.
        among=others(index, query, None),
    )


def as_table(classified: Classified) -> str:
    """Write one line an image: the label, the confidence, the votes, and why there is no label."""
    # The column is wide, and empty for most answers.
    in_doubt = any(one.doubt for _, one in classified)
    head = ["query", "label", "confidence", "votes", *(["doubt"] if in_doubt else [])]
    lines = [
        [
            id,
            one.label or DONT_KNOW,
            # Too few labelled images to calibrate a confidence: nothing is better than a guess.
            "" if one.confidence is None else f"{one.confidence:.2f}",
            ", ".join(f"{label} {share:.2f}" for label, share in one.votes.items()),
            *([one.doubt or ""] if in_doubt else []),
        ]
        for id, one in classified
    ]
    return columns(head, lines, right=(2,)) + "\n"


def as_json(classified: Classified) -> str:
    """Write a list, one object an image; ``label`` is null if nothing is known."""
    return json.dumps([_object(id, one) for id, one in classified], indent=1) + "\n"


def as_csv(classified: Classified) -> str:
    """Write one line an image; no label if nothing is known, and the votes as ``label=share;…``."""
    lines: list[Sequence[object]] = [["query", "label", "confidence", "best", "share", "doubt", "votes"]]
    for id, one in classified:
        votes = ";".join(f"{label}={share:.4f}" for label, share in one.votes.items())
        # The label may be withheld; the best one and its score are shown all the same.
        best = "" if one.best is None else f"{one.votes[one.best]:.4f}"
        confidence = "" if one.confidence is None else f"{one.confidence:.4f}"
        lines.append([id, one.label or "", confidence, one.best or "", best, one.doubt or "", votes])
    return csv_text(lines)


_FORMS: dict[str, Callable[[Classified], str]] = {"table": as_table, "json": as_json, "csv": as_csv}


def _object(id: str, one: Classification) -> dict[str, Any]:
    return {
        "query": id,
        "label": one.label,
        "confidence": one.confidence,
        "best": one.best,
        "doubt": one.doubt,
        "votes": dict(one.votes),
        "likeness_percentile": one.unlike,
        "kind_percentile": one.kind,
        "calibrated_on": one.calibrated_on,
        "withheld": list(one.withheld),
        "near_duplicates": copies_object(one.copies),
        "neighbours": [
            {"id": n.id, "rank": n.rank, "score": n.score, "labels": list(n.labels)} for n in one.neighbours
        ],
    }
