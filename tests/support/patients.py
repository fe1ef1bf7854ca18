"""Indexes of images of patients, odd and even, some of which are copies of others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from retrieval.baselines import Thumbnail
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

Image = tuple[str, np.ndarray, str, str]
"""File, pixels, label, patient."""


def blots(seed: int, brightness: float = 0) -> np.ndarray:
    """Return coarse blots, of one kind for even and of another for odd numbers, under fine noise."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices((64, 64))
    coarse = np.sin((rows if seed % 2 else cols) * 0.1 + rng.uniform(0, 1))
    noise = cv2.GaussianBlur(rng.normal(size=(64, 64)), (0, 0), 0.8)
    return np.clip(128 + brightness + 45 * coarse + 60 * noise, 0, 255).astype(np.uint8)


def parity(i: int) -> str:
    """Return the label of an image."""
    return "odd" if i % 2 else "even"


def index_patients(place: Path, n: int, more: Iterable[Image]) -> Path:
    """Index the thumbnails of n images of n patients, and of more images; return the index."""
    (place / "scans").mkdir(parents=True)
    lines = ["path,label,patient"]
    own = [(f"{i:02}.png", blots(i), parity(i), f"p{i:02}") for i in range(n)]
    for name, image, label, patient in [*own, *more]:
        assert cv2.imwrite(str(place / "scans" / name), image)
        lines.append(f"{name},{label},{patient}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place / "i") as writer:
        writer.add_representation(Thumbnail(12))
        writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    return place / "i"
