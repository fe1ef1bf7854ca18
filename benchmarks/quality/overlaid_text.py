"""Print in how many images of each set the network sees text: as they are, and with text drawn on them.

    python -m benchmarks.quality.overlaid_text [SET...] [--most N] [--largest PIXELS] [--data FOLDER]

On each image a program draws one to three lines of one to six words, 12 to 40 pixels high, anywhere, in some
colour that differs from what is under it by 60 grey levels or more, now and then with an outline, on a box,
half transparent, or stored as JPEG (``benchmarks.shared.overlays``). *Seen* is the share of these images
that are marked, *marked as they are* that of the images without. Some sets show text by themselves: there the
second is no error. 95% intervals after Wilson.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.shared.labelled_sets import DATA, Set, drawn
from benchmarks.shared.lettering import FONTS, OTHER_FONTS
from benchmarks.shared.overlays import as_bytes, jpeg, overlay
from retrieval.errors import PictureError
from retrieval.picture import Picture
from retrieval.readers.overlaid_text import sees_text

TUNED = ("brain4", "histology5", "ct_chest")
"""The threshold was chosen on these."""
WITHOUT_TEXT = ("skin7", "wbc5", "he_slides", "he_regions", "ct_followup")
WITH_TEXT = ("ultrasound3", "cxr3", "cxr_regions", "cxr_notes", "mammo", "medpix", "caltech20")
"""Sets of which some images show text by themselves."""
SIZES = ((12, 13), (14, 16), (17, 21), (22, 28), (29, 40), (41, 120))


class Trial(NamedTuple):
    """What the network said of one image: as it is, and with text on it."""

    name: str
    is_marked: bool
    is_seen: bool
    font: str
    size: int
    is_jpeg: bool


def trials(name: str, data: Path, most: int, largest: int, seed: int) -> Iterator[Trial]:
    """Try the images of one set; those in which there is no room for text are passed over."""
    for item in drawn(Set.load(name, data), most, seed):
        try:
            picture = item.read()
        except PictureError:
            continue
        random = np.random.default_rng((seed, zlib.crc32(item.name.encode())))
        pixels = as_bytes(picture.fit_within(1024)[0].pixels)
        made = overlay(pixels, random, FONTS + OTHER_FONTS, (12, largest))
        if made is None:
            continue
        is_jpeg = bool(random.random() < 0.3)
        with_text = jpeg(made.pixels, random) if is_jpeg else made.pixels
        yield Trial(item.name, _sees(pixels), _sees(with_text), made.font, made.size, is_jpeg)


def _sees(pixels: np.ndarray) -> bool:
    return sees_text(Picture(np.ascontiguousarray(pixels, np.float32) / 255))


def share(found: Sequence[bool]) -> str:
    """Return a share in percent with its interval (Wilson 1927)."""
    if not found:
        return "–"
    n, p, z = len(found), float(np.mean(found)), 1.96
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (100 * (middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return f"{100 * p:.1f} ({max(0, low):.0f}–{min(100, high):.0f})"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=[*TUNED, *WITHOUT_TEXT, *WITH_TEXT])
    parser.add_argument("--most", type=int, default=150, help="images of a set [150]")
    parser.add_argument("--largest", type=int, default=40, help="size of the largest letters, in pixels [40]")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--names", action="store_true", help="print the names of images marked as they are")
    args = parser.parse_args()
    found = {name: list(trials(name, args.data, args.most, args.largest, args.seed)) for name in args.sets}
    print("| set | images | seen, % | marked as they are, % |\n|---|--:|--:|--:|")
    for name, own in found.items():
        print(f"| {name}{', tuned' if name in TUNED else ''} | {_cells(own)} |")
    for title, names in (
        ("held out, without text", WITHOUT_TEXT),
        ("all without text", TUNED + WITHOUT_TEXT),
    ):
        print(f"| **{title}** | {_cells([one for name in names for one in found.get(name, [])])} |")
    every = [one for own in found.values() for one in own]
    print(f"| **all** | {_cells(every)} |")
    _print_kinds(every)
    if args.names:
        print("\n".join(one.name for one in every if one.is_marked))
    return 0


def _cells(own: Sequence[Trial]) -> str:
    return f"{len(own)} | {share([one.is_seen for one in own])} | {share([one.is_marked for one in own])}"


def _print_kinds(every: Sequence[Trial]) -> None:
    kinds = [(f"{a} to {b} pixels", [t.is_seen for t in every if a <= t.size <= b]) for a, b in SIZES]
    kinds.append(("stored as JPEG", [one.is_seen for one in every if one.is_jpeg]))
    kinds.append(("fonts that it never met", [one.is_seen for one in every if one.font in OTHER_FONTS]))
    kinds.append(("fonts of the training", [one.is_seen for one in every if one.font in FONTS]))
    print("\n| text | images | seen, % |\n|---|--:|--:|")
    for kind, seen in kinds:
        if seen:
            print(f"| {kind} | {len(seen)} | {share(seen)} |")


if __name__ == "__main__":
    sys.exit(main())
