"""Locating: what a representation says of where in a picture a query matched, and how it proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..region import Region
from ..representation import Encoding


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pictures that are looked at again, with the local evidence that was stored of each.

    Parameters
    ----------
    evidence : (n_rows,) structured, the rows of all pictures one after the other.
    offsets : int64 (n + 1,): picture i has the rows from ``offsets[i]`` to ``offsets[i + 1]``.
    sizes : int64 (n, 2), rows and columns of each picture in pixels.
    scores : float32 (n,), of the first ranking.
    beside : the evidence of others that a query looks at again together with these: it says how common
        anything is, and none of it is located. None if there are no others.
    """

    evidence: NDArray[np.void]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    scores: NDArray[np.float32]
    beside: NDArray[np.void] | None = None

    def __len__(self) -> int:
        return len(self.sizes)

    def rows(self, i: int) -> NDArray[np.void]:
        """Return the evidence of one picture."""
        return self.evidence[self.offsets[i] : self.offsets[i + 1]]

    def chosen(self, places: NDArray[np.integer]) -> Candidates:
        """Return some of them, by their places here, in this order."""
        parts = [self.rows(i) for i in places.tolist()]
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        rows = np.concatenate([self.evidence[:0], *parts])
        return Candidates(rows, offsets, self.sizes[places], self.scores[places], self.beside)

    @property
    def together(self) -> NDArray[np.void]:
        """The evidence of these, and of all that are looked at with them."""
        return self.evidence if self.beside is None else np.concatenate([self.evidence, self.beside])


@dataclass(frozen=True, eq=False)
class Located:
    """Where the query matched in each candidate.

    Parameters
    ----------
    scores : float32 (n,), larger is closer: the candidates are ranked by these, before all other pictures.
    boxes : float32 (n, 4): row, col, height, width in pixels of the picture; NaN if nothing matched.
    n_inliers : int32 (n,), the matches that agree in space; 0 if there are none, or the kind has none.
    transforms : float64 (n, 4): a, b, c, d of the similarity that takes row, col of the query to
        c + a row + b col, d − b row + a col of the picture, pixels counted from the centre of the first;
        NaN if no matches agree; None if the kind finds none.
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    n_inliers: NDArray[np.int32]
    transforms: NDArray[np.float64] | None = None


@runtime_checkable
class PartEncoder(Protocol):
    """A representation that encodes a part of an indexed picture by what was stored of it."""

    def encode_part(self, evidence: NDArray[np.void], region: Region) -> Encoding | None:
        """Return what ``encode_query`` does of a region; None if that takes the pixels."""
        ...


@runtime_checkable
class Expander(Protocol):
    """A locator that expands a query by its best verified hits."""

    @property
    def n_expanding(self) -> int:
        """How many verified hits are added; 0 for none."""
        ...

    def expanded(self, query: Encoding, hits: Candidates, boxes: NDArray[np.floating]) -> Encoding:
        """Return a query to whose vector what is within the boxes (n, 4) of n verified hits was added.

        The evidence stays that of the query.
        """
        ...


@runtime_checkable
class Locator(Protocol):
    """A representation that says where a query matched."""

    def n_candidates(self, has_region: bool) -> int | None:
        """Return how many of the best pictures are looked at again: 0 for none, None for all.

        Of a query with a region, or of a whole picture.
        """
        ...

    def locate(
        self, query: Encoding, shape: tuple[int, int], region: Region | None, candidates: Candidates
    ) -> Located:
        """Find a query (its encoding, the rows and columns of its picture, its region) in pictures."""
        ...
