"""The question: what is asked with, and how; refused at once if it makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retrieval.errors import OptionError
from retrieval.index import QueryOptions
from retrieval.index.search.encode_query import of_regions
from retrieval.region import Region
from viewer.answer import XYWH
from viewer.answering import without_itself
from viewer.queries.marked_region import Canvas, Mark
from viewer.queries.query import Query, canvas_of
from viewer.queries.slide_field import SlideField, at_scale
from viewer.queries.volume import volume_of

from ..collection import Collection
from ..desk import Desk
from ..opened import Opened
from ..slides import tile_of
from .ask import MOST_HITS, Ask, RegionInput
from .slide_mark import field_of


@dataclass(frozen=True)
class Question:
    """A question to one commit of an index.

    Parameters
    ----------
    opened : what is asked.
    query : what it is asked with.
    options : how it is asked, with the region.
    mark : how the region was marked.
    notes : what the user should know of it, a line each.
    through : mm through which the mark is followed into the slices above and below.
    field : what is marked on a whole slide; None if an image asks. Its pixels are those of the query, while
        the page marks and draws in pixels of the slide.
    """

    opened: Opened
    query: Query
    options: QueryOptions
    mark: Mark
    notes: tuple[str, ...] = ()
    through: float = 0.0
    field: SlideField | None = None


def question_of(desk: Desk, collection: Collection, ask: Ask) -> Question:
    """Return what an ask means.

    Raises
    ------
    SemblanceError : an option that makes no sense, an image that is not there or cannot be read.
    RefusedError : an upload or a mask that is not there any more.
    """
    opened = collection.now
    # In the order in which a user would mend it: what, by which, where, how.
    mark = mark_of(desk, ask.region) if _is_slide(opened, ask) else Mark()
    field = field_of(opened, ask.image, mark)
    query = query_of(desk, opened, ask) if field is None else field.query
    by, notes = _representations(opened, ask)
    # A mark on a slide is its field; any other is one of the query's own pixels.
    mark = mark_of(desk, ask.region) if field is None else Mark()
    canvas = canvas_of(opened.index, query) if mark.is_given else None
    if mark.is_given and ask.volume:
        raise OptionError("a region is a part of one image; ask without the volume", "region")
    options = QueryOptions(
        by=by,
        k=_at_most(ask.k),
        region=_region(mark, canvas, field),
        where=_where(opened, ask, field),
        not_same=ask.not_same or None,
        group_by=ask.group_by or None,
        include_self=ask.include_self,
        fusion=ask.fusion or None,
        case_by=ask.case_by,
        like=tuple(ask.like),
        unlike=tuple(ask.unlike),
        concept=tuple(ask.concept),
    )
    outside = mark.about_outside(canvas) if canvas is not None else None
    options = without_itself(opened.index, query, options)
    lacking = desk.uploads.file(str(ask.upload)).note if ask.volume and ask.upload is not None else None
    noted = (*notes, *(note for note in (outside, lacking) if note))
    return Question(opened, query, options, mark, noted, _through(ask), field)


def _is_slide(opened: Opened, ask: Ask) -> bool:
    return ask.image is not None and tile_of(opened, ask.image) is not None


def _region(mark: Mark, canvas: Canvas | None, field: SlideField | None) -> Region | None:
    if field is not None:
        return field.region
    return None if canvas is None else mark.on(canvas)


def _where(opened: Opened, ask: Ask, field: SlideField | None) -> str | None:
    """Return which images may be found: of a field of a slide, tiles of its scale alone."""
    where = ask.where or None
    return where if field is None else at_scale(where, field.um_per_px, opened.index.tiling)


def query_of(desk: Desk, opened: Opened, ask: Ask) -> Query:
    """Return what is asked with. OptionError unless it is one thing, SettingError if it is not there."""
    if (ask.image is None) == (ask.upload is None):
        raise OptionError("give one of them", "image", "upload")
    # An image of the index is asked by its stored vector; a file of the user's is encoded now.
    if ask.image is not None:
        opened.index.picture(ask.image)  # refuses one that is not there
        return volume_of(opened.index, ask.image) if ask.volume else Query(ask.image, known_as=ask.image)
    upload = desk.uploads.file(str(ask.upload))
    picture = upload.frame(ask.frame)
    if ask.volume:
        return Query(upload.name, replace(picture, id=upload.name), slices=upload.pictures)
    return Query(picture.id, picture)


def mark_of(desk: Desk, region: RegionInput | None) -> Mark:
    """Return how a part of an image is marked. OptionError for numbers that make no mark."""
    if region is None:
        return Mark()
    numbers = [*(region.box or ()), *(region.point or ()), *(v for xy in region.polygon or () for v in xy)]
    # NaN passes every comparison, and an infinite box has no pixels.
    if not all(abs(number) < float("inf") for number in (*numbers, region.margin_px)):
        raise OptionError("a number is not finite", "region")
    if region.margin_px < 0:
        raise OptionError(f"{region.margin_px:g} is below 0", "margin")
    return Mark(
        region=_box(region.box),
        polygon=_polygon(region.polygon),
        mask=None if region.mask is None else desk.uploads.mask(region.mask),
        point=_point(region.point),
        margin=region.margin_px,
    )


def size_of(question: Question) -> Canvas:
    """Return the image of a question, for what is marked in it."""
    return canvas_of(question.opened.index, question.query)


def _representations(opened: Opened, ask: Ask) -> tuple[Sequence[str], list[str]]:
    """Return which representations answer, loaded, and what the user should know of that."""
    if ask.by:
        known = [name for name in ask.by if name in opened.in_order]
        opened.load(known)
        return ask.by, []
    # What needs no network is loaded in no time: right after the start, too, all of it answers.
    opened.load_if_possible([name for name in opened.waiting if not opened.is_slow(name)])
    # An answer now beats a better one in six seconds, if it says what it lacks.
    ready = tuple(name for name in opened.defaults if name in opened.loaded)
    if ask.region is not None:
        ready = tuple(of_regions(ready, opened.index.representation))
    if not ready:
        opened.load(opened.defaults)
        return (), []
    answered = f"answered by {', '.join(ready)} alone"
    notes = []
    for name in (name for name in opened.defaults if name not in opened.loaded):
        reason = opened.failed.get(name)
        why = f"cannot be loaded ({reason})" if reason else "is still loading"
        notes.append(f"{name} {why}; {answered}")
    return (ready if notes else ()), notes


def _through(ask: Ask) -> float:
    if not 0 <= ask.through_mm < float("inf"):
        raise OptionError(f"{ask.through_mm:g} mm; give a number of at least 0", "through")
    return ask.through_mm


def _at_most(k: int) -> int:
    if k > MOST_HITS:
        raise OptionError(f"{k} hits are too many; ask for at most {MOST_HITS}", "k")
    return k


def _box(numbers: Sequence[float] | None) -> XYWH | None:
    if numbers is None:
        return None
    if len(numbers) != 4:
        raise OptionError("a box is x, y, width and height", "region")
    x, y, width, height = numbers
    return x, y, width, height


def _polygon(corners: Sequence[Sequence[float]] | None) -> tuple[tuple[float, float], ...] | None:
    if corners is None:
        return None
    if len(corners) < 3 or any(len(corner) != 2 for corner in corners):
        raise OptionError("a polygon has three corners or more, each x and y", "polygon")
    return tuple((corner[0], corner[1]) for corner in corners)


def _point(numbers: Sequence[float] | None) -> tuple[float, float] | None:
    if numbers is None:
        return None
    if len(numbers) != 2:
        raise OptionError("a point is x and y", "point")
    return numbers[0], numbers[1]
