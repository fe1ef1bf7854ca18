"""What is made of an index, from the server's own words into those of GraphQL."""

from __future__ import annotations

from dataclasses import replace

import strawberry

from retrieval.index.search.explain import Report
from retrieval.region import Region
from viewer.queries.stack import SliceStack

from ..asking.ask import Ask
from ..asking.browse import Listed
from ..asking.explaining import Explained, explain
from ..asking.maps import Layout, map_of
from ..asking.question import Question, question_of, size_of
from ..asking.slice_match import SliceMatch as MatchedSlices
from ..asking.slide_map import SlideMap
from ..asking.slide_mark import polygons_on_slide, to_slide
from ..desk import Desk
from ..opened import Opened
from ..slides import OpenSlide
from .answers import polygons_of
from .image_types import Group, GroupPage, ImagePage, Slice, Stack, counts_of, image_of, named_image
from .index_types import Explanation, Map, Outline, Pair, Place, SliceMatch, SliceScore
from .slide_types import Heat

_OF_TILE = ("x", "y", "width", "height", "um_per_px", "rows", "cols", "kind")
"""What a tile says of itself and not of its slide."""


def image_page(opened: Opened, listed: Listed) -> ImagePage:
    """Return a part of the list of images."""
    return ImagePage(
        items=[image_of(opened, entry) for entry in listed.entries], total=listed.total, next=listed.next
    )


def group_page(opened: Opened, listed: Listed) -> GroupPage:
    """Return a part of a list of groups."""
    # The cover is an image like any other, so that a click on it opens the group there.
    groups = [
        Group(
            value=one.value, count=one.count, cover=image_of(opened, one.cover), labels=counts_of(one.labels)
        )
        for one in listed.groups
    ]
    return GroupPage(items=groups, total=listed.total, next=listed.next)


def stack_type(opened: Opened, stack: SliceStack) -> Stack:
    """Return a stack."""
    return Stack(
        slices=[Slice(image=named_image(opened, one.name), position_mm=one.height) for one in stack.slices],
        at=stack.at,
    )


def slide_stack(opened: Opened, slide: OpenSlide) -> Stack:
    """Return a whole slide as a stack of one image, in pixels of its finest level."""
    tile = named_image(opened, slide.tile)
    across, down = slide.facts.spacing
    # What is said of the slide is said of each of its tiles; their boxes are not.
    kept = {name: value for name, value in tile.entry.metadata.items() if name not in _OF_TILE}
    image = replace(
        tile,
        id=strawberry.ID(slide.name),
        rows=slide.facts.size[1],
        cols=slide.facts.size[0],
        spacing_mm=[down / 1000, across / 1000],
        entry=replace(tile.entry, metadata=kept),
    )
    return Stack(slices=[Slice(image=image, position_mm=None)], at=0, slide_levels=slide.n_levels)


def drawn(desk: Desk, index: str, by: str | None, method: str, where: str | None, limit: int) -> Map:
    """Return the map of an index; for threads. SemblanceError if it makes no sense."""
    collection = desk.collection(index)
    opened = collection.now
    layout = map_of(opened, by, method, where, limit)
    desk.log(collection, "map", shown=[one.name for one in layout.places])
    return _map(opened, layout)


def _map(opened: Opened, layout: Layout) -> Map:
    places = [
        Place(id=strawberry.ID(one.name), key=opened.key_of(one.name), x=one.x, y=one.y, label=one.label)
        for one in layout.places
    ]
    return Map(
        by=layout.by, method=layout.method, places=places, is_sample=layout.is_sample, caution=layout.caution
    )


def heat_type(desk: Desk, made: SlideMap) -> Heat:
    """Return a heat map, kept as a file."""
    address = desk.put("heat.png", "image/png", made.png)
    return Heat(address=address, tiles=made.n_tiles, low=made.low, high=made.high)


def explained(
    desk: Desk,
    index: str,
    ask: Ask,
    hit: str,
    by: str | None = None,
    report: Report = lambda done, total: None,
) -> Explanation:
    """Explain a hit; for threads. SemblanceError or RefusedError if it makes no sense."""
    collection = desk.collection(index)
    question = question_of(desk, collection, ask)
    desk.log(collection, "explain", [question.query.id], [hit])
    return explanation_type(desk, question, explain(question, hit, by, report))


def explanation_type(desk: Desk, question: Question, explained: Explained) -> Explanation:
    """Return an explanation; its heat is kept as a file."""
    reasons = explained.reasons
    # Row before col inside, x before y outside; from centres of pixels to corners.
    rows = zip(reasons.explanation.pairs.tolist(), reasons.explanation.agreeing.tolist(), strict=True)
    pairs = [
        Pair(
            query=_shown(question, [col + 0.5, row + 0.5]),
            hit=[hit_col + 0.5, hit_row + 0.5],
            is_verified=bool(agrees),
        )
        for (row, col, hit_row, hit_col), agrees in rows
    ]
    return Explanation(
        by=explained.by,
        score=reasons.score,
        is_faithful=reasons.deletion.is_faithful,
        sentence=explained.sentence,
        heat=desk.put("heat.png", "image/png", explained.heat),
        rows=int(reasons.hit.shape[0]),
        cols=int(reasons.hit.shape[1]),
        pairs=pairs,
    )


def _shown(question: Question, point: list[float]) -> list[float]:
    """Return a point of the query where the page shows it: on the slide, if it is a field of one."""
    return point if question.field is None else to_slide([point], question.field)[0]


def slice_match_type(opened: Opened, match: MatchedSlices) -> SliceMatch:
    """Return the curve of a stack."""
    # A slice without a score was left out of the ranking: the curve has a gap there.
    slices = [
        SliceScore(
            image=strawberry.ID(one.name), key=opened.key_of(one.name), position_mm=one.height, score=score
        )
        for one, score in zip(match.slices, match.scores, strict=True)
    ]
    return SliceMatch(slices=slices, best=match.best)


def outline_type(question: Question) -> Outline:
    """Return what a mark means; of no mark, the whole image."""
    canvas = size_of(question)
    region = question.options.region or Region.whole(canvas.shape)
    pixels = int(region.mask(canvas.shape).sum())
    # Without a spacing nobody knows how large a pixel is.
    area = None if canvas.spacing is None else pixels * canvas.spacing[0] * canvas.spacing[1]
    field = question.field
    polygons = polygons_of(region) if field is None else polygons_on_slide(field)
    return Outline(polygons=polygons, pixels=pixels, area_mm2=area)
