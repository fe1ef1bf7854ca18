"""The map page: one HTML file with every picture on it as a thumbnail, which needs no network."""

from __future__ import annotations

import base64
import colorsys
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from PIL import Image

from .map_script import SCRIPT
from .map_style import STYLE as MAP_STYLE
from .report_style import STYLE

_SHEET = 2048
_SIDES = ((300, 160), (800, 128), (2000, 96))
"""Up to so many pictures, their longest side in pixels: 2,000 stay well below 15 MB."""
_LEAST_SIDE = 64
_QUALITY = 80
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442")
"""The colours of Okabe and Ito, which people with any colour vision tell apart."""
_NONE, _GREY = "none", "#8a9096"


@dataclass(frozen=True)
class Spot:
    """A picture on the map: its name, what colours it, its place (x right, y down, −1 to 1), its JPEG."""

    name: str
    kind: str
    x: float
    y: float
    thumbnail: bytes


@dataclass(frozen=True)
class Chart:
    """What a map page says: title, sentences below it, what colours stand for, the pictures, the facts."""

    title: str
    lead: Sequence[str]
    coloured_by: str
    spots: Sequence[Spot]
    facts: Sequence[tuple[str, str]] = ()


def write_map(chart: Chart) -> str:
    """Return the page as HTML. Names and labels stand in it escaped, or in JSON that cannot end a script."""
    counts = Counter(spot.kind for spot in chart.spots)
    kinds = sorted(counts, key=lambda kind: (not kind, -counts[kind], kind))
    colours = dict(zip(kinds, palette(kinds), strict=True))
    sheets, places = _sheets([spot.thumbnail for spot in chart.spots])
    numbers = {kind: number for number, kind in enumerate(kinds)}
    data = {
        "kinds": [{"name": kind or _NONE, "colour": colours[kind]} for kind in kinds],
        "spots": [
            {"id": s.name, "kind": numbers[s.kind], "x": round(s.x, 5), "y": round(s.y, 5), **place}
            for s, place in zip(chart.spots, places, strict=True)
        ],
    }
    return _DOCUMENT.format(
        title=escape(chart.title),
        style=STYLE + MAP_STYLE,
        lead="".join(f"<p class=lead>{escape(line)}</p>" for line in chart.lead),
        n=len(chart.spots),
        by=escape(chart.coloured_by),
        legend="".join(_entry(kind, colours[kind], counts[kind]) for kind in kinds),
        facts="".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in chart.facts),
        sheets="".join(f'<img class=sheet alt="" src="{_inlined(sheet)}">' for sheet in sheets),
        data=_harmless(data),
        script=SCRIPT,
        hash=base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode(),
    )


def palette(kinds: Sequence[str]) -> Iterator[str]:
    """Yield a colour for each kind, as ``#rrggbb``; grey for the empty one."""
    named = 0
    for kind in kinds:
        if not kind:
            yield _GREY
            continue
        yield _COLOURS[named] if named < len(_COLOURS) else _further(named)
        named += 1


def _further(number: int) -> str:
    """Return colours about the circle, by the golden angle, in three lightnesses."""
    hue = number * 0.38196601125 % 1
    parts = colorsys.hls_to_rgb(hue, (0.42, 0.58, 0.72)[number % 3], 0.6)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _sheets(thumbnails: Sequence[bytes]) -> tuple[list[bytes], list[dict[str, int]]]:
    """Draw thumbnails onto as many sheets as they need; return these as JPEG, and each one's place."""
    side = next((side for n, side in _SIDES if len(thumbnails) <= n), _LEAST_SIDE)
    across = _SHEET // side
    sheets: list[bytes] = []
    places: list[dict[str, int]] = []
    for first in range(0, len(thumbnails), across**2):
        own = thumbnails[first : first + across**2]
        rows = -(-len(own) // across)
        sheet = Image.new("RGB", (min(across, len(own)) * side, rows * side))
        for number, encoded in enumerate(own):
            small = Image.open(io.BytesIO(encoded)).convert("RGB")
            small.thumbnail((side, side), Image.Resampling.LANCZOS)
            left, top = number % across * side, number // across * side
            sheet.paste(small, (left, top))
            corner = {"sheet": len(sheets), "left": left, "top": top}
            places.append({**corner, "w": small.width, "h": small.height})
        stream = io.BytesIO()
        sheet.save(stream, "JPEG", quality=_QUALITY, optimize=True)
        sheets.append(stream.getvalue())
    return sheets, places


def _entry(kind: str, colour: str, count: int) -> str:
    swatch = f'<svg viewBox="0 0 1 1" aria-hidden=true><rect width=1 height=1 fill="{colour}" /></svg>'
    name = f"<span class=name>{escape(kind or _NONE)}</span>"
    number = f"<span class=count>{count:,}</span>"
    return f"<li><label><input type=checkbox checked>{swatch}{name}{number}</label></li>"


def _inlined(encoded: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(encoded).decode('ascii')}"


def _harmless(data: Any) -> str:
    """Return JSON that no text in it can break out of: <, > and & are written as escapes."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash}'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><p class=brand>Semblance</p><h1>{title}</h1>{lead}
<noscript><p class=lead>The map is drawn by a script of this page; let it run to see it.</p></noscript>
</header>
<main>
<div class=stage>
<canvas id=plane tabindex=0 role=application aria-describedby=keys
 aria-label="A scatter of {n} pictures, coloured by {by}"></canvas>
<figure id=card hidden><canvas aria-hidden=true></canvas>
<figcaption><span class=label></span><span class=id></span></figcaption></figure>
</div>
<aside>
<h2>{by}</h2>
<ol id=legend>{legend}</ol>
<div class=buttons><button id=all type=button>All</button><button id=none type=button>None</button>
<button id=whole type=button>Whole</button></div>
<p class=keys id=keys><kbd>wheel</kbd> <kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>drag</kbd> <kbd>arrows</kbd> move,
<kbd>0</kbd> whole, <kbd>n</kbd> <kbd>p</kbd> next and previous picture, <kbd>Esc</kbd> none</p>
</aside>
</main>
<p id=told class=hidden aria-live=polite></p>
<footer><h2>How this page was made</h2><dl>{facts}</dl>
<p>Likeness is not a diagnosis. A map shows two of many dimensions; rankings use all of them.</p></footer>
{sheets}
<script type="application/json" id=data>{data}</script>
<script>{script}</script>
</body>
</html>
"""
