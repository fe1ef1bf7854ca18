"""Marks that have strokes and are no text: lines, frames, rulers, grids, arrows, hairs, single letters."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.lettering import FONTS, Bytes, text_mask
from benchmarks.shared.overlays import random_colour


def distract(pixels: Bytes, random: np.random.Generator) -> Bytes:
    """Draw what is no text though it has strokes: lines, frames, rulers, grids, arrows, hairs, letters."""
    out = pixels.copy()
    rows, cols = out.shape[:2]
    for _ in range(int(random.integers(1, 5))):
        level = random_colour(random, out.ndim == 3)
        colour = tuple(float(c) for c in np.atleast_1d(level))
        thick = int(random.integers(1, 4))
        line = cv2.LINE_AA if random.random() < 0.5 else cv2.LINE_8
        points = random.integers(-10, max(rows, cols) + 10, (int(random.integers(2, 8)), 2)).astype(np.int32)
        first, second = (tuple(int(n) for n in p) for p in points[:2])
        kind = int(random.integers(9))
        if kind == 0:
            cv2.polylines(out, [points], bool(random.integers(2)), colour, thick, line)
        elif kind == 1:
            cv2.rectangle(out, first, second, colour, thick if random.random() < 0.7 else -1)
        elif kind == 2:
            axes = tuple(int(n) for n in random.integers(3, 60, 2))
            cv2.ellipse(
                out,
                first,
                axes,
                float(random.integers(180)),
                0,
                float(random.integers(90, 361)),
                colour,
                thick,
                line,
            )
        elif kind == 3:
            cv2.arrowedLine(out, first, second, colour, thick, line, 0, random.uniform(0.05, 0.3))
        elif kind == 4:
            _ruler(out, random, colour)
        elif kind == 5:
            step = int(random.integers(6, 40))
            out[::step] = level
            if random.random() < 0.7:
                out[:, ::step] = level
        elif kind == 6:
            _hairs(out, random, colour, thick)
        elif kind == 7:
            for x, y in random.integers(0, max(rows, cols), (int(random.integers(3, 60)), 2)):
                cv2.circle(
                    out,
                    (int(x), int(y)),
                    int(random.integers(1, 7)),
                    colour,
                    -1 if random.random() < 0.6 else 1,
                )
        else:
            _letter(out, random, level)
    return out


def _ruler(out: Bytes, random: np.random.Generator, colour: tuple[float, ...]) -> None:
    rows, cols = out.shape[:2]
    step, length, every = (int(random.integers(a, b)) for a, b in ((4, 30), (3, 14), (2, 11)))
    upright = random.random() < 0.5
    at = int(random.integers(0, cols if upright else rows))
    for k, p in enumerate(range(int(random.integers(0, step)), rows if upright else cols, step)):
        reach = at + (length * 2 if k % every == 0 else length)
        ends = ((at, p), (reach, p)) if upright else ((p, at), (p, reach))
        cv2.line(out, *ends, colour, 1)


def _hairs(out: Bytes, random: np.random.Generator, colour: tuple[float, ...], thick: int) -> None:
    t = np.linspace(0, 1, 30)[:, None]
    for _ in range(int(random.integers(1, 9))):
        a, b, c = random.integers(-20, max(out.shape[:2]) + 20, (3, 2))
        curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
        cv2.polylines(out, [curve.astype(np.int32)], False, colour, thick, cv2.LINE_AA)


def _letter(out: Bytes, random: np.random.Generator, level: NDArray[np.float32]) -> None:
    """Draw one letter, as the markers of a side on an X-ray are: it tells nobody's name."""
    mask = text_mask(
        str(random.choice(list("LRlrAPHFS"))),
        str(random.choice(np.array(FONTS[:8]))),
        int(random.integers(12, 60)),
        random,
    )
    rows, cols = out.shape[:2]
    height, width = mask.shape
    if height >= rows or width >= cols:
        return
    y, x = int(random.integers(rows - height)), int(random.integers(cols - width))
    part = out[y : y + height, x : x + width].astype(np.float32)
    cover = mask / np.float32(255)
    cover = cover[..., None] if out.ndim == 3 else cover
    out[y : y + height, x : x + width] = part + (level - part) * cover
