"""Find a field of a slide again that is turned and scaled: on which slide, and where.

    python -m benchmarks.quality.find_field [--data FOLDER] [--queries N] [--side UM] [--by NAME]

The 22 fields of ``he_slides`` are written as slides (pyramids of 0.25 µm a pixel) and indexed at 0.5 µm. Each
query is a square of random place, turned by 0 to 360° and scaled by 0.9 to 1.1, sampled from the finest level
as a microscope's photograph. ``slide``: its slide is the first hit; ``place``: the outline that the first hit
gives is on that slide and overlaps the true one with an IoU of 0.7 or more. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
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


def draw_query(
    image: NDArray[np.uint8], side: float, random: np.random.Generator
) -> tuple[Picture, NDArray[np.float64]]:
    """Return a photograph at 0.5 µm a pixel, and its corners (x, y) on the slide."""
    angle, scale = random.uniform(0, 2 * np.pi), random.uniform(0.9, 1.1)
    n = round(side / SCALE)
    # Pixels of the slide from one pixel of the photograph to the next.
    step = SCALE / FINEST / scale
    turn = step * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (np.array([(0, 0), (n, 0), (n, n), (0, n)]) - n / 2) @ turn.T
    reach = np.abs(corners).max()
    middle = random.uniform(reach, np.array(image.shape[1::-1]) - reach)
    # Smoothed first, as a lens of that scale does, so that nothing aliases.
    smooth = cv2.GaussianBlur(image, (0, 0), 0.45 * step)
    origin = middle - turn @ np.full(2, n / 2 - 0.5) - 0.5
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
    index: Index, images: dict[str, NDArray[np.uint8]], by: str, n: int, side: float
) -> Iterator[tuple[bool, float]]:
    """Yield for each query whether the first hit is of its slide, and the overlap of the outlines."""
    random = np.random.default_rng(0)
    names = list(images)
    for number in range(n):
        name = names[number % len(names)]
        picture, true = draw_query(images[name], side, random)
        size = float(picture.shape[0])
        corners: Ring = ((0.0, 0.0), (size, 0.0), (size, size), (0.0, size))
        (hit,) = index.query(picture, by=[by], k=1, region=Region.whole(picture.shape))
        found = outline_of(index, row_of(index, hit), corners)
        is_right = found is not None and found[0] == f"{name}.tif"
        yield is_right, overlap(np.array(found[1]), true) if found is not None and is_right else 0.0


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--side", type=float, default=100.0, help="micrometres")
    parser.add_argument("--by", nargs="+", default=list(WORDS))
    args = parser.parse_args()
    images = slides_of(args.data)
    tiling = Tiling((SCALE,), 256, 128, Tissue.parse("off"))
    print("| by | queries | slide | 95 % | place, IoU ≥ 0.7 | 95 % | median IoU |")
    print("|---|--:|--:|---|--:|---|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, image in images.items():
            write_pyramid(Path(folder) / f"{name}.tif", image, FINEST)
        with IndexWriter.create(Path(folder) / "index") as index:
            index.require_tiling(tiling)
            for name in args.by:
                index.add_representation(make(name, WORDS.get(name, {})))
            index.update([Path(folder) / f"{name}.tif" for name in images])
            for name in args.by:
                right, overlaps = zip(*measure(index, images, name, args.queries, args.side), strict=True)
                line = f"| {name} | {args.queries} "
                for count in (sum(right), sum(value >= 0.7 for value in overlaps)):
                    low, high = interval(count, args.queries)
                    line += f"| {count / args.queries:.1%} | {low:.1%} to {high:.1%} "
                print(f"{line}| {np.median(overlaps):.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
