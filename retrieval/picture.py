"""The picture: one 2-D image, ready to be described."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import PictureError

Pixels = NDArray[np.float32]
Value = str | float | int
"""A piece of metadata: text or a number."""

# "007" is a name, not a number, and so are "nan" and "1_000".
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
_LONGEST = 300
"""Characters of a number: Python reads no longer ones exactly, and a float would be infinite."""


def as_number(value: Value | None) -> int | float | None:
    """Return a value as a number if it is one, or is a text that reads as one; else None.

    Whole numbers stay exact, however large: two identifiers of 17 digits may be one float.
    """
    if not isinstance(value, str):
        return value
    match = _NUMBER.fullmatch(value)
    if match is None or len(value) > _LONGEST:
        return None
    return float(value) if match[2] or match[3] else int(value)


@dataclass(frozen=True, eq=False)
class Picture:
    """Hold the pixels of one 2-D image and what is known of it.

    Parameters
    ----------
    pixels : float32, (rows, cols) grey or (rows, cols, 3) RGB, in [0, 1] after windowing, C-contiguous.
    id : the path relative to its folder, ``/`` between parts, with ``#frame`` if a file holds several.
    spacing : (row, col) distance of neighbouring pixels in millimetres, None if it is not known.
    groups : what the picture belongs to: any of ``series``, ``study``, ``patient``, as salted hashes or
        as the user says.
    metadata : the tags that the allow-list lets through, and the columns of a label table.
    indexed_as : of a query that was read from a file of an index, its name there; None of any other.

    Raises
    ------
    PictureError : pixels of another shape or type, without any extent, or with NaN or infinity in them.
    """

    pixels: Pixels
    id: str = ""
    spacing: tuple[float, float] | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Value] = field(default_factory=dict)
    indexed_as: str | None = None

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.float32 or not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)):
            raise PictureError(
                f"{self.id or 'image'}: pixels must be float32 (rows, cols) or (rows, cols, 3), "
                f"not {self.pixels.dtype} {shape}"
            )
        if 0 in shape:
            raise PictureError(f"{self.id or 'image'}: an image of shape {shape} has no pixels")
        # One NaN or infinity makes the sum of all no number; finite values of float32 cannot.
        if not np.isfinite(self.pixels.sum(dtype=np.float64)):
            raise PictureError(f"{self.id or 'image'}: some pixels are NaN or infinite")

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, cols) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def is_colour(self) -> bool:
        """Tell whether the picture has three channels."""
        return self.pixels.ndim == 3

    @property
    def grey(self) -> Pixels:
        """Return the luma (ITU-R BT.601), float32 (rows, cols) in [0, 1]; a grey picture as it is."""
        if not self.is_colour:
            return self.pixels
        return np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY), dtype=np.float32)

    @property
    def rgb(self) -> Pixels:
        """Return float32 (rows, cols, 3) in [0, 1]; a grey picture with three equal channels."""
        return self.pixels if self.is_colour else np.repeat(self.pixels[:, :, None], 3, axis=2)

    def fit_within(self, longest: int) -> tuple[Picture, float]:
        """Shrink the picture until its longest side is at most ``longest`` pixels; never enlarge it.

        Returns
        -------
        picture, factor : the smaller picture (this very one if it fits), and its size over this one's size,
            in (0, 1]. A position p of the original is at (p + 0.5) · factor − 0.5 of the smaller one.
        """
        factor = longest / max(self.shape)
        if factor >= 1:
            return self, 1.0
        # Area interpolation: each new pixel is the mean of those it covers, so that nothing aliases.
        rows, cols = (max(1, round(n * factor)) for n in self.shape)
        smaller = cv2.resize(self.pixels, (cols, rows), interpolation=cv2.INTER_AREA)
        spacing = None
        if self.spacing is not None:
            spacing = (self.spacing[0] / factor, self.spacing[1] / factor)
        pixels = np.ascontiguousarray(smaller, dtype=np.float32)
        return replace(self, pixels=pixels, spacing=spacing), factor

    def with_metadata(self, **values: Any) -> Picture:
        """Return the same picture with more metadata."""
        return replace(self, metadata={**self.metadata, **values})
