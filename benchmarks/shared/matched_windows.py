"""Windows that a mark can be compared with: of its size, as far from the edge, with surroundings as bright.

Were the mark nothing but a place of the body, a ranking could not tell it from these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Row, column, height and width, in pixels."""

BODY = 30 / 255
"""Grey value, smoothed, above which a pixel is of the body."""
STEP = 2
APART = (0.5, 0.25, 0.1)
"""Shares of a side that chosen windows are apart: the next one if there are too few."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What windows of one size are matched by, at the pixel of their middle; all float32 (rows, cols).

    Parameters
    ----------
    depth : distance to the edge of the body in pixels, 0 outside it.
    ring : mean grey of a box of twice the side, without the window.
    share : how much of that box is of the body.
    """

    depth: NDArray[np.float32]
    ring: NDArray[np.float32]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, grey: NDArray[np.float32], side: float) -> Surroundings:
        """Measure an image (rows, cols), grey in [0, 1]."""
        body = _largest(cv2.GaussianBlur(grey, (0, 0), 4) > BODY)
        # The picture's own border is no edge of the body.
        padded = np.pad(body.astype(np.uint8), 1, mode="edge")
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
        inner, outer = max(round(side), 4) | 1, 2 * max(round(side), 4) + 1
        small, large = (
            cv2.boxFilter(grey, -1, (n, n), borderType=cv2.BORDER_REFLECT) for n in (inner, outer)
        )
        ring = (large * outer**2 - small * inner**2) / (outer**2 - inner**2)
        filled = body.astype(np.float32)
        share = cv2.boxFilter(filled, -1, (outer, outer), borderType=cv2.BORDER_CONSTANT)
        return cls(np.asarray(depth, np.float32), np.asarray(ring, np.float32), np.asarray(share, np.float32))

    def unlike(self, at: tuple[int, int], side: float) -> NDArray[np.float32]:
        """Return how unlike each pixel's surroundings are to those at one pixel: up to 1 is alike."""
        depth = np.abs(self.depth - self.depth[at]) / max(side / 4, 10)
        ring, share = (
            np.abs(self.ring - self.ring[at]) / (12 / 255),
            np.abs(self.share - self.share[at]) / 0.06,
        )
        return np.asarray(np.maximum(np.maximum(depth, ring), share), np.float32)


def matched(
    grey: NDArray[np.float32], mark: Box, taken: Sequence[Box], n: int, random: np.random.Generator
) -> list[Box]:
    """Return up to n windows of a mark's size and like surroundings, clear of boxes that are ``taken``."""
    side = max(mark[2:])
    rows, cols = grey.shape
    middle = mark[0] + mark[2] / 2, mark[1] + mark[3] / 2
    around = Surroundings.of(grey, side)
    at = min(int(middle[0]), rows - 1), min(int(middle[1]), cols - 1)
    places = np.argwhere(around.depth[::STEP, ::STEP] > 0) * STEP  # (k, 2), of the body
    margins = np.minimum(places, np.array(grey.shape) - 1 - places).min(axis=1)
    own = min(*middle, rows - 1 - middle[0], cols - 1 - middle[1])
    # A window near the picture's border would be told by the border.
    allowed = margins >= min(own, side) - STEP
    for row, col, height, width in taken:
        reach = 0.4 * (side + max(height, width))
        allowed &= np.abs(places - (row + height / 2, col + width / 2)).max(axis=1) >= reach
    places = places[allowed]
    cost = around.unlike(at, side)[places[:, 0], places[:, 1]]
    # All that are alike come in a random order, then the least unlike.
    order = np.argsort(np.maximum(cost, 1) + 0.5 * random.random(len(cost)), kind="stable")
    chosen = list(_apart(places[order], side, n))
    return [(row - mark[2] / 2, col - mark[3] / 2, mark[2], mark[3]) for row, col in chosen]


def _apart(places: NDArray[np.int64], side: float, n: int) -> Iterator[tuple[int, int]]:
    """Yield the first n places (k, 2) that keep their distance from each other."""
    chosen: list[tuple[int, int]] = []
    for gap in APART:
        for row, col in places.tolist():
            if len(chosen) == n:
                return
            if all(max(abs(row - r), abs(col - c)) >= gap * side for r, c in chosen):
                chosen.append((row, col))
                yield row, col


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected part of a mask, which holds no label of the film."""
    _, parts, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if len(statistics) == 1:
        return mask
    return np.asarray(parts == 1 + statistics[1:, cv2.CC_STAT_AREA].argmax())
