"""The pictures that the bundled weights are trained on, and the views that are cut from them.

Left out: every set of the table that the weights are measured on (``ultrasound3``, ``brain4``, ``cxr3``,
``skin7``, ``histology5``, ``wbc5``), ``pneumoniamnist``, and all whose licence forbids commercial use.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.window import Window

VIEW = 176
SHARES = {
    "caltech39": 0.15,
    "caltech20": 0.15,
    "scene15": 0.12,
    "blood_bccd": 0.10,
    "modality6": 0.12,
    "cxr_regions": 0.11,
    "ct_dicom": 0.09,
    "nifti": 0.08,
    "volume_mrhead": 0.08,
}
"""Which part of the views is cut from each set."""
LABELLED = ("caltech39", "caltech20", "scene15", "modality6")
"""The sets whose classes are learnt as well."""
WINDOWS = {"ct_dicom": ("auto", "lung", "bone", "brain", "mediastinum")}
VOLUMES = ("nifti", "volume_mrhead")
_LONGEST = 640

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Original:
    """A picture to cut views from: uint8 (rows, cols) or (rows, cols, 3), and its class, −1 for none."""

    pixels: Bytes
    set: str
    label: int


def originals(data: Path) -> list[Original]:
    """Read all pictures to train on."""
    with (data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] in SHARES and "NC" not in row["licence"]]
    labels = sorted({(row["set"], row["cls"]) for row in rows if row["set"] in LABELLED})
    numbers = {label: i for i, label in enumerate(labels)}
    found = []
    for row in sorted(rows, key=lambda row: row["file"]):
        label = numbers.get((row["set"], row["cls"]), -1)
        found += [Original(pixels, row["set"], label) for pixels in _frames(data, row["file"], row["set"])]
    return found + [Original(pixels, name, -1) for name in VOLUMES for pixels in _resliced(found, name)]


def _frames(data: Path, name: str, set: str) -> Iterator[Bytes]:
    for window in WINDOWS.get(set, ("auto",)):
        try:
            for picture in read_pictures(data / name, name, window=Window.parse(window), salt=b""):
                yield _bytes(picture.fit_within(_LONGEST)[0].pixels)
        except PictureError:
            return


def _resliced(found: list[Original], name: str) -> Iterator[Bytes]:
    """Cut volumes across their slices: every run of slices of one shape is one volume."""
    stack: list[Bytes] = []
    for original in [*(it for it in found if it.set == name), None]:
        if stack and (original is None or original.pixels.shape != stack[0].shape):
            volume = np.stack(stack)
            if len(stack) >= 20 and volume.ndim == 3:
                for axis in (1, 2):
                    yield from (np.take(volume, i, axis) for i in range(8, volume.shape[axis] - 8, 3))
            stack = []
        if original is not None:
            stack.append(original.pixels)


def _bytes(pixels: NDArray[np.float32]) -> Bytes:
    levels: Bytes = (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)
    return levels


def view(pool: dict[str, list[Original]], seed: int, number: int) -> tuple[Bytes, int]:
    """Return view ``number``, uint8 (VIEW, VIEW, 3), and its class; −1 for none, and where two are mixed."""
    random = np.random.default_rng((seed, number))
    first, label = _one(pool, random)
    chance = random.random()
    if chance > 0.22:
        return first, label
    second, _ = _one(pool, random)
    if chance < 0.12:  # blended: Beyer et al. 2022, a student follows its teacher between pictures as well
        return cv2.addWeighted(first, w := random.uniform(0.3, 0.7), second, 1 - w, 0), -1
    row, col = random.integers(VIEW // 4, 3 * VIEW // 4, 2)
    mixed = first.copy()
    mixed[row:, col:] = second[row:, col:]
    return mixed, -1


def set_of(seed: int, number: int) -> int:
    """Return the position in ``SHARES`` of the set that view ``number`` is cut from, or its first part."""
    return _draw_set(np.random.default_rng((seed, number)))


def _draw_set(random: np.random.Generator) -> int:
    shares = np.array(list(SHARES.values()))
    return int(random.choice(len(shares), p=shares / shares.sum()))


def _one(pool: dict[str, list[Original]], random: np.random.Generator) -> tuple[Bytes, int]:
    among = pool[list(SHARES)[_draw_set(random)]]
    original = among[random.integers(len(among))]
    return toned(cut(original.pixels, random), random), original.label


def cut(pixels: Bytes, random: np.random.Generator) -> Bytes:
    """Return a random part, turned and flipped at random, uint8 (VIEW, VIEW, 3)."""
    rows, cols = pixels.shape[:2]
    if random.random() < 0.8:
        area, aspect = random.uniform(0.25, 1) * rows * cols, np.exp(random.uniform(-0.29, 0.29))
        height, width = min(rows, int((area * aspect) ** 0.5)), min(cols, int((area / aspect) ** 0.5))
        top, left = random.integers(rows - height + 1), random.integers(cols - width + 1)
        pixels = pixels[top : top + height, left : left + width]
    shrinks = max(pixels.shape[:2]) > VIEW
    square = cv2.resize(pixels, (VIEW, VIEW), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if random.random() < 0.3:
        turn = cv2.getRotationMatrix2D((VIEW / 2, VIEW / 2), random.uniform(-25, 25), random.uniform(1, 1.2))
        square = cv2.warpAffine(square, turn, (VIEW, VIEW), borderMode=cv2.BORDER_REFLECT)
    if random.random() < 0.2:
        square = np.rot90(square, random.integers(1, 4))
    if random.random() < 0.5:
        square = square[:, ::-1]
    if square.ndim == 2:
        square = np.repeat(square[:, :, None], 3, axis=2)
    return np.ascontiguousarray(square)


def toned(square: Bytes, random: np.random.Generator) -> Bytes:
    """Change grey levels and colours at random."""
    x = square.astype(np.float32) / 255
    if random.random() < 0.2:
        x[:] = cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)[:, :, None]
    if random.random() < 0.6:
        x = x ** np.exp(random.uniform(-0.5, 0.5)) * random.uniform(0.7, 1.2) + random.uniform(-0.1, 0.1)
    if random.random() < 0.3:
        x = x * random.uniform(0.75, 1.25, 3).astype(np.float32)
    if random.random() < 0.2:
        grey = x.mean(axis=2, keepdims=True)
        x = grey + (x - grey) * random.uniform(0, 2)
    if random.random() < 0.05:
        x = 1 - x
    if random.random() < 0.1:
        x = cv2.GaussianBlur(x, (0, 0), random.uniform(0.5, 2))
    if random.random() < 0.1:
        x = x + random.normal(0, random.uniform(0.01, 0.08), x.shape[:2])[:, :, None]
    return _bytes(np.asarray(x, dtype=np.float32))


def pooled(found: list[Original]) -> dict[str, list[Original]]:
    """Return the originals by set."""
    by_set: dict[str, list[Original]] = {name: [] for name in SHARES}
    for original in found:
        by_set[original.set].append(original)
    return by_set
