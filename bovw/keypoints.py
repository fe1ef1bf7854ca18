"""One frame type for the interest points of every detector."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Hold n interest points of one image, in parallel columns.

    Parameters
    ----------
    rows, cols : float32 (n,), position in pixels; the centre of the first pixel is (0, 0).
    scales : float32 (n,), σ of the frame in pixels, positive. SIFT's ``size`` (a diameter) is 2 σ; a
        descriptor's 16 spatial bins are 3 σ wide each, as in Lowe's SIFT.
    orientations : float32 (n,), radians in [0, 2π), measured from the direction of rising columns towards
        rising rows (clockwise on the screen); 0 everywhere for upright frames.
    strengths : float32 (n,), larger is more salient; comparable within one detector only.
    """

    rows: NDArray[np.float32]
    cols: NDArray[np.float32]
    scales: NDArray[np.float32]
    orientations: NDArray[np.float32]
    strengths: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        rows: ArrayLike,
        cols: ArrayLike,
        scales: ArrayLike,
        orientations: ArrayLike = 0.0,
        strengths: ArrayLike = 1.0,
    ) -> Self:
        """Make keypoints from anything array-like; single values are repeated for every point."""
        # Copies, since broadcast columns share their memory.
        columns = np.broadcast_arrays(*np.atleast_1d(rows, cols, scales, orientations, strengths))
        return cls(*(np.ascontiguousarray(c, dtype=np.float32) for c in columns))

    @classmethod
    def empty(cls) -> Self:
        """Make zero keypoints."""
        return cls(*(np.empty(0, dtype=np.float32) for _ in fields(cls)))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice | NDArray[np.bool_] | NDArray[np.integer]) -> Self:
        """Return the chosen points, by slice, mask or index array."""
        return type(self)(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def joined(self, others: Self) -> Self:
        """Return these points and then the others."""
        pairs = ((getattr(self, f.name), getattr(others, f.name)) for f in fields(self))
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    def rescaled(self, factor: float) -> Self:
        """Return the points in an image whose size is ``factor`` times this one's."""
        # Pixels are squares: the corner of the first one, half a pixel before its centre, stays in place.
        return type(self)(
            (self.rows + np.float32(0.5)) * np.float32(factor) - np.float32(0.5),
            (self.cols + np.float32(0.5)) * np.float32(factor) - np.float32(0.5),
            self.scales * np.float32(factor),
            self.orientations,
            self.strengths,
        )

    def strongest(self, n: int) -> Self:
        """Return the n strongest points, strongest first, equal strengths in their present order."""
        return self[np.argsort(-self.strengths, kind="stable")[:n]]
