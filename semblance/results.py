"""What an index answers: hits as a table, in a notebook, and on pages and sheets."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer.answer import Answer as Shown
from viewer.answer import Row
from viewer.answering import answer_page, with_images
from viewer.files import check_page_name, check_picture_name, write_picture, write_text
from viewer.report import write_page
from viewer.safe_text import printable

from .limits import within_limits
from .table import Table

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

    from retrieval.answers.fusion import Vote
    from retrieval.answers.grouping import Case
    from retrieval.index import HitExplanation, QueryOptions
    from retrieval.index import Index as Reader
    from retrieval.readers.limits import Limits
    from viewer.queries.marked_region import Mark
    from viewer.queries.query import Query

_HEIGHT = 420
"""Pixels of an answer in a notebook; its lower edge can be dragged."""


@dataclass(frozen=True)
class Hit:
    """One image that was found.

    Parameters
    ----------
    id, rank, score : its name in the index, its rank from 1, and its score; larger is more alike.
    label : its label, several joined by ``;``; empty if it has none.
    group : what it belongs to: patient, study, series, and the column that was grouped by.
    box : where the query matched: x, y, width and height in its pixels; None if that is not known.
    n_inliers : how many local matches within the box agree in space; None without a box.
    case : of which case it is the best image; None if images are not grouped.
    votes : how each of several fused representations voted, by name.
    """

    id: str
    rank: int
    score: float
    label: str = ""
    group: Mapping[str, str] = field(default_factory=dict)
    box: tuple[int, int, int, int] | None = None
    n_inliers: int | None = None
    case: Case | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Asked:
    """A question and its answer: what pages and sheets are drawn from, while the index is open."""

    reader: Reader
    query: Query
    options: QueryOptions
    mark: Mark
    answer: Shown
    limits: Limits | None = None

    @within_limits
    def illustrated(self, are_small: bool = False) -> Shown:
        """Return the answer with images; small ones are the thumbnails of the index."""
        from viewer.images import Images

        images = Images(self.reader, most_bytes=0) if are_small else Images(self.reader)
        return with_images(self.answer, images, self.query, self.options.region, self.options.group_by)

    @within_limits
    def page(self, are_small: bool = False) -> str:
        """Return the report page as HTML."""
        answers = [self.illustrated(are_small)]
        # The page of `semblance query --report`, drawn by the same code.
        page = answer_page(self.reader, answers, self.options, self.mark, bool(self.query.slices))
        return write_page(page)


class Answer(Sequence[Hit], Table):
    """The hits of a query, best first. It shows itself in a notebook, with thumbnails.

    Attributes
    ----------
    query : what was asked with: an id, a path, or ``array``.
    by : the representation that ranked, or several joined by ``+``.
    lacking : which images were not asked, because their shard was away; empty if all were.
    """

    def __init__(self, asked: Asked) -> None:
        # Hits are plain values that outlive the index; pages are drawn later, while it is open.
        self._asked = asked
        self._hits = tuple(_hit(row) for row in asked.answer.rows)
        self.query, self.by = asked.answer.query.id, asked.answer.by
        self.lacking = asked.answer.lacking

    def __getitem__(self, place: Any) -> Any:
        return self._hits[place]

    def __len__(self) -> int:
        return len(self._hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._hits)

    def rows(self) -> list[dict[str, Any]]:
        """Return the hits as the command line's CSV has them: a dictionary each, with the same columns."""
        return [_record(self.query, hit) for hit in self._hits]

    def report(self, path: str | PathLike[str]) -> None:
        """Write the report page: one HTML file that holds everything. The index must be open."""
        check_page_name(Path(path))
        write_text(self._asked.page(), Path(path))

    def sheet(self, path: str | PathLike[str]) -> None:
        """Write the contact sheet: one image, such as a PNG. The index must be open."""
        from viewer.contact_sheet import draw_sheet

        check_picture_name(Path(path))
        write_picture(draw_sheet([self._asked.illustrated()]), Path(path))

    def __repr__(self) -> str:
        lines = [f"{hit.rank:>3}  {hit.score:.4f}  {hit.id}  {hit.label}".rstrip() for hit in self._hits]
        return printable(f"{self.query}  by {self.by}") + "\n" + "\n".join(map(printable, lines))

    def _repr_html_(self) -> str:
        # Thumbnails only, since a notebook is saved with all that it shows.
        # A page in a frame: its styles cannot reach the notebook's, nor the notebook's the page.
        page = escape(self._asked.page(are_small=True))
        style = f"width:100%;height:{_HEIGHT}px;border:0;resize:vertical;overflow:auto"
        return f'<iframe srcdoc="{page}" style="{style}" sandbox="allow-popups"></iframe>'


class Explanation:
    """What made an image a hit, and a test of whether that is true. It shows its drawing in a notebook.

    Attributes
    ----------
    query, hit, by : what was asked, the hit, and the representation that is explained.
    score : what the representation gives this hit.
    box : where the query matched: x, y, width and height in the hit's pixels; None if that is not known.
    is_faithful : whether the score falls further if the part that it points to is covered than elsewhere.
    text : the score and the test, in one line.
    """

    def __init__(self, query: str, hit: str, found: HitExplanation) -> None:
        from viewer.explanation_text import sentence

        self.query, self.hit, self.by, self.score = query, hit, found.by, found.score
        # Inside, boxes are (row, col, height, width); here they are as on the command line.
        self.box = None if found.box is None else tuple(round(found.box[i]) for i in (1, 0, 3, 2))
        self.is_faithful = found.deletion.is_faithful
        self.text = sentence(found)
        self._found = found

    def figure(self) -> PillowImage:
        """Return the drawing: query, hit, and where in the hit the score comes from."""
        from viewer.explanation_figure import draw

        return draw(self._found, f"{self.query} finds {self.hit} by {self.by}", self.text)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the drawing as an image, such as a PNG."""
        check_picture_name(Path(path))
        write_picture(self.figure(), Path(path))

    def __repr__(self) -> str:
        return printable(f"{self.query} finds {self.hit} by {self.by}: {self.text}")

    def _repr_png_(self) -> bytes:
        encoded = io.BytesIO()
        self.figure().save(encoded, "PNG")
        return encoded.getvalue()


def _hit(row: Row) -> Hit:
    caption = row.caption
    return Hit(
        caption.id,
        row.rank,
        row.score,
        caption.label,
        dict(caption.group),
        row.box,
        row.inliers,
        row.case,
        row.votes,
    )


def _record(query: str, hit: Hit) -> dict[str, Any]:
    # Columns as in the CSV of the command line, so that a table can be joined with one that was printed.
    x, y, width, height = hit.box or (None, None, None, None)
    about = {"query": query, "rank": hit.rank, "id": hit.id, "score": hit.score}
    return {**about, "x": x, "y": y, "w": width, "h": height, "label": hit.label, **hit.group}
