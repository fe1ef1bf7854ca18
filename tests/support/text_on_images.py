"""Images of a phantom, with text burned into them or without."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont


def phantom(seed: int = 0, side: int = 256) -> NDArray[np.uint8]:
    """Return a body of soft ellipses with noise on black, uint8 (side, side)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    values = 90.0 * (x**2 / 0.7 + y**2 / 0.5 < 1)
    for _ in range(6):
        (cx, cy), (a, b) = random.uniform(-0.5, 0.5, 2), random.uniform(0.05, 0.3, 2)
        values += random.uniform(-60, 90) * ((x - cx) ** 2 / a**2 + (y - cy) ** 2 / b**2 < 1)
    return np.clip(values + random.normal(0, 6, values.shape), 0, 255).astype(np.uint8)


def with_text(
    pixels: NDArray[np.uint8], text: str = "DOE^JANE 1961-02-03", size: int = 16, at: tuple[int, int] = (6, 6)
) -> NDArray[np.uint8]:
    """Return an image with white text at a position (x, y)."""
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).text(at, text, fill="white", font=ImageFont.load_default(size))
    return np.asarray(image)
