"""Symmetric embedding: the mean of an image's embeddings over mirror images and quarter turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..normalisation import unit
from .preprocessing import resized, scaled_side, views
from .runner import Runner, Squares

Vectors = NDArray[np.float32]
_WHOLE = np.array([[0, 0, 1, 1]], dtype=np.float32)
"""The window that covers an image, (1, 4)."""


@dataclass(frozen=True)
class SymmetricEmbedding:
    """Embed squares, uint8 (n, 3, side, side), in several views, whose embeddings are averaged.

    Parameters
    ----------
    runner : the network.
    symmetries : 1, 2, 4 or 8 views; one is the square alone, whose embedding stays as it is.
    """

    runner: Runner
    symmetries: int

    def embed(self, squares: Squares, weights: Vectors | None = None) -> Vectors:
        """Return the mean embeddings, float32 (n, dimension).

        ``weights`` float32 (n, side, side) say how much of each place counts, and turn with the squares.
        """
        n = self.symmetries
        shares: Sequence[Vectors | None] = [None] * n if weights is None else views(weights, n)
        turned = zip(views(squares, n), shares, strict=True)
        return _mean([self.runner.embed(square, share) for square, share in turned])

    def embed_parts(
        self, squares: Squares, windows: Vectors, around: Vectors | None = None
    ) -> tuple[Vectors, Vectors]:
        """Return what ``embed`` does, and embeddings (n, k, part dimension) of windows (k, 4) of each square.

        With ``around``, windows around each of these, of how a window differs from the rest of that one.

        Windows are seen as they are: the mean over turned ones would say less of where something is.
        """
        whole, parts = self.runner.embed_parts(squares, windows, around)
        others = views(squares, self.symmetries)[1:]
        return _mean([whole, *(self.runner.embed(view) for view in others)]), parts

    def embed_scaled(
        self, square: NDArray[np.uint8], scales: Sequence[float], applied: Callable[[Vectors], Vectors]
    ) -> Vectors:
        """Return the sum of a square's embeddings at all scales, of unit length, float32 (d,).

        The cosine with a sum of unit vectors is, but for its length, the mean of the cosines with each.
        ``applied`` is to each embedding, (1, d), what is learnt.
        """
        total = np.zeros((), dtype=np.float32)
        for scale in scales:
            sized = square if scale == 1 else resized(square, scaled_side(square.shape[-1], scale))
            total = total + applied(self.embed(sized[None]))  # (1, d)
        return np.asarray(unit(total)[0])

    def embed_all(self, squares: Iterable[Squares], n: int, as_parts: bool) -> tuple[Vectors, Vectors]:
        """Return the embeddings (m, dimension) of m squares (3, side, side), n at a time, as they arrive.

        With ``as_parts`` also their embeddings as windows are embedded, (m, part dimension); else (0, 0).
        """
        wholes: list[Vectors] = [np.zeros((0, self.runner.dimension), dtype=np.float32)]
        parts = [self.runner.no_parts() if as_parts else np.zeros((0, 0), dtype=np.float32)]
        rest = iter(squares)
        while batch := list(islice(rest, n)):
            if as_parts:
                whole, own = self.embed_parts(np.stack(batch), _WHOLE)
                parts.append(own[:, 0])
            else:
                whole = self.embed(np.stack(batch))
            wholes.append(whole)
        return np.concatenate(wholes), np.concatenate(parts)


def _mean(embeddings: Sequence[Vectors]) -> Vectors:
    if len(embeddings) == 1:
        return embeddings[0]
    return np.asarray(np.mean(embeddings, axis=0, dtype=np.float64), dtype=np.float32)
