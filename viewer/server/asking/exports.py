"""Answers as files: those of ``query --report``, ``--sheet``, ``--json`` and ``--csv``."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from viewer.answer import Answer
from viewer.answer_files import as_csv, as_json
from viewer.answering import answer_page, with_images
from viewer.contact_sheet import draw_sheet
from viewer.images import Images
from viewer.report import write_page

from ..desk import MadeFile
from .search import Searched


def export(searched: Searched, form: str) -> MadeFile:
    """Return an answer as a file; ``form`` is a key of ``FORMS``."""
    name, media_type, write = FORMS[form]
    return MadeFile(name, media_type, write(searched))


def _report(searched: Searched) -> bytes:
    question = searched.question
    # Each export is illustrated anew: it is rare, and images are large.
    answer = _illustrated(searched)
    is_volume = bool(question.query.slices)
    page = answer_page(question.opened.index, [answer], question.options, question.mark, is_volume)
    return write_page(page).encode("utf-8", "backslashreplace")


def _sheet(searched: Searched) -> bytes:
    encoded = io.BytesIO()
    draw_sheet([_illustrated(searched)]).save(encoded, "PNG")
    return encoded.getvalue()


def _illustrated(searched: Searched) -> Answer:
    question = searched.question
    # With the limits of size and time of any page: an export may hold a hundred images.
    images = Images(question.opened.index)
    region, column = question.options.region, question.options.group_by
    return with_images(searched.answer, images, question.query, region, column)


def _text(write: Callable[[list[Answer]], str]) -> Callable[[Searched], bytes]:
    return lambda searched: write([searched.answer]).encode("utf-8", "backslashreplace")


FORMS: Mapping[str, tuple[str, str, Callable[[Searched], bytes]]] = {
    "report": ("answer.html", "text/html; charset=utf-8", _report),
    "sheet": ("answer.png", "image/png", _sheet),
    "json": ("answer.json", "application/json", _text(as_json)),
    "csv": ("answer.csv", "text/csv; charset=utf-8", _text(as_csv)),
}
"""The name, the type and the writer of each form."""
