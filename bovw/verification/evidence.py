"""The evidence: what is kept of each point of an image, so that candidates can be verified."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from ..extraction import Features

# 16 bytes a point: float16 is exact enough for scales and turns, whose tolerances are a factor of 2 and 34°;
# places need float32 in large images. At most 65,536 words.
EVIDENCE = np.dtype(
    [
        ("word", "<u2"),
        ("row", "<f4"),
        ("col", "<f4"),
        ("scale", "<f2"),
        ("orientation", "<f2"),
        ("tone", "<u2"),
    ]
)
"""One row a point: its word, its frame in pixels of the original image, and its word for tone, or 0."""


def evidence_type(n_bits: int) -> np.dtype[np.void]:
    """Return the type of a row: ``EVIDENCE``, and with signatures of 32 or 64 bits also ``signature``."""
    if not n_bits:
        return EVIDENCE
    return np.dtype([*EVIDENCE.descr, ("signature", f"<u{n_bits // 8}")])


def evidence_of(words: NDArray[np.intp], features: Features, n_bits: int) -> NDArray[np.void]:
    """Return a row for each point (n,) with its word and its frame; the rest is 0."""
    evidence = np.zeros(len(words), dtype=evidence_type(n_bits))
    evidence["word"] = words
    keypoints = features.keypoints
    for column in fields(keypoints)[:4]:
        evidence[column.name.removesuffix("s")] = getattr(keypoints, column.name)
    return evidence
