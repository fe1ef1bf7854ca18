"""The forms in which an answer is printed: a table to read, JSON, CSV, and TREC run lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retrieval.metadata.groups import NAMED_IN_FILES
from viewer.answer import Answer
from viewer.answer_files import as_csv, as_json, group_keys
from viewer.safe_text import printable

from .columns import columns
from .findings_tables import as_text

TREC_TAG = "semblance"


def as_table(answers: Sequence[Answer]) -> str:
    """Write a table for each answer; columns that would be empty are left out."""
    return "\n\n".join(_one_table(answer) for answer in answers) + "\n"


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
    keys = group_keys(answer.rows)
    # A patient has studies, and these have series: the widest that is known is enough.
    keys = [key for key in keys if key not in NAMED_IN_FILES or key == keys[0]]
    # Columns that would be empty on all lines are left out.
    has_case = any(row.case for row in answer.rows)
    has_extent = any(row.extent for row in answer.rows)
    head = [
        "rank",
        "score",
        "id",
        *(["label"] if has_label else []),
        *keys,
        *(["images"] if has_case else []),
        *(["slices"] if has_extent else []),
    ]
    lines = [
        [
            str(row.rank),
            f"{row.score:.4f}",
            row.caption.id,
            *([row.caption.label] if has_label else []),
            *(row.caption.group.get(key, "") for key in keys),
            *([str(row.case.n if row.case else 1)] if has_case else []),
            *([" to ".join(row.extent or ())] if has_extent else []),
        ]
        for row in answer.rows
    ]
    return f"{title}\n{columns(head, lines, right=(0, 1))}{as_text(answer)}"
