"""The engine: a search service that holds a copy of an index's dense vectors, and what it is asked.

The words of a filter are cells: a code for each column and what an image has there, which only the index can
make (``retrieval.index.storage.cells``). So no text of an image or a user gets into an expression of an
engine, or into its storage, and a filter means there what it means here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SemblanceError
from ..ranker import Ids


class EngineError(SemblanceError):
    """An engine does not answer in time, refuses, or answers with something that is no answer."""


class SilentEngineError(EngineError):
    """An engine does not answer in time; to ask again at once would take as long."""


@dataclass(frozen=True)
class HasCell:
    """The cell of an image in a column, by the column's number, is one of some codes; none of no codes."""

    column: int
    codes: tuple[int, ...]


@dataclass(frozen=True)
class AllOf:
    """All parts hold."""

    parts: tuple[CellFilter, ...]


@dataclass(frozen=True)
class OneOf:
    """One of the parts holds, or more."""

    parts: tuple[CellFilter, ...]


@dataclass(frozen=True)
class NoneOf:
    """The part does not hold."""

    part: CellFilter


CellFilter = HasCell | AllOf | OneOf | NoneOf


class CopiedRows(NamedTuple):
    """Rows of a copy: numbers of images (n,), vectors float32 (n, d), cells (n, c), checksums (n,); int64."""

    numbers: Ids
    vectors: NDArray[np.float32]
    cells: NDArray[np.int64]
    sums: NDArray[np.int64]


def row_sums(vectors: NDArray[np.float32], cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a checksum of each row, int64 (n,): of its vector and its cells, 8 bytes of BLAKE2b."""
    found = [
        hashlib.blake2b(vector.tobytes() + own.tobytes(), digest_size=8).digest()
        for vector, own in zip(np.ascontiguousarray(vectors, "<f4"), cells.astype("<i8"), strict=True)
    ]
    return np.frombuffer(b"".join(found), dtype="<i8").astype(np.int64)


class EngineCopy(Protocol):
    """The copy of one representation's vectors in an engine; each method raises EngineError if it fails.

    Attributes
    ----------
    shown : what messages call it.
    """

    shown: str

    def create(self, dimension: int, metric: str, n_cells: int) -> None:
        """Make the copy, empty; one of its name is dropped."""
        ...

    def put(self, rows: CopiedRows) -> None:
        """Write rows of numbers that are not there."""
        ...

    def delete(self, numbers: Ids) -> None:
        """Delete rows; numbers that are not there are passed over."""
        ...

    def settle(self) -> None:
        """Return when all that was written is on the engine's disk and can be found."""
        ...

    def sums(self) -> tuple[Ids, NDArray[np.int64]] | None:
        """Return the numbers that are there, rising, and their checksums; None if there is no copy."""
        ...

    def rows(self) -> Iterator[CopiedRows]:
        """Yield all that is there, a few thousand rows at a time."""
        ...

    def find(self, views: NDArray[np.float32], depth: int, condition: CellFilter | None) -> Ids:
        """Return the numbers of about ``depth`` vectors near each view (n, d) of a query, each once."""
        ...

    def drop(self) -> None:
        """Delete the copy; it is no error if there is none."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class FilteredMask(np.ndarray[Any, np.dtype[np.bool_]]):
    """A mask that knows which filter of cells lets through what it does, or more: for rankers with an engine.

    What is computed of it is a plain mask. To take more images away in place is allowed.
    """

    condition: Callable[[], CellFilter | None] | None

    def __array_finalize__(self, other: object) -> None:
        """Forget the filter in whatever is made of this mask."""
        self.condition = None


def filtered(mask: NDArray[np.bool_], condition: Callable[[], CellFilter | None]) -> FilteredMask:
    """Return a mask with its filter, which is made when somebody asks; None if no cells can express it."""
    # A view, and so as quick to read as the mask itself.
    known = mask.view(FilteredMask)
    known.condition = condition
    return known


def condition_of(mask: NDArray[np.bool_]) -> CellFilter | None:
    """Return the filter that a mask knows; None if it knows none."""
    condition = mask.condition if isinstance(mask, FilteredMask) else None
    return None if condition is None else condition()


def shortest(column: int, wanted: Sequence[int], others: Sequence[int], most: int) -> CellFilter | None:
    """Return the filter for rows that have one of the wanted codes of a column, all others being ``others``.

    None if both lists are longer than ``most``.
    """
    # Both say the same, as the cells of a column part all images; the shorter is found sooner.
    if len(wanted) > most and len(others) < len(wanted):
        return NoneOf(HasCell(column, tuple(others))) if len(others) <= most else None
    return HasCell(column, tuple(wanted)) if len(wanted) <= most else None
