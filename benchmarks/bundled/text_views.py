"""Views to train the detector of overlaid text on: parts of images, with text drawn on them or without.

Left out: every set that it is measured on, all whose licence forbids commercial use or is the GPL, and what
shows text by itself, by class and by name as it was seen by eye.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.lettering import FONTS, Bytes
from benchmarks.shared.marks import distract
from benchmarks.shared.overlays import Overlay, as_bytes, jpeg, overlay
from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.window import Window

SIDE = 128
MOST = {
    "caltech39": 330,
    "scene15": 200,
    "blood_bccd": 120,
    "ct_dicom": 60,
    "volume_mrhead": 60,
    "modality6": 200,
    "nifti": 4,
}
"""How many images of each set."""
PACKAGE = (
    "brick",
    "camera",
    "cell",
    "chelsea",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "ihc",
    "moon",
    "phantom",
)
"""Images that come inside scikit-image; public domain or CC0."""
SLIDE = "wsi/aperio_small.svs"
"""H&E, CMU-1 of the test data of OpenSlide (CC0)."""
WITH_TEXT = {
    *("stop_sign", "dollar_bill", "laptop", "ferry", "revolver", "metronome", "cup"),
    *("Store", "InsideCity", "Street", "Highway", "Industrial"),
    *("brontosaurus/image_0024", "brontosaurus/image_0016", "cougar_body/image_0013", "crayfish/image_0020"),
    *("dalmatian/image_0047", "dalmatian/image_0046", "sea_horse/image_0021", "lotus/image_0050"),
    *("lobster/image_0035", "llama/image_0018", "okapi/image_0006"),
}
"""Classes and images that show text."""
HEADS = ((8, 10, 26), (16, 20, 60))
"""Of each map of scores: the pixels between its places, and the sizes of letters that it is for."""


class View(NamedTuple):
    """A view: uint8 (3, SIDE, SIDE), and for each map 1 where text is, 0 where none is, −1 near it."""

    pixels: Bytes
    small: NDArray[np.int8]
    large: NDArray[np.int8]


def pool(data: Path, seed: int = 0) -> list[Bytes]:
    """Read the images to cut views from."""
    with (data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] in MOST and "NC" not in row["licence"]]
    found: list[Bytes] = []
    for name, most in MOST.items():
        files = sorted(row["file"] for row in rows if row["set"] == name and not _shows_text(row["file"]))
        order = np.random.default_rng((seed, len(files))).permutation(len(files))[:most]
        windows = ("auto", "lung", "bone") if name == "ct_dicom" else ("auto",)
        found += [a for i in order for window in windows for a in _frames(data, files[i], window)]
    return [*found, *_package(), *_tiles(data)]


def _shows_text(file: str) -> bool:
    path = Path(file)
    return path.parent.name in WITH_TEXT or f"{path.parent.name}/{path.stem}" in WITH_TEXT


def _frames(data: Path, file: str, window: str) -> Iterator[Bytes]:
    try:
        for number, picture in enumerate(
            read_pictures(data / file, file, window=Window.parse(window), salt=b"")
        ):
            if "nifti" not in file or number % 6 == 0:
                yield as_bytes(picture.fit_within(1024)[0].pixels)
    except PictureError:
        return


def _package() -> Iterator[Bytes]:
    spec = find_spec("skimage")
    assert spec is not None and spec.origin is not None
    for name in PACKAGE:
        read = cv2.imread(str(Path(spec.origin).parent / "data" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        yield from [read if read.ndim == 2 else read[..., 2::-1].copy()] * 4


def _tiles(data: Path) -> Iterator[Bytes]:
    """Cut the slide into tiles of tissue that overlap by half."""
    whole = as_bytes(next(iter(read_pictures(data / SLIDE, SLIDE))).pixels)
    for top in range(0, whole.shape[0] - 600, 300):
        for left in range(0, whole.shape[1] - 600, 300):
            tile = whole[top : top + 600, left : left + 600].copy()
            if tile.std() > 12:  # tissue
                yield tile


def view(images: Sequence[Bytes], random: np.random.Generator) -> View:
    """Return a random view; in about half of them there is text."""
    pixels, chance = _ground(images, random), random.random()
    if chance < 0.35:
        pixels = distract(pixels, random)
    drawn = overlay(pixels, random, FONTS, (11, 44), True, 45) if random.random() < 0.55 else None
    if drawn is not None:
        pixels = drawn.pixels
    if random.random() < 0.35:
        pixels = jpeg(pixels, random)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if chance > 0.95:
        pixels = cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.3, 0.7))
    return View(pixels.transpose(2, 0, 1), *(_target(drawn, *head) for head in HEADS))


def _target(drawn: Overlay | None, stride: int, smallest: int, largest: int) -> NDArray[np.int8]:
    """Return where a map of scores is to see the text that was drawn."""
    n = SIDE // stride
    at = (np.arange(n) + 0.5) * stride - 0.5
    target = np.zeros((n, n), np.int8)
    if drawn is None:
        return target
    near = drawn.size * 0.7 + stride * 0.5
    for x, y, width, height in drawn.boxes:
        rows, cols = (at >= y - near) & (at < y + height + near), (at >= x - near) & (at < x + width + near)
        target[rows[:, None] & cols] = -1
    if not smallest <= drawn.size <= largest:
        return target
    for x, y, width, height in drawn.boxes:
        rows = (at >= y) & (at < y + height)
        if not rows.any():  # a line between two places
            rows = np.abs(at - (y + height / 2)) < stride * 0.6
        if width >= 1.2 * drawn.size:
            target[rows[:, None] & (at >= x + 2) & (at < x + width - 2)] = 1
    return target


def _ground(images: Sequence[Bytes], random: np.random.Generator) -> Bytes:
    """Return a part of an image, or a texture, uint8 (SIDE, SIDE) or (SIDE, SIDE, 3), as seen otherwise."""
    part = _texture(random) if random.random() < 0.15 else _part(images, random)
    if random.random() < 0.5:
        part = part[:, ::-1]
    if random.random() < 0.3:
        part = part[::-1]
    if random.random() < 0.3:
        part = part.swapaxes(0, 1)
    if random.random() < 0.5:
        levels = (np.arange(256) / 255) ** np.exp(random.uniform(-0.7, 0.7)) * 255
        part = np.clip(levels * random.uniform(0.5, 1.5) + random.uniform(-50, 50), 0, 255).astype(np.uint8)[
            part
        ]
    if random.random() < 0.15:
        part = 255 - part
    if part.ndim == 2 and random.random() < 0.25:
        part = np.repeat(part[..., None], 3, axis=2)
    elif part.ndim == 3 and random.random() < 0.3:
        part = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY)
    if random.random() < 0.1:
        part = np.clip(part + random.normal(0, random.uniform(3, 30), part.shape), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(part)


def _part(images: Sequence[Bytes], random: np.random.Generator) -> Bytes:
    whole = images[random.integers(len(images))]
    rows, cols = whole.shape[:2]
    zoom = np.exp(random.uniform(np.log(0.25), np.log(2.5))) if random.random() < 0.7 else 1.0
    zoom = max(zoom, SIDE / min(rows, cols))
    side = min(int(np.ceil(SIDE / zoom)), rows, cols)
    top, left = int(random.integers(0, rows - side + 1)), int(random.integers(0, cols - side + 1))
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    part: Bytes = cv2.resize(whole[top : top + side, left : left + side], (SIDE, SIDE), interpolation=how)
    return part


def _texture(random: np.random.Generator) -> Bytes:
    """Return one grey level, noise, noise in blocks, clouds or stripes."""
    kind, shape = random.integers(6), (SIDE, SIDE)
    values: NDArray[Any]
    if kind == 0:
        values = np.full(shape, random.integers(0, 256))
    elif kind == 1:
        values = random.normal(random.uniform(30, 220), random.uniform(5, 80), shape)
    elif kind == 2:
        low, high = np.sort(random.integers(0, 256, 2))
        values = random.integers(low, high + 1, shape)
    elif kind == 3:
        block = int(random.integers(1, 9))
        few = random.integers(0, 256, (SIDE // block + 1,) * 2)
        if random.random() < 0.3:
            few = np.where(few > random.integers(30, 226), random.integers(128, 256), random.integers(0, 128))
        values = np.kron(few, np.ones((block, block)))[:SIDE, :SIDE]
    elif kind == 4:
        values = cv2.GaussianBlur(random.normal(0, 1, shape), (0, 0), random.uniform(0.6, 6))
        values = values / values.std() * random.uniform(10, 70) + random.uniform(50, 200)
    else:
        (across, down), (y, x) = random.uniform(0.1, 1.5, 2), np.mgrid[:SIDE, :SIDE]
        waves = np.sin(across * x + down * y)
        waves *= np.sin(random.uniform(0.1, 1) * y) if random.random() < 0.5 else 1
        values = 128 + random.uniform(20, 120) * waves
        if random.random() < 0.4:
            values = np.where(values > 128, random.integers(128, 256), random.integers(0, 128))
    return np.clip(values, 0, 255).astype(np.uint8)
