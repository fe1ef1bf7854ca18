"""The network that sees overlaid text.

It is fully convolutional: two layers of strided convolutions, then blocks of a convolution by channel and
a mixing of channels (Howard et al. 2017, MobileNets). One map of scores, at every eighth pixel, is for small
letters, another, at every sixteenth, for large ones. The image's score is the highest of both. Its weights
are trained on text drawn by a program (``benchmarks/bundled/overlaid_text.py``).
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from ...picture import Picture
from .convolution import Maps, block, strided

_SMALLEST = 32
"""Pixels: a smaller image has no room for a name, a date or a number that could be read."""
LONGEST = 1024
"""Pixels: larger images are shrunk to this."""
_MULTIPLE = 16


def sees_text(picture: Picture) -> bool:
    """Tell whether the network sees overlaid text in an image; in a tiny one nobody could read any."""
    return max(picture.shape) >= _SMALLEST and text_score(picture) > float(weights()["threshold"])


def text_score(picture: Picture) -> float:
    """Return how sure the network is that there is text somewhere in an image: a logit."""
    small, large = score_maps(picture.fit_within(LONGEST)[0].pixels)
    return float(max(small.max(), large.max()))


@lru_cache(maxsize=1)
def weights() -> dict[str, NDArray[np.float32]]:
    """Return the arrays of the bundled file: 16 bits there, 32 in memory."""
    with (files(__package__) / "weights.npz").open("rb") as file, np.load(file) as found:
        return {name: found[name].astype(np.float32, order="C") for name in found.files}


def score_maps(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the logits of small text at every eighth pixel and of large text at every sixteenth.

    Parameters
    ----------
    pixels : float32 (rows, cols) or (rows, cols, 3), in [0, 1].
    """
    w = weights()
    first = w["first"]
    if pixels.ndim == 2:  # three equal channels count as one
        first = first.sum(axis=1, keepdims=True)
    maps = strided(_channels(pixels), first, np.zeros(len(first), np.float32), True)
    maps = strided(maps, w["second"], w["second_bias"], False)
    small = _block(_block(_block(maps, "small0", 2, 1), "small1", 1, 1), "small2", 1, 2)
    large = _block(_block(_block(small, "large0", 2, 1), "large1", 1, 1), "large2", 1, 2)
    return _scores(small, "small"), _scores(large, "large")


def _channels(pixels: NDArray[np.float32]) -> Maps:
    """Return (channels, rows, cols), mirrored at the edges up to a multiple of what it is divided by."""
    rows, cols = pixels.shape[:2]
    below, right = -rows % _MULTIPLE, -cols % _MULTIPLE
    padded = (
        cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REFLECT_101) if below or right else pixels
    )
    return np.stack(cv2.split(padded))


def _block(maps: Maps, name: str, stride: int, apart: int) -> Maps:
    w = weights()
    return block(maps, w[f"{name}_depth"], w[f"{name}_mix"], w[f"{name}_bias"], stride, apart)


def _scores(maps: Maps, name: str) -> NDArray[np.float32]:
    w = weights()
    scores: NDArray[np.float32] = np.tensordot(w[f"{name}_out"], maps, 1) + w[f"{name}_out_bias"]
    return scores
