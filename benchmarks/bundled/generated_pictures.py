"""Generated pictures of kinds that no free set shows: speckle of ultrasound, stained tissue, spots on skin.

Each is made of another picture, so that there is no end of shapes: its brightness becomes the echo, the stain
or the pattern. They need not pass for true ones; they are for a network that is to follow its teachers there.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.bundled.pictures import VIEW, Bytes

Field = NDArray[np.float32]
Random = np.random.Generator


def ultrasound(picture: Bytes, random: Random) -> Bytes:
    """Return a picture (VIEW, VIEW, 3) as ultrasound: speckle, dark foci, loss with depth, a sector."""
    echo = _stretched(cv2.GaussianBlur(_grey(picture), (0, 0), random.uniform(0.8, 3)))
    across, along = random.uniform(1, 2.6), random.uniform(0.5, 1.2)
    # Speckle: the length of a sum of many waves, whose two parts are normal (Rayleigh).
    parts = [cv2.GaussianBlur(_lots(random), (0, 0), sigmaX=across, sigmaY=along) for _ in range(2)]
    speckle = np.hypot(*parts)
    made = (0.04 + echo ** random.uniform(1, 2.2)) * (speckle / speckle.mean()) ** random.uniform(0.6, 1)
    for _ in range(int(random.integers(0, 3))):
        focus = cv2.GaussianBlur(_ellipse(random, (0.2, 0.8), (0.06, 0.25)), (0, 0), random.uniform(0.7, 4))
        rough = np.clip(focus + 0.25 * _noise(random, 6) * focus, 0, 1)
        made *= 1 - rough * random.uniform(0.5, 0.95)
    made *= np.linspace(random.uniform(0.7, 1.3), random.uniform(0.4, 1.1), VIEW)[:, None]
    made = cv2.GaussianBlur(made, (0, 0), random.uniform(0.5, 1.2))
    made = np.log1p(made * random.uniform(4, 30))
    made = np.clip(made / np.percentile(made, 99.5), 0, 1)
    if random.random() < 0.3:
        rows, cols = np.mgrid[:VIEW, :VIEW]
        top, middle = -random.uniform(0.05, 0.6) * VIEW, VIEW / 2 + random.uniform(-10, 10)
        angle, depth = np.abs(np.arctan2(cols - middle, rows - top)), np.hypot(cols - middle, rows - top)
        farthest = VIEW * random.uniform(1.1, 1.4) - top / 2
        made[(angle > random.uniform(0.45, 0.8)) | (depth > farthest)] = 0
    return np.repeat((made * 255).astype(np.uint8)[:, :, None], 3, axis=2)


def tissue(picture: Bytes, random: Random) -> Bytes:
    """Return a picture as tissue under haematoxylin and eosin: fibres of its brightness, nuclei, gaps."""
    bright = _stretched(cv2.GaussianBlur(_grey(picture), (0, 0), random.uniform(0.6, 2)))
    bright = 1 - bright if random.random() < 0.5 else bright
    eosin = 0.15 + 0.75 * bright ** random.uniform(0.7, 1.6)
    eosin = eosin + 0.08 * _noise(random, random.uniform(0.5, 1.5))
    nuclei = _nuclei(bright, random)
    blue = (0.1 + 0.25 * bright + 0.05 * _noise(random, 1)) * (1 - 0.5 * nuclei)
    blue, eosin = blue + nuclei * random.uniform(0.8, 1.6), eosin * (1 - 0.3 * nuclei)
    for _ in range(int(random.integers(0, 5)) if random.random() < 0.6 else 0):
        gap = cv2.GaussianBlur(_ellipse(random, (0, 1), (0.04, 0.22)), (0, 0), 1.2)
        blue, eosin = blue * (1 - gap), eosin * (1 - gap)
    # What both dyes absorb (Ruifrok and Johnston, Anal Quant Cytol Histol 2001), a little off each time.
    of_blue = _unit(np.array([0.65, 0.70, 0.29]) + random.normal(0, 0.05, 3)) * random.uniform(0.8, 1.5)
    of_eosin = _unit(np.array([0.07, 0.99, 0.11]) + random.normal(0, 0.06, 3)) * random.uniform(0.5, 1.2)
    absorbed = np.clip(blue, 0, 3)[..., None] * of_blue + np.clip(eosin, 0, 2)[..., None] * of_eosin
    return np.clip(255 * np.exp(-absorbed) * random.uniform(0.93, 1), 0, 255).astype(np.uint8)


def skin(picture: Bytes, random: Random) -> Bytes:
    """Return a picture as a spot under a dermatoscope: pigment with its pattern, globules, hairs, a rim."""
    bright = _grey(picture)
    colour = np.array([random.uniform(190, 235), random.uniform(130, 185), random.uniform(110, 170)])
    grain = 0.5 * _noise(random, random.uniform(1, 3)) + 2 * (cv2.GaussianBlur(bright, (0, 0), 2) - 0.5)
    shade = grain * random.uniform(3, 9) + _noise(random, 40) * random.uniform(3, 14)
    made = colour + shade[..., None]
    spot, pigment = _spot(random), _pigment(random)
    pattern = 0.75 + 0.25 * _noise(random, random.uniform(1, 8)) + random.uniform(-0.6, 0.6) * (bright - 0.5)
    share = (spot * np.clip(pattern, 0.1, 1.2))[..., None]
    made = made * (1 - share) + pigment * share
    if random.random() < 0.4:
        for row, col in random.integers(0, VIEW, (int(random.integers(5, 60)), 2)).tolist():
            if spot[row, col] > 0.5:
                shown = (pigment * random.uniform(0.4, 1.1)).tolist()
                cv2.circle(made, (col, row), int(random.integers(1, 5)), shown, -1, cv2.LINE_AA)
    for _ in range(int(random.integers(0, 18)) if random.random() < 0.5 else 0):
        start = random.uniform(0, VIEW, 2)
        end = start + random.normal(0, 60, 2)
        bend = (start + end) / 2 + random.normal(0, 12, 2)
        hair = np.array([start, bend, end], np.int32)
        cv2.polylines(made, [hair], False, (pigment * 0.35).tolist(), 1, cv2.LINE_AA)
    made = cv2.GaussianBlur(made, (0, 0), random.uniform(0.4, 1.2))
    if random.random() < 0.3:
        rows, cols = np.mgrid[:VIEW, :VIEW] / VIEW
        made *= np.clip(1.5 - 1.9 * np.maximum(np.hypot(rows - 0.5, cols - 0.5) - 0.15, 0), 0, 1)[..., None]
    return np.clip(made, 0, 255).astype(np.uint8)


KINDS: dict[str, tuple[Callable[[Bytes, Random], Bytes], tuple[str, ...]]] = {
    "ultrasound": (
        ultrasound,
        ("ct_dicom", "modality6", "volume_mrhead", "nifti", "cxr_regions", "landscapes", "caltech39"),
    ),
    "tissue": (tissue, ("textures", "wallpapers", "caltech39", "scene15", "wsi")),
    "skin": (skin, ("textures", "landscapes", "wallpapers", "scene15")),
}
"""How each kind is made, and of pictures of which sets."""


def _nuclei(bright: Field, random: Random) -> Field:
    """Return ellipses, 0 to about 1, that lie denser here than there, and turn together."""
    dense = 0.5 + 0.5 * _noise(random, random.uniform(6, 30)) * random.uniform(0.2, 1)
    dense = np.clip(dense + random.uniform(-0.3, 0.5) * (bright - 0.5), 0, 1)
    radius, longer = random.uniform(1.6, 8), random.uniform(1, 2.6)
    wanted = int(random.uniform(0.05, 0.5) * VIEW**2 / (np.pi * radius**2))
    turns = _noise(random, 25) * 40 + random.uniform(0, 180)
    made = np.zeros((VIEW, VIEW), np.float32)
    for row, col in random.integers(0, VIEW, (min(wanted, 1500), 2)).tolist():
        if random.random() <= dense[row, col]:
            own = radius * random.uniform(0.7, 1.35)
            axes = max(1, int(own * longer**0.5)), max(1, int(own / longer**0.5))
            shade = float(random.uniform(0.5, 1))
            cv2.ellipse(made, (col, row), axes, float(turns[row, col]), 0, 360, shade, -1, cv2.LINE_AA)
    grain = np.clip(1 + 0.25 * _noise(random, 0.8), 0.4, 1.6)
    return np.asarray(cv2.GaussianBlur(made, (0, 0), random.uniform(0.5, 1.2)) * grain, np.float32)


def _spot(random: Random) -> Field:
    """Return a round shape with an uneven edge, 0 to 1."""
    rows, cols = np.mgrid[:VIEW, :VIEW] / VIEW
    row, col = random.uniform(0.35, 0.65, 2)
    angle, away = (
        np.arctan2(rows - row, cols - col),
        np.hypot((rows - row) * random.uniform(0.8, 1.3), cols - col),
    )
    waves = [
        random.normal(0, 0.12 / k) * np.cos(k * angle + random.uniform(0, 2 * np.pi)) for k in range(1, 7)
    ]
    edge = random.uniform(0.12, 0.38) * (1 + np.sum(waves, axis=0))
    return np.asarray(1 / (1 + np.exp((away - edge) / random.uniform(0.008, 0.06))), np.float32)


def _pigment(random: Random) -> NDArray[np.float64]:
    """Return a brown between red and grey, RGB."""
    red = random.uniform(60, 175)
    green = red * random.uniform(0.45, 0.85)
    return np.array([red, green, green * random.uniform(0.6, 1.25)])


def _ellipse(random: Random, within: tuple[float, float], axes: tuple[float, float]) -> Field:
    made = np.zeros((VIEW, VIEW), np.float32)
    col, row = (random.uniform(*within, 2) * VIEW).astype(int).tolist()
    first, second = (random.uniform(*axes, 2) * VIEW).astype(int).tolist()
    cv2.ellipse(made, (col, row), (first, second), float(random.uniform(0, 180)), 0, 360, 1, -1)
    return made


def _lots(random: Random) -> Field:
    return random.standard_normal((VIEW, VIEW)).astype(np.float32)


def _noise(random: Random, size: float) -> Field:
    """Return smooth noise of mean 0 and spread 1."""
    made = cv2.GaussianBlur(_lots(random), (0, 0), size)
    return np.asarray((made - made.mean()) / (made.std() + 1e-6), np.float32)


def _grey(picture: Bytes) -> Field:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32) / 255


def _stretched(levels: Field) -> Field:
    low, high = np.percentile(levels, [2, 98])
    return np.asarray(np.clip((levels - low) / (high - low + 1e-3), 0, 1), np.float32)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))
