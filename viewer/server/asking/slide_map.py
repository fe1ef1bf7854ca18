"""Where on a slide a question is: each tile tinted by how much it looks like the query."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from retrieval.errors import OptionError
from retrieval.readers.tiling import box_of
from viewer.slide_heat import heat_layer, tile_scores

from ..slides import open_slide
from .question import Question


@dataclass(frozen=True)
class SlideMap:
    """A heat map of a slide: a PNG to lay over it, and how many tiles and which scores it shows."""

    png: bytes
    n_tiles: int
    low: float
    high: float


def map_slide(question: Question, slide: str) -> SlideMap:
    """Return where on a slide a question is. OptionError if none of its tiles may be found."""
    opened = question.opened
    found = open_slide(opened, slide)
    if found is None:
        raise OptionError(f"{slide} is no slide of this index", "slide")
    scores = tile_scores(opened.index, question.query.subject, question.options, slide)
    if not scores:
        raise OptionError("no tile of it may be found by this question; loosen the filter", "slide")
    boxes = {name: box_of(opened.index.picture(name).metadata) for name in scores}
    layer = heat_layer({box: scores[name] for name, box in boxes.items() if box}, found.facts.size)
    encoded = io.BytesIO()
    Image.fromarray(layer).save(encoded, "PNG", compress_level=1)
    return SlideMap(encoded.getvalue(), len(scores), min(scores.values()), max(scores.values()))
