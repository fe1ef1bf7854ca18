"""Answers as files for other programs: JSON and CSV, the same at the command line and from the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from retrieval.metadata.groups import NAMED_IN_FILES

from .answer import Answer, Row
from .findings import finding_row
from .safe_text import csv_text

if TYPE_CHECKING:
    from retrieval.answers.duplicate_groups import Copies


def as_json(answers: Sequence[Answer]) -> str:
    """Write a list, one object a query: ``{"query": id, "hits": [{id, score, rank, box, group}]}``.

    A hit with a box has its ``proof``, and the ``transform`` (``viewer.answer.Row``) if its matches agree;
    one of a grouped answer a ``case``, one of a fused answer the ``votes``; an answer ``findings`` if they
    were asked for, and ``lacking`` if a shard was away.
    """
    return json.dumps([_object(answer) for answer in answers], indent=1) + "\n"


def as_json_line(answer: Answer) -> str:
    """Write the object of one query, as in ``as_json``, in one line."""
    return json.dumps(_object(answer)) + "\n"


def as_csv(answers: Sequence[Answer]) -> str:
    """Write one line a hit: query, rank, id, score, the box, the label, and a column for each group."""
    # One header for all answers, so that programs read one table: the columns of every answer together.
    keys = group_keys([row for answer in answers for row in answer.rows])
    lines: list[Sequence[object]] = [["query", "rank", "id", "score", "x", "y", "w", "h", "label", *keys]]
    for answer in answers:
        for row in answer.rows:
            # Empty cells, not zeros: a hit without a known box has no place.
            box = row.box or ("", "", "", "")
            groups = [row.caption.group.get(key, "") for key in keys]
            line: list[object] = [
                answer.query.id,
                row.rank,
                row.caption.id,
                f"{row.score:.6g}",  # a float32 has no more than seven digits
                *box,
                row.caption.label,
                *groups,
            ]
            lines.append(line)
    return csv_text(lines)


def group_keys(rows: Sequence[Row]) -> list[str]:
    """Return the groups that any row has, the usual ones first."""
    found = {key for row in rows for key in row.caption.group}
    # In a fixed order, so that columns of CSV stay where they are from one answer to the next.
    usual = [key for key in NAMED_IN_FILES if key in found]
    return usual + sorted(found.difference(usual))


def _object(answer: Answer) -> dict[str, object]:
    shown: dict[str, object] = {"query": answer.query.id, "hits": [_hit(row) for row in answer.rows]}
    if answer.lacking:
        shown["lacking"] = answer.lacking
    return shown if answer.findings is None else {**shown, "findings": _findings(answer)}


def _hit(row: Row) -> dict[str, object]:
    case = {} if row.case is None else {"case": asdict(row.case)}
    # Programs know the inliers as `proof`, the name of their key since the first version.
    proof = {} if row.inliers is None else {"proof": row.inliers}
    transform = {} if row.transform is None else {"transform": list(row.transform)}
    extent = {} if row.extent is None else {"slices": list(row.extent)}
    votes = {"votes": {name: asdict(vote) for name, vote in row.votes.items()}} if row.votes else {}
    return {
        "id": row.caption.id,
        "score": row.score,
        "rank": row.rank,
        "box": None if row.box is None else list(row.box),
        "group": dict(row.caption.group),
        **proof,
        **transform,
        **extent,
        **votes,
        **case,
    }


def _findings(answer: Answer) -> dict[str, object]:
    """Return the findings as JSON holds them."""
    found = answer.findings
    # Called only for an answer that has findings; None would print as a key that says nothing.
    assert found is not None
    return {
        "case": found.column,
        "matching": found.drawn,
        "cases": found.total,
        "verdict": found.verdict,
        "labels": [finding_row(one, found) for one in found.labels],
        "likeness_percentile": found.unlike,
        "unlike_anything": found.is_unlike,
        "kind_percentile": found.kind,
        "another_kind": found.is_another_kind,
        "withheld": list(found.withheld),
        "near_duplicates": {
            **copies_object(found.copies),
            "joined_cases": found.copies.n_joined,
            "equal_thumbnails_only": found.copies.is_exact,
        },
        "references": [
            {
                "label": r.label,
                "title": r.title,
                "text": r.text,
                "link": r.link,
                "kind": r.kind,
                "picture": r.picture,
            }
            for r in answer.references
        ],
    }


def copies_object(copies: Copies) -> dict[str, list[list[str]] | list[str]]:
    """Return the near-duplicates that an answer counts once, and those of the query, as JSON holds them."""
    return {
        "counted_once": [list(group) for group in copies.merged],
        "of_query": list(copies.of_query),
        "of_new_query": list(copies.of_new),
    }
