"""Whole-slide files: which of their images is the slide itself."""

from __future__ import annotations

from typing import Any


def is_slide(file: Any) -> bool:
    """Return whether an open tifffile.TiffFile is of a slide scanner (Aperio, Hamamatsu, Leica, …)."""
    return bool(file.is_svs or file.is_ndpi or file.is_scn or file.is_bif or file.is_philips)


def slide_pages(file: Any) -> list[Any]:
    """Return the pages to read of a slide in TIFF: its first level.

    Lower levels show the same tissue again, and the label and the overview may show the name of the patient.
    """
    return [file.pages.first]
