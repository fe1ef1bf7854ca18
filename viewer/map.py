"""The map page: one HTML file with every image on it as a thumbnail, which needs no network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .page import Document, fill, inlined, write_document
from .palette import palette
from .provenance import Fact
from .safe_text import escape
from .sprites import Sprite, draw_sheets

_NONE = "none"
_NOTE = "Likeness is not a diagnosis. A map shows two of many dimensions; rankings use all of them."


@dataclass(frozen=True)
class Spot:
    """An image on the map: its name, what colours it, its place (x right, y down, −1 to 1), its JPEG."""

    name: str
    kind: str
    x: float
    y: float
    thumbnail: bytes


@dataclass(frozen=True)
class Chart:
    """A map page.

    Parameters
    ----------
    title : the heading.
    lead : sentences below it.
    coloured_by : the column that colours stand for.
    spots : the images.
    facts : names and values at the end of the page.
    """

    title: str
    lead: Sequence[str]
    coloured_by: str
    spots: Sequence[Spot]
    facts: Sequence[Fact] = ()


def write_map(chart: Chart) -> str:
    """Return the page as HTML. Names and labels are escaped in it, or in JSON that cannot end a script."""
    counts = Counter(spot.kind for spot in chart.spots)
    # The most frequent first; images without a value last, whatever their number.
    kinds = sorted(counts, key=lambda kind: (not kind, -counts[kind], kind))
    # Colours go by frequency: the seven that everybody can tell apart go to what is seen most.
    colours = dict(zip(kinds, palette(kinds), strict=True))
    sheets, sprites = draw_sheets([spot.thumbnail for spot in chart.spots])
    legend = "".join(_entry(kind, colours[kind], counts[kind]) for kind in kinds)
    main = fill("map.html", n=len(chart.spots), by=escape(chart.coloured_by), legend=legend)
    images = "".join(f'<img class=sheet alt="" src="{inlined(sheet)}">' for sheet in sheets)
    data = f'<script type="application/json" id=data>{_harmless(_data(chart, colours, sprites))}</script>'
    return write_document(
        Document(chart.title, chart.lead, main, chart.facts, _NOTE, "map.css", "map.js", images + data)
    )


def _data(chart: Chart, colours: dict[str, str], sprites: Sequence[Sprite]) -> dict[str, Any]:
    """Return what the script reads: the kinds, and the spots, whose ``kind`` counts these from 0."""
    numbers = {kind: number for number, kind in enumerate(colours)}
    # Five decimals are 0.02 pixels on a screen of 4,000.
    return {
        "kinds": [{"name": kind or _NONE, "colour": colour} for kind, colour in colours.items()],
        "spots": [
            {"id": s.name, "kind": numbers[s.kind], "x": round(s.x, 5), "y": round(s.y, 5), **asdict(sprite)}
            for s, sprite in zip(chart.spots, sprites, strict=True)
        ],
    }


def _entry(kind: str, colour: str, count: int) -> str:
    swatch = f'<svg viewBox="0 0 1 1" aria-hidden=true><rect width=1 height=1 fill="{colour}" /></svg>'
    name = f"<span class=name>{escape(kind or _NONE)}</span>"
    number = f"<span class=count>{count:,}</span>"
    return f"<li><label><input type=checkbox checked>{swatch}{name}{number}</label></li>"


def _harmless(data: Any) -> str:
    """Return JSON that no text in it can break out of: <, > and & are written as escapes."""
    # "</script>" inside a string would end the element, whatever JSON says about strings.
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
