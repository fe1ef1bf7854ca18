"""Make the golden index of format 2, and record what it answers.

It was run with the code of commit 225d9af, the last that wrote format 2, and is kept to say how the index
came to be. It is smaller than that of format 1: one representation for each way of storing vectors.

    python -m tests.golden.make_format2
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

from ..support.indexes import seal
from . import make_format1 as first
from .records import MTIME_NS, Places

COMMIT = "225d9af"
PLACE = Path(__file__).parent / "format2"

N_PATIENTS, N_SLICES = 2, 3
IDS = ("stripes/0.png", "rings/2.png", "ct1/001.dcm")
REPRESENTATIONS = {
    "superpixel": ["--points", "40", "--words", "30", "--tone-words", "8", "--components", "12"],
    "asmk": ["--words", "24", "--local-components", "40", "--features", "sift"],
    "thumbnail": ["--side", "12"],
}
LEARNT = [
    ["learn-metric", "INDEX", "--by", "thumbnail", "--method", "nca", "--components", "4"],
    ["learn-fusion", "INDEX", "--by", "superpixel", "--by", "thumbnail"],
    ["remove", "INDEX", "rings/3.png"],
]


def write_pictures(place: Path) -> None:
    """Write all pictures, what is none, a new picture, and the table of labels."""
    images, lines = place / "images", ["path,label,site,age"]
    for folder in ("stripes", "rings", *(f"ct{patient}" for patient in range(N_PATIENTS))):
        (images / folder).mkdir(parents=True)
    for kind in ("stripes", "rings"):
        for i, shape in enumerate(first.SHAPES[:4]):
            assert cv2.imwrite(str(images / kind / f"{i}.png"), first.draw(kind, i, shape, False))
            lines.append(f"{kind}/{i}.png,{kind},{'north' if i % 2 else 'south'},{30 + 7 * i}.10")
    for patient in range(N_PATIENTS):
        for number in range(N_SLICES):
            first.write_slice(images / f"ct{patient}" / f"{number:03d}.dcm", patient, number)
            lines.append(f"ct{patient}/{number:03d}.dcm,lung,north,{60 + patient}")
    pages = np.stack([first.draw("blots", seed, (48, 48), False) for seed in (21, 22)])
    tifffile.imwrite(images / "pages.tif", pages, photometric="minisblack", compression="zlib")
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (place / "new").mkdir()
    assert cv2.imwrite(str(place / "new" / "stripes.png"), first.draw("stripes", 9, (60, 60), False))
    (place / "labels.csv").write_text("\n".join([*lines, ""]))


def make_index(places: Places, table: Path) -> None:
    """Make the index, one representation after the other, learn on it, and take one picture out."""
    labels = ["--labels", str(table), "--jobs", "1"]
    for name, settings in REPRESENTATIONS.items():
        first.run(places, ["index", "IMAGES", "-o", "INDEX", "--by", name, *settings, *labels])
    for command in LEARNT:
        first.run(places, command)


def commands() -> list[list[str]]:
    """Return all that the index is asked, none of which changes it."""
    a, b, c = IDS
    ask, top = ["query", "INDEX"], ["-k", "3", "--json"]
    names = [*REPRESENTATIONS, "thumbnail+nca"]
    return [
        ["info", "INDEX", "--json"],
        # All hits, but of few codes: their last ones have equal scores.
        *([*ask, *IDS, "--by", name, "-k", "5" if name == "asmk" else "99", "--trec"] for name in names),
        *([*ask, a, c, "--by", name, *top] for name in names),
        [*ask, a, "--by", "superpixel", "--by", "thumbnail", "--fusion", "learnt", *top],
        [*ask, c, "--by", "superpixel", "--not-same", "patient", *top],
        [*ask, a, "--by", "superpixel", "--where", "site = 'south' and age > 40", *top],
        [*ask, b, "--by", "superpixel", "--region", "4,8,24,24", *top],
        [*ask, "NEW/stripes.png", "--by", "superpixel", *top],
        ["classify", "INDEX", b, "--by", "thumbnail", "--label-of", "site", "--csv"],
    ]


def changes() -> list[list[str]]:
    """Return what is done to a copy of the index, one after the other."""
    ask = ["query", "INDEX", "stripes.png", "stripes/0.png", "-k", "4", "--json"]
    names = ("superpixel", "asmk", "thumbnail+nca")
    return [
        ["index", "NEW", "-o", "INDEX", "--jobs", "1", "--json"],
        *([*ask, "--by", name] for name in names),
        ["remove", "INDEX", "ct1/", "pages.tif#1"],
        ["compact", "INDEX"],
        ["verify", "INDEX", "--erased", "ct1/002.dcm", "rings/3.png"],
        *([*ask, "--by", name] for name in names),
        ["info", "INDEX", "--json"],
    ]


def make(place: Path, commit: str, format: int) -> None:
    """Make everything anew below a folder, with the code of a commit, which writes a format."""
    shutil.rmtree(place, ignore_errors=True)
    write_pictures(place)
    with tempfile.TemporaryDirectory(prefix="semblance-golden-") as name:
        places = Places.below(Path(name))
        places.copy_pictures(place)
        make_index(places, place / "labels.csv")
        first.forget_the_machine(places.index)
        seal(places.index)
        shutil.move(places.index, place / "index")
        # Ask the copy that is kept, as the test does.
        expected: dict[str, Any] = {
            "commit": commit,
            "format": format,
            "mtime_ns": MTIME_NS,
            "weights": None,
        }
        update = ["index", "IMAGES", "-o", "INDEX", "--jobs", "1", "--json"]
        places.copy_index(place)
        expected["update"] = first.recorded(places, [update])
        expected["records"] = first.recorded(places, commands())
        first.check_apart(expected["records"])
        expected["changes"] = first.recorded(places, changes())
    (place / "expected.json").write_text(first.written(expected))


if __name__ == "__main__":
    sys.exit(make(PLACE, COMMIT, 2))
