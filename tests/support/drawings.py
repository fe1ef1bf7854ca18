"""Drawings: small pictures of noise, each of its own seed, as files."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def draw_grey(path, seed):
    """Write a grey picture of 12 × 16 pixels."""
    assert cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (12, 16), dtype=np.uint8))


def draw_colour(path, seed):
    """Write a smooth coloured picture of 36 × 48 pixels; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), cv2.resize(pixels, (48, 36), interpolation=cv2.INTER_CUBIC))


def draw_numbered(folder, n):
    """Write ``0.png`` to ``n - 1.png``, grey, and return their folder."""
    folder.mkdir()
    for number in range(n):
        draw_grey(folder / f"{number}.png", number)
    return folder


def draw_nested(folder):
    """Write ``a/0.png`` to ``a/2.png`` and ``b/3.png`` to ``b/5.png``, coloured, and return their folder."""
    for number in range(6):
        draw_colour(folder / ("a" if number < 3 else "b") / f"{number}.png", number)
    return folder


def save_smooth(path: Path, seed: int) -> None:
    """Write a picture of smooth noise, 48 × 64."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(seed).integers(0, 255, (6, 8), dtype=np.uint8)
    Image.fromarray(levels).resize((64, 48), Image.Resampling.BICUBIC).save(path)
