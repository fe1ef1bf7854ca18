"""Phantoms: generated thorax CT volumes with a known extent of the lungs, each of another body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

AIR, FAT, SOFT, BONE, LUNG = -1000.0, -90.0, 40.0, 500.0, -820.0


@dataclass(frozen=True)
class Phantom:
    """A thorax in Hounsfield units.

    Parameters
    ----------
    values : float32 (slices, rows, cols), from feet to head.
    spacing : millimetres between slices.
    bottom, top : the lowest and the highest slice that shows lung.
    """

    values: NDArray[np.float32]
    spacing: float
    bottom: int
    top: int

    @property
    def has_lung(self) -> NDArray[np.bool_]:
        """Tell which slices show lung, bool (slices,)."""
        number = np.arange(len(self.values))
        return (number >= self.bottom) & (number <= self.top)


def make_phantom(seed: int, side: int = 160, spacing: float = 5.0, scan: int = 0) -> Phantom:
    """Make the thorax of a person of random build, from the abdomen to the neck.

    Lungs, heart, liver, spine, ribs, shoulders and neck change along the axis; size, proportions, place,
    rotation, contrast and noise differ from one person to the next. Another ``scan`` of the same person has
    other noise, lies and is turned otherwise, and begins and ends elsewhere.
    """
    random = np.random.default_rng(seed)
    length = random.uniform(200, 290)  # of the lungs, mm
    below, above = random.uniform(70, 130), random.uniform(40, 80)
    person = _Person(random, side)
    if scan:
        random = np.random.default_rng((seed, scan))
        below, above = below + random.uniform(-25, 25), above + random.uniform(-15, 15)
        person.lie(random)
    n = int((below + length + above) / spacing)
    heights = np.arange(n) * spacing
    values = np.stack([person.slice((height - below) / length) for height in heights])
    values += random.normal(0, random.uniform(10, 40), values.shape)
    inside = np.flatnonzero((heights >= below) & (heights <= below + length))
    return Phantom(values.astype(np.float32), spacing, int(inside[0]), int(inside[-1]))


class _Person:
    """One body; ``u`` is the height in it: 0 at the base of the lungs, 1 at their top."""

    def __init__(self, random: np.random.Generator, side: int) -> None:
        self.side = side
        self.width = side * random.uniform(0.36, 0.44)
        self.depth = self.width * random.uniform(0.58, 0.75)
        self.fat = random.uniform(0.04, 0.14)
        self.heart = random.uniform(0.26, 0.38)
        self.dome = random.uniform(0.10, 0.2)  # how far the liver reaches up into the lungs
        self.contrast = random.uniform(0, 180)
        self.blobs = random.normal(0, 1, (6, 4))
        self.lie(random)

    def lie(self, random: np.random.Generator) -> None:
        """Lie down anew: somewhere else, and a little turned."""
        side = self.side
        shift, angle = random.uniform(-0.04, 0.04, 2) * side, np.deg2rad(random.uniform(-6, 6))
        rows, cols = np.mgrid[:side, :side].astype(np.float32)
        x, y = cols - side / 2 - shift[1], rows - side / 2 - shift[0]
        self.x = (np.cos(angle) * x + np.sin(angle) * y) / self.width
        self.y = (-np.sin(angle) * x + np.cos(angle) * y) / self.depth

    def slice(self, u: float) -> NDArray[np.float64]:
        """Return the slice at a height, float64 (side, side), in Hounsfield units."""
        shoulder = _rise(u, 0.75, 1.05)
        neck = _rise(u, 1.02, 1.28)
        wide = 1 + 0.25 * shoulder - 0.75 * neck
        deep = 1 - 0.1 * shoulder - 0.45 * neck
        values = np.full((self.side, self.side), AIR)
        self._ellipse(values, 0, 0, wide, deep, FAT)
        self._ellipse(values, 0, 0.02, wide * (1 - self.fat), deep * (1 - 1.4 * self.fat), SOFT)
        if u < 0.35:
            self._abdomen(values, u)
        if 0 <= u <= 1:
            self._lungs(values, u)
        if 0.02 < u < 0.62:
            size = self.heart * np.sqrt(max(0.0, 1 - ((u - 0.3) / 0.33) ** 2))
            self._ellipse(values, 0.08, -0.2, size * 1.15, size * 1.25, SOFT + self.contrast)
        if u > 0.55:
            self._ellipse(values, -0.02, -0.05, 0.055, 0.08, AIR)  # trachea
        self._ellipse(values, 0.1, 0.34, 0.07, 0.1, SOFT + self.contrast)  # aorta
        self._ellipse(values, 0, 0.62, 0.14, 0.19, BONE)
        self._ribs(values, u, wide, deep)
        return cv2.GaussianBlur(values, (0, 0), 0.8)

    def _abdomen(self, values: NDArray[np.float64], u: float) -> None:
        fade = 1 - _rise(u, -0.05, self.dome)
        if fade > 0:
            self._ellipse(values, -0.38, -0.05, 0.5 * fade, 0.7 * fade, SOFT + 20 + self.contrast / 3)
        spleen = 1 - _rise(u, -0.2, 0.08)
        self._ellipse(values, 0.6, 0.2, 0.2 * spleen, 0.3 * spleen, SOFT + 15)
        gas = _rise(-u, 0.02, 0.3)
        self._ellipse(values, 0.3, -0.4, 0.18 * gas, 0.14 * gas, -700)

    def _lungs(self, values: NDArray[np.float64], u: float) -> None:
        size = np.sqrt(np.sin(np.pi * np.clip(0.12 + 0.8 * u, 0, 1))) * (1 - 0.55 * _rise(u, 0.7, 1.0))
        grow = _rise(u, -0.02, 0.12) * (1 - 0.75 * _rise(u, 0.88, 1.02)) * 0.85 + 0.15
        for sign, dome in ((-1, self.dome), (1, self.dome * 0.6)):
            own = (self.x - sign * 0.47) ** 2 / (0.36 * size * grow) ** 2
            own = own + (self.y - 0.05) ** 2 / (0.74 * size * grow) ** 2
            mask = own < 1
            if u < dome:  # the dome of the diaphragm fills the middle of the base
                hole = 1 - u / dome
                mask &= own > hole * 0.8
            values[mask] = LUNG + 60 * (1 - u)
        for k, blob in enumerate(self.blobs):  # vessels
            sign = -1 if k % 2 else 1
            at = (sign * (0.4 + 0.06 * blob[0]), 0.1 * blob[1] + 0.25 * np.sin(4 * u + blob[2]))
            inside = np.abs(self.x - sign * 0.47) < 0.3 * size * grow
            mask = ((self.x - at[0]) ** 2 + (self.y - at[1]) ** 2 < 0.0014) & inside
            values[mask & (values < -400)] = SOFT

    def _ribs(self, values: NDArray[np.float64], u: float, wide: float, deep: float) -> None:
        if not -0.3 < u < 1.02:
            return
        radius = np.hypot(self.x / (wide * (1 - self.fat)), self.y / (deep * (1 - 1.4 * self.fat)))
        angle = np.arctan2(self.y, np.abs(self.x))
        wave = np.sin(9 * angle + 22 * u)
        values[(radius > 0.88) & (radius < 0.95) & (wave > 0.55)] = BONE * 0.8

    def _ellipse(
        self, values: NDArray[np.float64], x: float, y: float, width: float, depth: float, level: float
    ) -> None:
        if width > 0 and depth > 0:
            values[((self.x - x) / width) ** 2 + ((self.y - y) / depth) ** 2 < 1] = level


def _rise(u: float, low: float, high: float) -> float:
    """Return 0 below ``low``, 1 above ``high``, and a smooth way between."""
    t = float(np.clip((u - low) / (high - low), 0, 1))
    return t * t * (3 - 2 * t)
