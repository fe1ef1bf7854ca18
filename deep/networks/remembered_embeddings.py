"""Remembered embeddings: images that a mean was learnt from are not embedded again to be indexed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from retrieval.representation import Arrays

Square = NDArray[np.uint8]
_SIZE = 16  # bytes: squares are told apart by accident only, not by an attacker


@dataclass(eq=False)
class RememberedEmbeddings:
    """Hold embeddings as the network gives them, before a mean or a whitening, by what the network saw.

    Attributes
    ----------
    found_ : float32 (d,) each, by the hash of the square.
    """

    found_: Mapping[bytes, NDArray[np.float32]] = field(default_factory=dict)

    def get(self, square: Square) -> NDArray[np.float32] | None:
        """Return the embedding of a square, (1, d); None if it is not remembered."""
        found = self.found_.get(_digest(square)) if self.found_ else None
        return None if found is None else found[None]

    def arrays(self) -> Arrays:
        """Return all of them as arrays; none if there are none."""
        if not self.found_:
            return {}
        digests = np.frombuffer(b"".join(self.found_), dtype=np.uint8).reshape(-1, _SIZE)
        return {"digests": digests, "embeddings": np.stack(list(self.found_.values()))}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """Return those of which ``arrays`` are."""
        if not arrays:
            return cls()
        digests = (row.tobytes() for row in arrays["digests"])
        return cls(dict(zip(digests, arrays["embeddings"], strict=True)))


class Remembers:
    """Remember embeddings from when a mean was learnt until images are encoded; see ``Remembering``.

    Attributes
    ----------
    remembered_ : the embeddings.
    """

    remembered_ = RememberedEmbeddings()

    def remembered(self) -> Arrays:
        """Return embeddings of images that it learnt from."""
        return self.remembered_.arrays()

    def recall(self, arrays: Arrays) -> Self:
        """Take back what ``remembered`` returned."""
        self.remembered_ = RememberedEmbeddings.of(arrays)
        return self


class Seen:
    """Pass squares on, and note their hashes, so that what they become can be remembered."""

    def __init__(self, squares: Iterable[Square]) -> None:
        self._squares = squares
        self._digests: list[bytes] = []

    def __iter__(self) -> Iterator[Square]:
        for square in self._squares:
            self._digests.append(_digest(square))
            yield square

    def as_embedded(self, embeddings: NDArray[np.float32]) -> RememberedEmbeddings:
        """Return the embeddings (n, d) of the squares, in their order, to be remembered."""
        return RememberedEmbeddings(dict(zip(self._digests, embeddings, strict=True)))


def _digest(square: Square) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(square).data).digest()[:_SIZE]
