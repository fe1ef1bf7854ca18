"""Augmentation: random views of squares, within what a medical image may vary and still show the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

Squares = NDArray[np.uint8]
_LEVELS = np.arange(256, dtype=np.float32) / 255


@dataclass(frozen=True)
class Augmentation:
    """Vary squares at random. Colours keep their hue, and grey stays grey.

    Parameters
    ----------
    rotation : by up to this number of degrees either way.
    zoom : in or out by up to this share.
    shift : along each axis by up to this share of the side; what comes in from outside is mirrored.
    flips : ``none``, ``horizontal`` (left and right) or ``both``; anatomy has sides, tissue has none.
    brightness : added grey level, up to this share of the range.
    contrast : more or less by up to this share.
    gamma : levels to a power between 1 / (1 + gamma) and 1 + gamma.
    noise : the deviation of added noise, up to this share of the range, in every other image.
    erasing : the chance that a rectangle of up to a fifth of the area is filled with the mean.
    """

    rotation: float = 10.0
    zoom: float = 0.15
    shift: float = 0.06
    flips: Literal["none", "horizontal", "both"] = "horizontal"
    brightness: float = 0.1
    contrast: float = 0.15
    gamma: float = 0.2
    noise: float = 0.02
    erasing: float = 0.25

    def __post_init__(self) -> None:
        if self.flips not in ("none", "horizontal", "both"):
            raise SettingError(f"flips: {self.flips!r} is unknown; give none, horizontal or both")
        for name, most in (("rotation", 180), ("zoom", 0.9), ("shift", 0.5), ("brightness", 1)):
            _within(name, getattr(self, name), most)
        for name, most in (("contrast", 1), ("gamma", 10), ("noise", 1), ("erasing", 1)):
            _within(name, getattr(self, name), most)

    def vary(self, squares: Squares, random: np.random.Generator) -> Squares:
        """Return one random view of each square, uint8 (n, 3, side, side); the squares stay as they are."""
        return np.stack([self._view(square, random) for square in squares])

    def _view(self, square: Squares, random: np.random.Generator) -> Squares:
        # OpenCV takes channels last. Bytes stay bytes: a batch is made while the network computes.
        pixels: Any = np.ascontiguousarray(square.transpose(1, 2, 0))
        pixels = self._moved(pixels, random)
        pixels = cv2.LUT(pixels, self._curve(random))
        pixels = self._noisy(pixels, random)
        self._erase(pixels, random)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def _moved(self, pixels: Squares, random: np.random.Generator) -> Squares:
        side = pixels.shape[0]
        # All six are drawn whatever the settings are: a setting changes its own effect alone.
        angle, grown, right, down, mirrored, upset = random.uniform(-1, 1, 6)
        # Zoom is a power, so that in and out are equally likely.
        turn = cv2.getRotationMatrix2D(
            ((side - 1) / 2, (side - 1) / 2), self.rotation * angle, (1 + self.zoom) ** grown
        )
        turn[:, 2] += self.shift * side * np.array([right, down])
        if any((self.rotation, self.zoom, self.shift)):
            pixels = np.asarray(
                cv2.warpAffine(pixels, turn, (side, side), borderMode=cv2.BORDER_REFLECT_101), dtype=np.uint8
            )
        if self.flips != "none" and mirrored < 0:
            pixels = pixels[:, ::-1]
        return pixels[::-1] if self.flips == "both" and upset < 0 else pixels

    def _curve(self, random: np.random.Generator) -> Squares:
        """Return what each of the 256 levels becomes: a power, contrast about the middle, brightness."""
        bent, stretched, lifted = random.uniform(-1, 1, 3)
        # The exponent is (1 + gamma)^bent, between 1 / (1 + gamma) and 1 + gamma.
        levels = _LEVELS ** math.exp(bent * math.log1p(self.gamma))
        levels = (levels - 0.5) * (1 + self.contrast * stretched) + 0.5 + self.brightness * lifted
        return np.asarray(np.clip(levels, 0, 1) * 255 + 0.5, dtype=np.uint8)

    def _noisy(self, pixels: Squares, random: np.random.Generator) -> Squares:
        chance, strength = random.random(2)
        if not self.noise or chance < 0.5:
            return np.ascontiguousarray(pixels)
        # The same in all channels: grey stays grey.
        grain = random.standard_normal(pixels.shape[:2], dtype=np.float32) * (255 * self.noise * strength)
        levels = pixels + np.rint(grain)[:, :, None]
        return np.asarray(np.clip(levels, 0, 255), dtype=np.uint8)

    def _erase(self, pixels: Squares, random: np.random.Generator) -> None:
        """Fill a rectangle with the mean (Zhong et al. 2020)."""
        chance, area, aspect, top, left = random.random(5)
        if chance >= self.erasing:
            return
        # Area from 2 to 20 % of the square, sides from 1 : 4 to 4 : 1.
        side, stretch = pixels.shape[0], 2 ** (2 * aspect - 1)
        root = side * math.sqrt(0.02 + 0.18 * area)
        height, width = (min(side, max(1, round(n))) for n in (root * stretch, root / stretch))
        row, col = int(top * (side - height + 1)), int(left * (side - width + 1))
        pixels[row : row + height, col : col + width] = pixels.mean(axis=(0, 1)).astype(np.uint8)


def _within(name: str, value: float, most: float) -> None:
    if not 0 <= value <= most:
        raise SettingError(f"{name}: {value}; give a number from 0 to {most:g}")
