"""Makers of test images: the same pixels for the same arguments, everywhere."""

import cv2
import numpy as np
from scipy import ndimage

from retrieval.picture import Picture


def white_noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Return independent grey values or colours, float32 in [0, 1)."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def gaussian_blob(shape: tuple[int, int], row: float, col: float, sigma: float) -> np.ndarray:
    """Return a Gaussian of height 1, float32."""
    r, c = np.indices(shape)
    return np.exp(-((r - row) ** 2 + (c - col) ** 2) / (2 * sigma**2)).astype(np.float32)


def filtered_noise(shape: tuple[int, int], sigma: float, seed: int = 0) -> np.ndarray:
    """Return normal noise after a Gaussian filter, float32, not scaled."""
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma).astype(np.float32)


def smooth_texture(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Return uniform noise smoothed by 3 pixels, float32 from 0 to 1."""
    return _from_0_to_1(ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 3))


def mixed_texture(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Return fine and coarse structure of equal strength, float32 from 0 to 1."""
    rng = np.random.default_rng(seed)
    return _from_0_to_1(sum(s * ndimage.gaussian_filter(rng.normal(size=shape), s) for s in (1, 2, 5)))


def texture_of_all_sizes(rows: int, cols: int, seed: int = 0) -> np.ndarray:
    """Return pixels with structure of every size from 1 to 50 pixels, uint8."""
    rng = np.random.default_rng(seed)
    total = np.zeros((rows, cols), np.float32)
    for sigma in (1, 3, 8, 20, 50):
        layer = cv2.GaussianBlur(rng.standard_normal((rows, cols)).astype(np.float32), (0, 0), sigma)
        total += layer / layer.std()
    total = (total - total.min()) / np.ptp(total)
    return np.round(total * 255).astype(np.uint8)


def discs(seed: int, shape: tuple[int, int] = (160, 200), n: int = 150, largest: int = 12) -> np.ndarray:
    """Draw n bright and dark discs of radii from 2 to below ``largest``, uint8."""
    rng = np.random.default_rng(seed)
    canvas = np.full(shape, 90, np.uint8)
    for _ in range(n):
        row, col, level = rng.integers(0, shape[0]), rng.integers(0, shape[1]), rng.integers(0, 256)
        cv2.circle(canvas, (int(col), int(row)), int(rng.integers(2, largest)), int(level), -1)
    return cv2.GaussianBlur(canvas, (0, 0), 0.8)


def mosaic(seed: int, side: int = 72, colour: bool = False) -> Picture:
    """Make squares of random grey whose size depends on the seed, on a ramp; or all of one colour."""
    rng = np.random.default_rng(seed)
    n = side // (3 + seed % 5)
    squares = rng.random((n, n))
    places = np.arange(side) * n // side
    grey = 0.7 * squares[np.ix_(places, places)] + 0.3 * np.linspace(0, 1, side)
    pixels = grey[..., None] * rng.uniform(0.3, 1, 3) if colour else grey
    return Picture(pixels.astype(np.float32))


def blobs_and_stripes(seed: int, shape: tuple[int, ...] = (80, 104)) -> Picture:
    """Make blobs, stripes and noise on a dark ground, grey or in colour."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices(shape[:2])
    grey = 0.2 + 0.15 * np.sin(cols * rng.uniform(0.1, 0.6) + rows * rng.uniform(0.1, 0.6))
    for row, col, spread in rng.uniform((0, 0, 2), (*shape[:2], 9), (12, 3)):
        grey += 0.4 * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * spread**2))
    grey += rng.normal(0, 0.02, grey.shape)
    if len(shape) == 3:
        grey = grey[..., None] * rng.uniform(0.4, 1, 3)
    return Picture(np.clip(grey, 0, 1).astype(np.float32), id=f"{seed}.png")


def as_float(pixels: np.ndarray) -> np.ndarray:
    """Return 8-bit pixels as float32 from 0 to 1."""
    return pixels.astype(np.float32) / 255


def as_picture(pixels: np.ndarray) -> Picture:
    """Return 8-bit pixels as a picture."""
    return Picture(as_float(pixels))


def _from_0_to_1(values: np.ndarray) -> np.ndarray:
    return ((values - values.min()) / np.ptp(values)).astype(np.float32)
