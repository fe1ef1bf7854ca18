"""Compare our SLIC with that of scikit-image: time, and how much of a picture its regions explain.

    python benchmarks/speed/superpixels.py [PICTURE...] [--side 512] [--regions 400] [--rounds 5]

Both cut the same grey picture, on one thread, in turns. Explained variation is that of the grey values by the
means of the regions (1 is perfect); as scikit-image ends with fewer regions than asked for, the third column
asks ours for scikit-image's number. Without pictures, those that come with scikit-image are taken.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data, segmentation

from bovw.detectors.slic import slic

BUNDLED = ("camera", "moon", "coins", "page", "immunohistochemistry", "retina", "human_mitosis", "cell")


def bundled(side: int) -> dict[str, NDArray[np.float32]]:
    pictures = {}
    for name in BUNDLED:
        try:
            pictures[name] = prepared(getattr(data, name)(), side)
        except (OSError, ModuleNotFoundError, ValueError):
            continue  # this picture would have to be downloaded first
    return pictures


def prepared(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels[:, :, :3], cv2.COLOR_RGB2GRAY)
    square = cv2.resize(grey.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return (square - square.min()) / max(float(np.ptp(square)), 1e-6)


def read(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise SystemExit(f"{path}: no picture; give PNG or JPEG files")
    return np.asarray(pixels, dtype=np.uint8)


def explained(image: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    flat = labels.ravel() - labels.min()
    n = np.maximum(np.bincount(flat), 1)
    means = np.bincount(flat, image.ravel()) / n
    return float(1 - ((image.ravel() - means[flat]) ** 2).sum() / ((image - image.mean()) ** 2).sum())


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def row(image: NDArray[np.float32], regions: int, compactness: float, rounds: int) -> list[float]:
    def ours() -> NDArray[np.int32]:
        return slic(image, regions, compactness)

    def theirs() -> NDArray[np.integer]:
        return segmentation.slic(image, regions, compactness=compactness, channel_axis=None, start_label=0)

    mine, other = ours(), theirs()  # this also loads the compiled kernels
    pairs = np.array([(seconds(ours), seconds(theirs)) for _ in range(rounds)])
    n_other = len(np.unique(other))
    equal = slic(image, n_other, compactness)
    milliseconds = np.median(pairs, axis=0) * 1e3
    ratio = float(np.median(pairs[:, 1] / pairs[:, 0]))
    quality = [explained(image, mine), explained(image, other), explained(image, equal)]
    return [*milliseconds, ratio, mine.max() + 1, n_other, *quality]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=512, help="pictures are made squares of this side")
    parser.add_argument("--regions", type=int, default=400)
    parser.add_argument("--compactness", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = {p.name: prepared(read(p), args.side) for p in args.pictures} or bundled(args.side)
    print(f"{'':24}{'ms':>8}{'ms':>10}{'':8}{'regions':>14}{'explained variation':>26}")
    print(f"{'picture':24}{'ours':>8}{'skimage':>10}{'ratio':>8}{'ours':>6}{'skimage':>8}", end="")
    print(f"{'ours':>8}{'skimage':>9}{'equal n':>9}")
    rows = []
    for name, image in pictures.items():
        rows.append(row(image, args.regions, args.compactness, args.rounds))
        print("{:24.24}{:8.1f}{:10.1f}{:8.1f}{:6.0f}{:8.0f}{:8.3f}{:9.3f}{:9.3f}".format(name, *rows[-1]))
    print(
        "{:24}{:8.1f}{:10.1f}{:8.1f}{:6.0f}{:8.0f}{:8.3f}{:9.3f}{:9.3f}".format(
            "median", *np.median(rows, axis=0)
        )
    )


if __name__ == "__main__":
    main()
