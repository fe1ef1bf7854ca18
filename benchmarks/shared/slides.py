"""Slides that benchmarks make: tiled pyramids of an image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def write_pyramid(path: Path, image: NDArray[np.uint8], um_per_px: float, levels: int = 2) -> None:
    """Write an RGB image as a tiled pyramid in TIFF, JPEG at quality 95, its levels halved."""
    import tifffile

    about = {"tile": (256, 256), "photometric": "rgb", "compression": "jpeg", "metadata": None}
    with tifffile.TiffWriter(path, bigtiff=image.size > 1 << 31) as file:
        dots = {"resolution": (10_000 / um_per_px,) * 2, "resolutionunit": 3}
        file.write(image, compressionargs={"level": 95}, **about, **dots)
        for _ in range(levels - 1):
            size = image.shape[1] // 2, image.shape[0] // 2
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            file.write(image, subfiletype=1, compressionargs={"level": 95}, **about)


def write_huge(path: Path, side: int, um_per_px: float = 0.25) -> Path:
    """Write a pyramid of ``side`` rows and columns in BigTIFF, all of whose tiles are the same bytes."""
    import struct

    import imagecodecs

    tile = np.random.default_rng(0).integers(90, 220, (256, 256, 3), np.uint8)
    tile = cv2.GaussianBlur(tile, (0, 0), 2)
    data = imagecodecs.jpeg_encode(tile, level=85, colorspace="RGB", outcolorspace="YCBCR", subsampling="444")
    sides = [side]
    while sides[-1] > 1000:
        sides.append(sides[-1] // 4)
    with path.open("wb") as file:
        file.write(b"II+\0" + struct.pack("<HHQ", 8, 0, 0) + data)
        link = 8
        for level, length in enumerate(sides):
            n = (-(-length // 256)) ** 2
            file.seek(0, 2)
            file.write(b"\0" * (-file.tell() % 8))
            offsets = file.tell()
            file.write(struct.pack("<Q", 16) * n)
            counts = file.tell()
            file.write(struct.pack("<I", len(data)) * n)
            file.write(b"\0" * (-file.tell() % 8))
            place = file.tell()
            unit = struct.pack("<II", round(10_000 / (um_per_px * side / length) * 1000), 1000)
            entries = [
                (254, 4, 1, struct.pack("<I", int(level > 0))),
                (256, 4, 1, struct.pack("<I", length)),
                (257, 4, 1, struct.pack("<I", length)),
                (258, 3, 3, struct.pack("<HHH", 8, 8, 8)),
                (259, 3, 1, struct.pack("<H", 7)),
                (262, 3, 1, struct.pack("<H", 6)),
                (277, 3, 1, struct.pack("<H", 3)),
                (282, 5, 1, unit),
                (283, 5, 1, unit),
                (284, 3, 1, struct.pack("<H", 1)),
                (296, 3, 1, struct.pack("<H", 3)),
                (322, 4, 1, struct.pack("<I", 256)),
                (323, 4, 1, struct.pack("<I", 256)),
                (324, 16, n, struct.pack("<Q", 16 if n == 1 else offsets)),
                (325, 4, n, struct.pack("<I", len(data)) if n == 1 else struct.pack("<Q", counts)),
                (530, 3, 2, struct.pack("<HH", 1, 1)),
            ]
            file.write(struct.pack("<Q", len(entries)))
            for tag, kind, count, value in entries:
                file.write(struct.pack("<HHQ", tag, kind, count) + value.ljust(8, b"\0"))
            file.write(struct.pack("<Q", 0))
            end = file.tell()
            file.seek(link)
            file.write(struct.pack("<Q", place))
            link = end - 8
    return path
