"""An index of two small slides, for servers and the page."""

from __future__ import annotations

from pathlib import Path

from support.served import run
from support.slides import tissue_image, write_slide

SLIDES, SIZE = ("a.tif", "b.tif"), (1200, 900)
"""Names and (width, height) of the slides, at 0.5 µm a pixel."""


def make_slide_index(room: Path, *options: object) -> Path:
    """Write two slides into ``room/slides`` and index their tiles of 128 pixels at 1 µm; return the index."""
    (room / "slides").mkdir()
    for seed, name in enumerate(SLIDES):
        write_slide(room / "slides" / name, tissue_image(SIZE[1], SIZE[0], seed, cells=2), levels=2)
    words = [
        "--by",
        "superpixel",
        "--points",
        "100",
        "--words",
        "40",
        "--tone-words",
        "12",
        "--by",
        "thumbnail",
    ]
    tiles = ["--um-per-px", "1.0", "--tile", "128", "--jobs", "1", "--quiet", *options]
    assert run(["index", room / "slides", "-o", room / "slides.index", *words, *tiles])[0] == 0
    return room / "slides.index"
