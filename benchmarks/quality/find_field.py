"""Find a field of a slide again that is turned and scaled: on which slide, and where.

    python -m benchmarks.quality.find_field [--data FOLDER] [--queries N] [--side UM] [--by NAME] [--slides …]

The 22 fields of ``he_slides`` are written as slides (pyramids of 0.25 µm a pixel) and indexed at 0.5 µm. Each
query is a square of random place, turned by 0 to 360° and scaled by 0.9 to 1.1, sampled from the finest level
as a microscope's photograph. ``slide``: its slide is the first hit; ``place``: the outline that the first hit
gives is on that slide and overlaps the true one with an IoU of 0.7 or more. Intervals are Wilson's, 95 %.
With ``--slides`` slides of scanners are asked for too, among those: fields whose middle is on tissue, or
anywhere if the slide has no colour.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.slides import write_pyramid
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.picture import Picture
from retrieval.readers.slides.facts import facts_of
from retrieval.readers.slides.opening import open_slide
from retrieval.readers.slides.tissue import tissue_mask
from retrieval.readers.tiling import Tiling, Tissue
from retrieval.region import Region
from retrieval.registry import make
from viewer.answer import row_of
from viewer.queries.geojson import Ring
from viewer.slide_outlines import outline_of

FINEST, SCALE = 0.25, 0.5
WORDS = {"sift": {"words": 2000, "points": 600}, "superpixel": {"words": 2000, "points": 600}}


def slides_of(data: Path) -> dict[str, NDArray[np.uint8]]:
    """Return the fields of ``he_slides``, put together from their tiles, by slide."""
    parts: dict[str, dict[tuple[int, int], NDArray[np.uint8]]] = defaultdict(dict)
    for item in Set.load("he_slides", data):
        # 02.jpg is the tile in row 0 and column 2.
        row, col = (int(digit) for digit in item.path.stem)
        parts[item.path.parent.name][row, col] = cv2.imread(str(item.path))[..., ::-1]
    return {
        name: np.vstack([np.hstack([tiles[row, col] for col in range(4)]) for row in range(4)])
        for name, tiles in sorted(parts.items())
    }


@dataclass(frozen=True, eq=False)
class Asked:
    """A slide that is asked for: its file, all of its pixels, their µm, and where a query may be."""

    path: Path
    image: NDArray[np.uint8]
    um: float
    mask: NDArray[np.bool_]


def read_slide(path: Path) -> Asked:
    """Read all pixels of a slide, and where its tissue is."""
    with open_slide(path) as slide:
        assert slide is not None
        facts = facts_of(slide, None)
        size = slide.levels[0]
        image = slide.read(0, (0, 0, size.rows, size.cols))
    mask = tissue_mask(image[::8, ::8].copy(), Tissue())
    return Asked(path, image, facts.spacing[0], mask if mask.any() else np.ones((1, 1), dtype=np.bool_))


def draw_query(asked: Asked, side: float, random: np.random.Generator) -> tuple[Picture, NDArray[np.float64]]:
    """Return a photograph at 0.5 µm a pixel, and its corners (x, y) on the slide."""
    image = asked.image
    angle, scale = random.uniform(0, 2 * np.pi), random.uniform(0.9, 1.1)
    n = round(side / SCALE)
    # Pixels of the slide from one pixel of the photograph to the next.
    step = SCALE / asked.um / scale
    turn = step * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (np.array([(0, 0), (n, 0), (n, n), (0, n)]) - n / 2) @ turn.T
    reach = np.abs(corners).max()
    while True:
        middle = random.uniform(reach, np.array(image.shape[1::-1]) - reach)
        col, row = (middle / image.shape[1::-1] * asked.mask.shape[::-1]).astype(int)
        if asked.mask[row, col]:
            break
    # Smoothed first, as a lens of that scale does, so that nothing aliases.
    low = np.maximum(np.floor(middle - reach - 8), 0).astype(int)
    high = np.ceil(middle + reach + 8).astype(int)
    smooth = cv2.GaussianBlur(image[low[1] : high[1], low[0] : high[0]], (0, 0), 0.45 * step)
    origin = middle - low - turn @ np.full(2, n / 2 - 0.5) - 0.5
    matrix = np.column_stack([turn, origin])
    warp = cv2.warpAffine(smooth, matrix, (n, n), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    picture = Picture(np.ascontiguousarray(warp, dtype=np.float32) / np.float32(255), "photo")
    return picture, corners + middle


def overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the intersection over the union of two polygons, corners (x, y)."""
    low = np.minimum(a.min(axis=0), b.min(axis=0)) - 1
    size = np.ceil(np.maximum(a.max(axis=0), b.max(axis=0)) - low).astype(int)[::-1] + 2
    if size.max() > 5000:  # a transform that went wrong reaches anywhere
        return 0.0
    first, second = (polygon2mask(tuple(size), (p - low)[:, ::-1]) for p in (a, b))
    return float((first & second).sum() / max((first | second).sum(), 1))


def interval(right: int, n: int) -> tuple[float, float]:
    """Return Wilson's interval of a proportion, 95 %."""
    z = 1.959964
    middle, half = right + z * z / 2, z * np.sqrt(right * (n - right) / n + z * z / 4)
    return (middle - half) / (n + z * z), (middle + half) / (n + z * z)


def measure(
    index: Index, slides: Sequence[Asked], by: str, n: int, side: float
) -> Iterator[tuple[bool, float]]:
    """Yield for each query whether the first hit is of its slide, and the overlap of the outlines."""
    random = np.random.default_rng(0)
    for number in range(n):
        asked = slides[number % len(slides)]
        picture, true = draw_query(asked, side, random)
        size = float(picture.shape[0])
        corners: Ring = ((0.0, 0.0), (size, 0.0), (size, size), (0.0, size))
        (hit,) = index.query(picture, by=[by], k=1, region=Region.whole(picture.shape))
        found = outline_of(index, row_of(index, hit), corners)
        is_right = found is not None and found[0] == asked.path.name
        yield is_right, overlap(np.array(found[1]), true) if found is not None and is_right else 0.0


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--side", type=float, default=100.0, help="micrometres")
    parser.add_argument("--by", nargs="+", default=list(WORDS))
    parser.add_argument("--slides", type=Path, nargs="+", default=[], help="slides of scanners")
    args = parser.parse_args()
    tiling = Tiling((SCALE,), 256, 128, Tissue.parse("off"))
    print("| of | by | queries | slide | 95 % | place, IoU ≥ 0.7 | 95 % | median IoU |")
    print("|---|---|--:|--:|---|--:|---|--:|")
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for name, image in slides_of(args.data).items():
            write_pyramid(path := Path(folder) / f"{name}.tif", image, FINEST)
            made.append(Asked(path, image, FINEST, np.ones((1, 1), dtype=np.bool_)))
        of = {"he_slides": made, **{path.name: [read_slide(path)] for path in args.slides}}
        with IndexWriter.create(Path(folder) / "index") as index:
            index.require_tiling(tiling)
            for name in args.by:
                index.add_representation(make(name, WORDS.get(name, {})))
            index.update([slide.path for slides in of.values() for slide in slides])
            for title, slides, name in ((*one, name) for one in of.items() for name in args.by):
                right, overlaps = zip(*measure(index, slides, name, args.queries, args.side), strict=True)
                line = f"| {title} | {name} | {args.queries} "
                for count in (sum(right), sum(value >= 0.7 for value in overlaps)):
                    low, high = interval(count, args.queries)
                    line += f"| {count / args.queries:.1%} | {low:.1%} to {high:.1%} "
                print(f"{line}| {np.median(overlaps):.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
