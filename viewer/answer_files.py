"""Serialization of answers to JSON and CSV, the same from the command line and as downloads of the page."""

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
    """Return a JSON array, one object per query: ``{"query": id, "hits": [{id, score, rank, box, group}]}``.

    A localized hit has ``proof``, its number of inliers, and the ``transform`` (``viewer.answer.Row``) if it
    was verified; a hit of a grouped answer has its ``case``, of a fused answer its ``votes``. An answer has
    ``findings`` if they were requested, and ``lacking`` if a shard was unavailable.
    """
    return json.dumps([_answer_object(answer) for answer in answers], indent=1) + "\n"


def as_json_line(answer: Answer) -> str:
    """Return one line of JSON Lines: the object of one query, as in ``as_json``."""
    return json.dumps(_answer_object(answer)) + "\n"


def as_csv(answers: Sequence[Answer]) -> str:
    """Return a CSV table with a row per hit: query, rank, id, score, box, label, and one column per group."""
    # One header for all answers, so that programs read one table: the union of their columns.
    keys = group_keys([row for answer in answers for row in answer.rows])
    lines: list[Sequence[object]] = [["query", "rank", "id", "score", "x", "y", "w", "h", "label", *keys]]
    for answer in answers:
        for row in answer.rows:
            # Empty cells, not zeros: a hit that was not localized has no position.
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
    """Return the grouping columns (series, study, label columns) that any row has, those of DICOM first."""
    occurring = {key for row in rows for key in row.caption.group}
    # In a fixed order, so that the columns of CSV are the same from one answer to the next.
    standard = [key for key in NAMED_IN_FILES if key in occurring]
    return standard + sorted(occurring.difference(standard))


def _answer_object(answer: Answer) -> dict[str, object]:
    result: dict[str, object] = {"query": answer.query.id, "hits": [_hit_object(row) for row in answer.rows]}
    if answer.lacking:
        result["lacking"] = answer.lacking
    return result if answer.findings is None else {**result, "findings": _findings_object(answer)}


def _hit_object(row: Row) -> dict[str, object]:
    case = {} if row.case is None else {"case": asdict(row.case)}
    # The key of the number of inliers is `proof`: programs have read it under this name from the start.
    inliers = {} if row.inliers is None else {"proof": row.inliers}
    transform = {} if row.transform is None else {"transform": list(row.transform)}
    extent = {} if row.extent is None else {"slices": list(row.extent)}
    votes = {"votes": {name: asdict(vote) for name, vote in row.votes.items()}} if row.votes else {}
    return {
        "id": row.caption.id,
        "score": row.score,
        "rank": row.rank,
        "box": None if row.box is None else list(row.box),
        "group": dict(row.caption.group),
        **inliers,
        **transform,
        **extent,
        **votes,
        **case,
    }


def _findings_object(answer: Answer) -> dict[str, object]:
    found = answer.findings
    assert found is not None  # it is called for answers with findings only
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
    """Return, for JSON, the near-duplicates that count once in an answer, and those of the query."""
    return {
        "counted_once": [list(group) for group in copies.merged],
        "of_query": list(copies.of_query),
        "of_new_query": list(copies.of_new),
    }
