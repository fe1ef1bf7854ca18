"""The search: a question is asked as the command line asks it, and its answer is timed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from retrieval.errors import SemblanceError
from retrieval.metadata.reference_table import References
from viewer.answer import Answer
from viewer.answering import ask, with_findings
from viewer.notes import Notes

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
    said = Notes(question.opened.index)
    said_of_it = [*said.add(question.query, question.options, answer), *said.rest()]
    # A shard that is away is named by its place, which is nothing for a browser elsewhere.
    notes = [without_paths(note.removeprefix("note: ")) for note in (*question.notes, *said_of_it)]
    # Without the time in the queue: it tells the index's speed, not the crowd.
    return Searched(question, answer, tuple(notes), 1000 * (time.perf_counter() - started))


def with_labels(found: Searched, references: References | None = None) -> Searched:
    """Return an answer with what its best cases have in common, and references for that."""
    started, question = time.perf_counter(), found.question
    index, query, options = question.opened.index, question.query, question.options
    answer, notes = found.answer, found.notes
    try:
        answer = with_findings(index, query, answer, options, None, references, question.through)
    except SemblanceError as error:  # an index without labels still has hits
        notes = (*notes, without_paths(str(error)))
    return Searched(question, answer, notes, found.took_ms + 1000 * (time.perf_counter() - started))
