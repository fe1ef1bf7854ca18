"""The forms in which an answer is printed: a table to read, JSON, CSV, and TREC run lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from retrieval.metadata.groups import NAMED_IN_FILES
from viewer.answer import Answer, Row
from viewer.safe_text import csv_text, printable

from .columns import columns
from .findings_tables import as_object, as_text

TREC_TAG = "semblance"


def as_table(answers: Sequence[Answer]) -> str:
    """Write a table for each answer; columns that would be empty are left out."""
    return "\n\n".join(_one_table(answer) for answer in answers) + "\n"


def as_json(answers: Sequence[Answer]) -> str:
    """Write a list, one object a query: ``{"query": id, "hits": [{id, score, rank, box, group}]}``.

    A hit with a box has its ``proof``, one of a grouped answer a ``case``, one of a fused answer the
    ``votes``, and an answer ``findings`` if they were asked for.
    """
    return json.dumps([_object(answer) for answer in answers], indent=1) + "\n"


def as_csv(answers: Sequence[Answer]) -> str:
    """Write one line a hit: query, rank, id, score, the box, the label, and a column for each group."""
    # One header for all answers, so that programs read one table: the columns of every answer together.
    keys = _group_keys([row for answer in answers for row in answer.rows])
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


def as_trec(answers: Sequence[Answer]) -> str:
    """Write run lines ``query Q0 id rank score tag``; white space in an id becomes ``%20`` and such."""
    from retrieval.evaluation.trec import token

    lines = [
        f"{token(a.query.id)} Q0 {token(row.caption.id)} {row.rank} {row.score:.6g} {TREC_TAG}\n"
        for a in answers
        for row in a.rows
    ]
    return "".join(lines)


FORMATS: dict[str, Callable[[Sequence[Answer]], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "trec": as_trec,
}


def _one_table(answer: Answer) -> str:
    title = f"{printable(answer.query.id)}  by {answer.by}"
    if answer.query.label:
        title += f"  label {printable(answer.query.label)}"
    if not answer.rows:
        return f"{title}\nno image to rank"
    has_label = any(row.caption.label for row in answer.rows)
    keys = _group_keys(answer.rows)
    # A patient has studies, and these have series: the widest that is known is enough.
    keys = [key for key in keys if key not in NAMED_IN_FILES or key == keys[0]]
    # Columns that would be empty on all lines are left out.
    has_case = any(row.case for row in answer.rows)
    head = [
        "rank",
        "score",
        "id",
        *(["label"] if has_label else []),
        *keys,
        *(["images"] if has_case else []),
    ]
    lines = [
        [
            str(row.rank),
            f"{row.score:.4f}",
            row.caption.id,
            *([row.caption.label] if has_label else []),
            *(row.caption.group.get(key, "") for key in keys),
            *([str(row.case.n if row.case else 1)] if has_case else []),
        ]
        for row in answer.rows
    ]
    return f"{title}\n{columns(head, lines, right=(0, 1))}{as_text(answer)}"


def _object(answer: Answer) -> dict[str, object]:
    shown: dict[str, object] = {"query": answer.query.id, "hits": [_hit(row) for row in answer.rows]}
    return shown if answer.findings is None else {**shown, "findings": as_object(answer)}


def _hit(row: Row) -> dict[str, object]:
    case = {} if row.case is None else {"case": asdict(row.case)}
    # Programs know the inliers as `proof`, the name of their key since the first version.
    proof = {} if row.inliers is None else {"proof": row.inliers}
    votes = {"votes": {name: asdict(vote) for name, vote in row.votes.items()}} if row.votes else {}
    return {
        "id": row.caption.id,
        "score": row.score,
        "rank": row.rank,
        "box": None if row.box is None else list(row.box),
        "group": dict(row.caption.group),
        **proof,
        **votes,
        **case,
    }


def _group_keys(rows: Sequence[Row]) -> list[str]:
    """Return the groups that any row has, the usual ones first."""
    found = {key for row in rows for key in row.caption.group}
    # In a fixed order, so that columns of CSV stay where they are from one answer to the next.
    usual = [key for key in NAMED_IN_FILES if key in found]
    return usual + sorted(found.difference(usual))
