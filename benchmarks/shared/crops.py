"""A large folder of images from a small one: crops and turns, for figures at 100,000 images.

    python -m benchmarks.shared.crops FOLDER OUT [--images 100000] [--side 256] [--seed 0]

Every image is a crop of 50 to 100 % of a source, turned by a multiple of 90 degrees, mirrored or not, with
another contrast, resized to one side. Neighbours in the list come from different sources, so that the first N
files are a fair smaller folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_KINDS = {".png", ".jpg", ".jpeg", ".bmp"}
_IN_FOLDER = 1000


def crop(image: NDArray[np.uint8], draws: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """Return a square crop of an image, (side, side) or (side, side, 3)."""
    length = int(min(image.shape[:2]) * draws.uniform(0.5, 1.0))
    top, left = (int(draws.integers(0, size - length + 1)) for size in image.shape[:2])
    part = np.rot90(image[top : top + length, left : left + length], int(draws.integers(4)))
    part = part[:, ::-1] if draws.integers(2) else part
    shown = cv2.resize(np.ascontiguousarray(part), (side, side), interpolation=cv2.INTER_AREA)
    gain, offset = draws.uniform(0.7, 1.2), draws.uniform(-15, 15)
    return np.clip(shown * gain + offset, 0, 255).astype(np.uint8)


def write(folder: Path, out: Path, images: int, side: int, seed: int) -> None:
    """Write so many crops of the images below a folder."""
    sources = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _KINDS)
    if not sources:
        raise SystemExit(f"{folder}: no image with a name that ends in {', '.join(sorted(_KINDS))}")
    draws = np.random.default_rng(seed)
    for number in range(images):
        source = sources[number % len(sources)]
        image = cv2.imread(str(source), cv2.IMREAD_UNCHANGED)
        if image is None or image.dtype != np.uint8 or (image.ndim == 3 and image.shape[2] != 3):
            continue
        file = out / f"{number // _IN_FOLDER:04d}" / f"{number:07d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), crop(image, draws, side), [cv2.IMWRITE_JPEG_QUALITY, 90])


def main() -> None:
    """Write the folder."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("folder", type=Path)
    flags.add_argument("out", type=Path)
    flags.add_argument("--images", type=int, default=100_000)
    flags.add_argument("--side", type=int, default=256)
    flags.add_argument("--seed", type=int, default=0)
    asked = flags.parse_args()
    write(asked.folder, asked.out, asked.images, asked.side, asked.seed)


if __name__ == "__main__":
    main()
