"""Overlaid text as programs burn it into images, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.lettering import FONTS, Bytes, text_mask, words


class Overlay(NamedTuple):
    """An image with text on it; boxes of its lines (x, y, width, height), the font and its size in pixels."""

    pixels: Bytes
    boxes: list[tuple[int, int, int, int]]
    font: str
    size: int


def overlay(
    pixels: Bytes,
    random: np.random.Generator,
    fonts: Sequence[str] = FONTS,
    sizes: tuple[int, int] = (12, 40),
    is_cut: bool = False,
    contrast: float = 60,
) -> Overlay | None:
    """Draw one to three lines of text at random; None if it finds no room for it.

    Parameters
    ----------
    pixels : uint8 (rows, cols) or (rows, cols, 3).
    sizes : the smallest and largest size of the font, its em in pixels.
    is_cut : the text may reach over the edge.
    contrast : the least difference of grey from what is under it, on average.
    """
    for _ in range(20):
        font = str(random.choice(np.array(fonts)))
        # Small ones are the hard ones, and the usual ones.
        size = round(sizes[0] * (sizes[1] / sizes[0]) ** random.random())
        if font == "bitmap":
            size = 11 * int(random.integers(2, max(3, sizes[1] // 11 + 1)))
        n_lines = 1 if random.random() < 0.7 else int(random.integers(2, 4))
        most = int(random.integers(1, 7))
        masks = [text_mask(words(random, most), font, size, random) for _ in range(n_lines)]
        made = _placed(pixels, masks, random, is_cut, contrast)
        if made is not None:
            return Overlay(*made, font, size)
    return None


def _placed(
    pixels: Bytes, masks: list[Bytes], random: np.random.Generator, is_cut: bool, contrast: float
) -> tuple[Bytes, list[tuple[int, int, int, int]]] | None:
    rows, cols = pixels.shape[:2]
    height, width = sum(m.shape[0] for m in masks), max(m.shape[1] for m in masks)
    if not height or (not is_cut and (height > rows or width > cols)):
        return None
    block = np.zeros((height, width), np.uint8)
    starts = np.cumsum([0, *(m.shape[0] for m in masks)])
    for mask, start in zip(masks, starts, strict=False):
        block[start : start + mask.shape[0], : mask.shape[1]] = mask
    x, y = _place(rows, cols, height, width, random, is_cut)
    # What is inside of the image.
    top, left = max(0, -y), max(0, -x)
    block = block[top : rows - y, left : cols - x]
    if block.size == 0 or (block > 128).sum() < 40:
        return None
    here = (slice(max(y, 0), max(y, 0) + block.shape[0]), slice(max(x, 0), max(x, 0) + block.shape[1]))
    inked = _inked(pixels[here], block, random, contrast)
    if inked is None:
        return None
    out = pixels.copy()
    out[here] = inked
    boxes = []
    for mask, start in zip(masks, starts, strict=False):
        first, last = max(y + start, 0), min(y + start + mask.shape[0], rows)
        begin, end = max(x, 0), min(x + mask.shape[1], cols)
        if last - first > 4 and end - begin > 4:
            boxes.append((int(begin), int(first), int(end - begin), int(last - first)))
    return (out, boxes) if boxes else None


def _place(
    rows: int, cols: int, height: int, width: int, random: np.random.Generator, is_cut: bool
) -> tuple[int, int]:
    if is_cut:
        return int(random.integers(24 - width, cols - 23)), int(
            random.integers(-height // 3, rows - height // 2)
        )
    if random.random() < 0.5:  # a corner
        right, low = random.random(2) < 0.5
        x, y = (int(n) for n in random.integers(0, 12, 2))
        x, y = min(x, cols - width), min(y, rows - height)
        return cols - width - x if right else x, rows - height - y if low else y
    return int(random.integers(0, cols - width + 1)), int(random.integers(0, rows - height + 1))


def _inked(under: Bytes, mask: Bytes, random: np.random.Generator, contrast: float) -> Bytes | None:
    """Return the part of an image under a mask with text in some colour, at times outlined or on a box."""
    is_colour = under.ndim == 3
    style, strength = random.random(), 1.0 if random.random() < 0.6 else random.uniform(0.7, 1)
    ground = under.astype(np.float32)
    cover = mask[..., None] / np.float32(255) if is_colour else mask / np.float32(255)
    if style < 0.15:  # a box, often of one colour
        box = random_colour(random, is_colour)
        ground += (box - ground) * (1.0 if random.random() < 0.6 else random.uniform(0.4, 1))
    if 0.15 <= style < 0.3:
        around = cv2.dilate(mask, np.ones((3, 3), np.uint8)) / np.float32(255)
        ground += (random_colour(random, is_colour) - ground) * (around[..., None] if is_colour else around)
    inside = mask > 128
    for _ in range(8):
        colour = random_colour(random, is_colour)
        away = strength * (
            np.mean(colour) - (ground[inside] if not is_colour else ground[inside].mean(axis=-1))
        )
        if abs(away.mean()) >= contrast and np.mean(np.abs(away) >= contrast * 0.6) > 0.9:
            out = ground + (colour - ground) * strength * cover
            return np.clip(out + 0.5, 0, 255).astype(np.uint8)
    return None


def random_colour(random: np.random.Generator, is_colour: bool) -> NDArray[np.float32]:
    """Return a grey level, () or for colour images (3,), or one of the colours that consoles use."""
    kind = random.random()
    if not is_colour or kind < 0.6:
        level = random.choice([0, 255]) if random.random() < 0.5 else random.integers(0, 256)
        return np.float32(level) if not is_colour else np.full(3, level, np.float32)
    if kind < 0.85:
        pure = np.array([(255, 255, 0), (0, 255, 0), (0, 255, 255), (255, 0, 0), (0, 0, 160), (255, 160, 0)])
        return pure[random.integers(len(pure))].astype(np.float32)
    return random.integers(0, 256, 3).astype(np.float32)


def jpeg(pixels: Bytes, random: np.random.Generator) -> Bytes:
    """Return an image as JPEG of a random quality leaves it."""
    _, code = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 96))])
    return cv2.imdecode(code, cv2.IMREAD_UNCHANGED)


def as_bytes(pixels: NDArray[np.float32]) -> Bytes:
    """Return pixels in [0, 1] as bytes."""
    levels: Bytes = (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)
    return levels
