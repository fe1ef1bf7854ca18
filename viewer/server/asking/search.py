"""The search: a question is asked as the command line asks it, and its answer is timed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from retrieval.errors import SemblanceError
from retrieval.metadata.reference_table import References
from viewer.answer import Answer
from viewer.answering import ask, with_findings
from viewer.notes import (
    has_no_value,
    note_on_boxes,
    note_on_metrics,
    note_on_missing,
    note_on_names,
    note_on_scores,
    note_on_space,
)

from ..desk import Desk
from ..problem import without_paths
from .ask import Ask
from .question import Question, question_of


@dataclass(frozen=True)
class Searched:
    """An answer: to which question, what the user should know of it, and how long it took, in ms."""

    question: Question
    answer: Answer
    notes: tuple[str, ...]
    took_ms: float


def searched(desk: Desk, index: str, ask: Ask) -> Searched:
    """Answer an ask of an index. SemblanceError or RefusedError if it makes no sense."""
    collection = desk.collection(index)
    found = search(question_of(desk, collection, ask))
    desk.log(collection, "search", [found.answer.query.id], [row.caption.id for row in found.answer.rows])
    return with_labels(found, desk.references) if ask.findings else found


def search(question: Question) -> Searched:
    """Answer a question. SemblanceError for options that make no sense."""
    started = time.perf_counter()
    # The function of the command line, so that both give the same hits with the same scores.
    answer = ask(question.opened.index, question.query, question.options, question.through)
    notes = [note.removeprefix("note: ") for note in (*question.notes, *_notes(question, answer))]
    # Without the time in the queue: it tells the index's speed, not the crowd.
    return Searched(question, answer, tuple(notes), 1000 * (time.perf_counter() - started))


def with_labels(found: Searched, references: References | None = None) -> Searched:
    """Return an answer with what its best cases have in common, and references for that."""
    started, question = time.perf_counter(), found.question
    index, query, options = question.opened.index, question.query, question.options
    answer, notes = found.answer, found.notes
    try:
        answer = with_findings(index, query, answer, options, references=references)
    except SemblanceError as error:  # an index without labels still has hits
        notes = (*notes, without_paths(str(error)))
    return Searched(question, answer, notes, found.took_ms + 1000 * (time.perf_counter() - started))


def _notes(question: Question, answer: Answer) -> list[str]:
    """Return the lines that the command line would say on stderr."""
    index, query, options = question.opened.index, question.query, question.options
    missing = options.not_same is not None and has_no_value(index, query, options.not_same)
    found = [
        note_on_scores(answer),
        *(_on_region(question, answer) if options.region is not None else ()),
        note_on_missing([query.id], options.not_same or "") if missing else None,
        note_on_names(index, options.not_same) or note_on_names(index, options.group_by),
        None if options.by else note_on_metrics(index),
    ]
    return [note for note in found if note]


def _on_region(question: Question, answer: Answer) -> tuple[str | None, ...]:
    index, by = question.opened.index, question.options.by
    return note_on_boxes(index, by), note_on_space(index, by, answer)
