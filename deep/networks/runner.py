"""What runs a network: the contract that torch's and numpy's keep."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Squares = NDArray[np.uint8]
Values = NDArray[np.float32]


class Runner(Protocol):
    """Turn squares of bytes, uint8 (n, 3, side, side), into embeddings of unit length.

    Weights, float32 (n, side, side) in [0, 1], say how much of each place counts. Parts and maps are those of
    the project's own network alone.
    """

    @property
    def dimension(self) -> int:
        """The length of the embeddings of whole images."""
        ...

    def embed(self, squares: Squares, weights: Values | None = None) -> Values:
        """Return embeddings (n, dimension)."""
        ...

    def embed_part(self, squares: Squares, weights: Values, around: Values | None = None) -> Values:
        """Return embeddings (n, part dimension), as those of windows, of what ``weights`` mark.

        With ``around``, other weights, of how it differs from what these mark.
        """
        ...

    def no_parts(self) -> Values:
        """Return the embeddings of no windows, (0, part dimension)."""
        ...

    def embed_parts(
        self, squares: Squares, windows: Values, around: Values | None = None
    ) -> tuple[Values, Values]:
        """Return embeddings (n, dimension), and (n, k, part dimension) of windows (k, 4) of each square.

        With ``around``, windows around each of these, of how a window differs from the rest of that one.
        """
        ...

    def maps(self, squares: Squares, level: int) -> Values:
        """Return a level's feature maps, (n, rows, cols, channels)."""
        ...
