"""The report page: one HTML file that holds everything, needs no script and no network, and prints well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .answer import Answer
from .page import Document, write_document
from .provenance import Fact
from .report_figures import hit_item, query_figure
from .report_table import ReportTable, table_html
from .safe_text import escape

_NOTE = "Likeness is not a diagnosis. Scores rank images of one index; they are no probabilities."


@dataclass(frozen=True)
class Page:
    """A report page.

    Parameters
    ----------
    title : the heading.
    answers : what was asked and found, with images; neighbours with the same query are shown together.
    lead : sentences under the heading.
    tables : tables above the answers.
    facts : names and values at the end of the page: recipe, settings, date, version.
    """

    title: str
    answers: Sequence[Answer]
    lead: Sequence[str] = ()
    tables: Sequence[ReportTable] = ()
    facts: Sequence[Fact] = ()


def write_page(page: Page) -> str:
    """Return the page as HTML, with every id, label and value escaped."""
    # Neighbours only: the same query asked twice, with others between, was asked for a reason.
    groups = groupby(page.answers, key=lambda answer: answer.query.id)
    parts = [*map(table_html, page.tables), *(_section(list(answers)) for _, answers in groups)]
    main = "<main>" + "\n".join(parts) + "</main>"
    return write_document(Document(page.title, page.lead, main, page.facts, _NOTE, "report.css"))


def _section(answers: Sequence[Answer]) -> str:
    """Return one query and the answers to it, one for each representation that was asked."""
    rankings = "".join(_ranking(answer, is_named=len(answers) > 1) for answer in answers)
    kind = " class=volume" if answers[0].slices else ""
    return f"<section{kind}>{query_figure(answers[0])}<div class=rankings>{rankings}</div></section>"


def _ranking(answer: Answer, is_named: bool) -> str:
    heading = f"<h2>{escape(answer.by)}</h2>" if is_named else ""
    if not answer.rows:
        return f"<article>{heading}<p class=empty>No image to rank.</p></article>"
    # Scores of two representations have nothing to do with each other, so that each list has its own bars.
    top = max(abs(row.score) for row in answer.rows) or 1.0
    hits = "".join(hit_item(answer, row, top) for row in answer.rows)
    return f"<article>{heading}<ol>{hits}</ol></article>"
