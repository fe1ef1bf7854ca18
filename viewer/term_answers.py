"""Answers in terms of a semantic profile: images that a term is said of, and where in one it comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from .answer import Answer
from .answering import answer_of
from .explanation_figure import heated, sized
from .panels import GAP, INK, LARGE, MARGIN, PAPER, font, shorten
from .queries.query import Query

if TYPE_CHECKING:
    from retrieval.evidence.heat_map import Heat
    from retrieval.index import Index, QueryOptions
    from retrieval.picture import Picture


def ask_term(index: Index, term: str, options: QueryOptions) -> Answer:
    """Return the images that look most like those that a term is said of, as they are shown.

    Raises SettingError as ``retrieval.index.search.by_term.rank_by_term`` does.
    """
    from retrieval.index.search.by_term import profile_of, rank_by_term

    hits = index.ask(lambda snapshot: rank_by_term(snapshot, term, options))
    lacking = index.lacking  # of this question alone, not of those that follow
    by = index.ask(lambda snapshot: profile_of(snapshot, options))
    return replace(answer_of(index, Query(term), hits, [by], options.group_by), lacking=lacking)


def map_term(index: Index, query: Query, term: str, options: QueryOptions) -> tuple[Image.Image, float]:
    """Return an image beside the places that a term comes from, and the term's log-odds there."""
    from retrieval.index.search.by_term import profile_of, term_map

    picture = index.read(query.id) if query.picture is None else query.picture
    heat, odds = index.ask(lambda snapshot: term_map(snapshot, picture, term, options))
    by = index.ask(lambda snapshot: profile_of(snapshot, options))
    return _drawn(picture, heat, f"{term} in {query.id} by {by}: log-odds {odds:+.2f}"), odds


def _drawn(picture: Picture, heat: Heat, heading: str) -> Image.Image:
    images = [sized(picture), heated(picture, heat)]
    rows, cols = images[0].shape[:2]
    sheet = Image.new("RGB", (2 * cols + GAP + 2 * MARGIN, rows + 2 * MARGIN + LARGE + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    text = shorten(heading, sheet.width - 2 * MARGIN, LARGE)
    pen.text((MARGIN, MARGIN), text, fill=INK, font=font(LARGE))
    for i, image in enumerate(images):
        sheet.paste(Image.fromarray(image), (MARGIN + i * (cols + GAP), MARGIN + LARGE + GAP))
    return sheet
