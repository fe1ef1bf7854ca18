"""The sample: the fixed images of a collection whose scores say what an ordinary score is.

Each image has a place in one drawing for all, the keyed hash of its name. So the sample is the same whatever
the order of indexing, a new image changes one of it at most, and shards of one key draw the same images as
one index of them all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...readers.pseudonym import hashed
from .database import Catalogue

SIZE = 1000
"""Images of the sample: the mean and the standard deviation of their scores are known to 3 %."""

DRAWN = 4
"""The first format that keeps the place of each image in the drawing."""


def draw_of(salt: bytes, name: str) -> int:
    """Return the place of an image in the drawing, 63 bits."""
    # One bit less than the hash: SQLite's integers are signed.
    return int(hashed(salt, "sample", name), 16) >> 1


def sampled(catalogue: Catalogue, size: int = SIZE) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers and the places of the images that are drawn first, int64 (n,) each, by place.

    All of them if the index holds no more. An index of an earlier format draws them when asked: with its key
    if that is at hand, else with none, so that its answers stay the same.
    """
    if catalogue.format >= DRAWN:
        rows = catalogue.rows("SELECT id, draw FROM picture ORDER BY draw, name LIMIT ?", size)
    else:
        salt = bytes(catalogue.key) if catalogue.key.is_known else b""
        named = catalogue.rows("SELECT id, name FROM picture ORDER BY name")
        rows = sorted(((id, draw_of(salt, name)) for id, name in named), key=lambda row: row[1])[:size]
    found = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
