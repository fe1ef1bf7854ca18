"""Explanations: what in a query and in a hit made the one the hit of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..region import Region
from ..representation import Encoding, SparseVector, Vector
from .heat_map import Heat


@dataclass(frozen=True, eq=False)
class Explanation:
    """What made a picture a hit.

    Parameters
    ----------
    heat : float32 (rows, cols) in [0, 1], a coarse map over the hit: how much each place adds to the score.
    pairs : float32 (m, 4): row and col in the query, row and col in the hit, of what matches, the heaviest
        first; (0, 4) if the kind knows no pairs.
    agreeing : bool (m,): which of the pairs agree in space.
    """

    heat: Heat
    pairs: NDArray[np.float32]
    agreeing: NDArray[np.bool_]


@runtime_checkable
class Explainer(Protocol):
    """A representation that says what made a picture a hit."""

    def explain(
        self,
        query: Encoding,
        shape: tuple[int, int],
        region: Region | None,
        hit: Encoding,
        hit_shape: tuple[int, int],
    ) -> Explanation:
        """Explain a hit by the encodings of both, the rows and columns of both, and the query's region."""
        ...


def similarity(query: Vector, other: Vector) -> float:
    """Return the inner product of two vectors; of several views of a query, that of the best."""
    if isinstance(query, SparseVector) and isinstance(other, SparseVector):
        # Words that only one of the two has add nothing.
        _, ours, theirs = np.intersect1d(query.indices, other.indices, return_indices=True)
        return float(query.values[ours] @ other.values[theirs])
    return float(np.max(np.atleast_2d(np.asarray(query)) @ np.asarray(other)))


def explains(representation: object) -> bool:
    """Return whether a representation keeps what to tell by of each image; embeddings may keep no windows."""
    settings = getattr(representation, "settings", {})
    return isinstance(representation, Explainer) and settings.get("cells") != 0
