"""The tissue of a slide: its outline on the overview, and the tiles that an index takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from .drawing import ORANGE, SKY, Rgb
from .panels import Panel, Sign, arrange
from .scale_bar import with_scale_bar

if TYPE_CHECKING:
    from retrieval.readers.slides.reader import SlideView
    from retrieval.readers.tiling import Tiling

_LONGEST = 900
"""Pixels of the longer side of a drawing."""


def draw_tissue(path: Path, tiling: Tiling) -> Any:
    """Draw where tissue is found on a slide, and which tiles are taken; None if the file is no slide.

    Raises PictureError if the slide cannot be read.
    """
    from retrieval.readers.guarded import guarded_items
    from retrieval.readers.slides.reader import view_slide

    view = next(guarded_items(view_slide, path, path.name, path, tiling), None)
    return None if view is None else _figure(path.name, view, tiling)


def _figure(name: str, view: SlideView, tiling: Tiling) -> Any:
    width, height = view.facts.size
    factor = _LONGEST / max(view.overview.shape)
    cols, rows = (max(1, round(n * factor)) for n in view.overview.shape[1::-1])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    drawing = np.asarray(cv2.resize(view.overview, (cols, rows), interpolation=way), dtype=np.uint8)
    mask = cv2.resize(view.mask.astype(np.uint8), (cols, rows), interpolation=cv2.INTER_NEAREST)
    found = f"{100 * view.mask.mean():.0f} % of the slide"
    panels = [Panel(with_scale_bar(_outlined(drawing, mask), _um_of(view, cols)), "tissue", found)]
    for scale in tiling.um_per_px:
        own = [field for field in view.fields if field.um_per_px == scale]
        drawn = drawing.copy()
        for field in own:
            corners = ((field.x, field.y), (field.x + field.width, field.y + field.height))
            first, last = ((round(x * cols / width), round(y * rows / height)) for x, y in corners)
            cv2.rectangle(drawn, first, last, SKY, 1)
        panels.append(Panel(drawn, f"tiles at {scale:g} um a pixel", f"{len(own):,} tiles of {tiling.tile}"))
    heading = f"{name}   {width:,} x {height:,}, {view.facts.spacing[0]:.3g} um a pixel"
    pairs = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    return arrange(pairs, heading, [Sign(_sign(ORANGE), "border of tissue"), Sign(_sign(SKY), "tile")])


def _um_of(view: SlideView, cols: int) -> float:
    return view.facts.extent[0] / cols


def _outlined(drawing: Rgb, mask: Any) -> Rgb:
    drawn = drawing.copy()
    outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, outlines, -1, ORANGE, 2)
    return drawn


def _sign(colour: tuple[int, int, int]) -> Rgb:
    drawn = np.full((22, 44, 3), 240, dtype=np.uint8)
    cv2.rectangle(drawn, (4, 4), (39, 17), colour, 2)
    return drawn
