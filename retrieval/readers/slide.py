"""Whole-slide files: which of their images is the slide itself.

Lower levels show the same tissue again. The label and the overview (macro image) may show the name of the
patient, so they are never read, not even if nothing else can be.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import PictureError

_ASSOCIATED = re.compile(r"\b(label|macro|overview|thumbnail)\b", re.IGNORECASE)
"""What Bio-Formats and scanners call the images beside a slide."""


def is_slide(file: Any) -> bool:
    """Return whether an open tifffile.TiffFile is of a slide scanner (Aperio, Hamamatsu, Leica, …)."""
    return any(getattr(file, f"is_{name}", False) for name in ("svs", "ndpi", "scn", "bif", "qpi", "philips"))


def slide_pages(file: Any) -> list[Any]:
    """Return the pages to read of a slide in TIFF: its first level, one page for each channel."""
    if file.is_scn or file.is_bif or file.is_qpi:
        # In Leica and Ventana files the overview or the label may come first; tifffile reads their order.
        found = [series for series in file.series if not _ASSOCIATED.search(series.name)]
        largest = max(found, key=lambda series: series.pages[0].imagelength * series.pages[0].imagewidth)
        return [page.aspage() for page in largest.pages if page is not None]
    first = file.pages.first
    # A slide is cut into tiles and is no reduced image: what is left of one are its label and its overview.
    if file.is_svs and not first.is_tiled and first.subfiletype & 1:
        raise PictureError("holds a label or an overview alone, which may show a name")
    return [first]


def is_associated(name: str) -> bool:
    """Return whether an image of an OME-TIFF is a label, an overview or a thumbnail, by its name."""
    return _ASSOCIATED.search(name) is not None
