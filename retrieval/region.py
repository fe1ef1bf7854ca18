"""The region: a part of a picture, as box, polygon or mask, in pixels (row, col)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import SettingError

_DRAWN = 1e6
"""Corners are drawn up to here: OpenCV counts 256 steps a pixel in 32 bits, and further ones come back on the
other side."""

_MOST_HOLES = 100
"""Holes of a mask that are kept, the longest outlines first: a speckled mask would take for ever."""


@dataclass(frozen=True, eq=False)
class Region:
    """Mark a part of a picture.

    Parameters
    ----------
    polygons : each float64 (n ≥ 3, 2), corners as (row, col); the region is their union.
    """

    polygons: tuple[NDArray[np.float64], ...]

    @classmethod
    def box(cls, row: float, col: float, height: float, width: float) -> Region:
        """Make a box from its upper left corner and its extent, in pixels."""
        if height <= 0 or width <= 0:
            raise SettingError(f"region: width and height must be positive, not {width:g} × {height:g}")
        bottom, right = row + height, col + width
        return cls((np.array([(row, col), (row, right), (bottom, right), (bottom, col)], dtype=np.float64),))

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Region:
        """Make the region that covers a whole picture of ``shape`` (rows, cols)."""
        return cls.box(0, 0, shape[0], shape[1])

    @classmethod
    def from_mask(cls, mask: NDArray[np.bool_]) -> Region:
        """Make the region of the pixels that a mask (rows, cols) holds, without its 100 largest holes.

        Raises
        ------
        SettingError : the mask holds none.
        """
        # At twice the size the outline runs outside the pixels' centres.
        double = np.repeat(np.repeat(mask.astype(np.uint8), 2, axis=0), 2, axis=1)
        outlines, tree = cv2.findContours(double, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        if not outlines:
            raise SettingError("region: the mask holds no pixel; give one that marks something")
        found = [(outline[:, 0, ::-1] + 0.5) / 2.0 for outline in outlines]
        # The fourth number of an outline tells what it is a hole of; -1 for none.
        parents = tree[0][:, 3].tolist()
        polygons = {number: found[number] for number, parent in enumerate(parents) if parent < 0}
        holes = sorted((n for n, parent in enumerate(parents) if parent >= 0), key=lambda n: -len(found[n]))
        for number in holes[:_MOST_HOLES]:
            polygons[parents[number]] = _cut_out(polygons[parents[number]], found[number])
        return cls(tuple(polygons.values()))

    def grown(self, margin: float, shape: tuple[int, int], unit: tuple[float, float] = (1.0, 1.0)) -> Region:
        """Return the region and all within ``margin`` of it, in a picture of ``shape`` (rows, cols).

        ``unit`` is how much of the margin's unit a pixel is, (row, col).
        """
        inside = self.mask(shape)
        if not inside.any():
            return self
        if unit[0] == unit[1]:
            away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            return Region.from_mask(inside | (away <= margin / unit[0]))
        # OpenCV knows square pixels only, and SciPy takes longer to import than the other way takes.
        from scipy.ndimage import distance_transform_edt

        return Region.from_mask(inside | (distance_transform_edt(~inside, sampling=unit) <= margin))

    def scaled(self, factor: float) -> Region:
        """Return the region in a picture whose size is ``factor`` times this one's."""
        return Region(tuple(p * factor for p in self.polygons))

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return bool (rows, cols): the pixels whose centre is within the region."""
        canvas = np.zeros(shape, dtype=np.uint8)
        for polygon in self.polygons:
            if np.abs(polygon).max() > _DRAWN:
                canvas |= _centres_inside(polygon, shape)
                continue
            # Pixel r covers [r, r+1): its middle is at r + 0.5, so corners move by half a pixel.
            corners = np.round((polygon[:, ::-1] - 0.5) * 256).astype(np.int32)
            layer = np.zeros(shape, dtype=np.uint8)
            cv2.fillPoly(layer, [corners], 1, lineType=cv2.LINE_8, shift=8)
            # fillPoly paints every pixel that the outline touches: along it, ask for the pixel's centre.
            outline = cv2.polylines(np.zeros_like(layer), [corners], True, 1, thickness=3, shift=8)
            if polygon[:, 1].min() < 0 or polygon[:, 1].max() > shape[1]:
                outline[:, [0, -1]] = 1  # edges that leave the picture are drawn along its sides
            rows, cols = np.nonzero(outline)
            layer[rows, cols] = _inside(polygon, rows + 0.5, cols + 0.5)
            canvas |= layer
        return canvas.astype(bool)

    def contains(self, rows: NDArray[np.floating], cols: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Tell for each point (pixel coordinates, centre of the first pixel at 0) whether it is inside.

        Even-odd rule on each polygon; a point on an edge may fall either way.
        """
        inside = np.zeros(len(rows), dtype=bool)
        for polygon in self.polygons:
            inside |= _inside(polygon, np.asarray(rows) + 0.5, np.asarray(cols) + 0.5)
        return inside

    def bounds(self) -> tuple[float, float, float, float]:
        """Return (row, col, height, width) of the smallest box around the region, in pixels."""
        corners = np.concatenate(self.polygons)
        (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
        return float(top), float(left), float(bottom - top), float(right - left)


def _cut_out(polygon: NDArray[np.float64], hole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a polygon without a hole, as one outline: in by a slit, around the hole, and back by it."""
    # From the hole's topmost corner to the nearest corner: a slit has no area, wherever it is.
    start = int(hole[:, 0].argmin())
    nearest = int(np.square(polygon - hole[start]).sum(axis=1).argmin())
    around = np.roll(hole, -start, axis=0)
    return np.concatenate([polygon[: nearest + 1], around, around[:1], polygon[nearest:]])


def _centres_inside(polygon: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return which pixels have their centre within a polygon, uint8 (rows, cols), row by row."""
    cols = np.arange(shape[1]) + 0.5
    rows = [_inside(polygon, np.full(shape[1], row + 0.5), cols) for row in range(shape[0])]
    return np.array(rows, dtype=np.uint8).reshape(shape)


def _inside(
    polygon: NDArray[np.float64], rows: NDArray[np.floating], cols: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Cast a ray towards larger columns from each point and count the edges that it crosses."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    # An edge counts if its ends are on both sides of the point's row; an odd number of crossings is inside.
    above = (start[None, :, 0] <= rows[:, None]) != (end[None, :, 0] <= rows[:, None])
    rise = np.where(end[:, 0] == start[:, 0], 1.0, end[:, 0] - start[:, 0])
    crossing = start[:, 1] + (rows[:, None] - start[:, 0]) / rise * (end[:, 1] - start[:, 1])
    return np.asarray(((above & (cols[:, None] < crossing)).sum(axis=1) % 2).astype(bool))
