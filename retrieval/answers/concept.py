"""Concepts: a direction among vectors, learnt from images that show something and others that do not.

A linear classifier's normal points from what a concept is not to what it is (Kim et al. 2018), and a query
moves along it (SMILY: Cai et al. 2019). Here it is the ridge regression of +1 and −1 on vectors at unit
length, both sides weighing the same: w = X̃ᵀ D (D X̃ X̃ᵀ D + λ I)⁻¹ D y, with D² the weights of the examples
and X̃ what is left after the mean of both means. It is solved among examples, of which there are few, whatever
the length of vectors. Large λ gives the difference of means; λ is the one that predicts held-out groups best,
which a ridge regression says in closed form: e_G = (I − H_GG)⁻¹ (y − ŷ)_G.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..representation import SparseVector, Vector

FEWEST = 5
"""Examples of each side; ten in all."""
_LAMBDAS = tuple(10.0**power for power in range(-3, 3))
"""λ, as shares of the mean of the diagonal that it is added to."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A concept by one representation.

    Parameters
    ----------
    vector : at unit length, of the kind and size of the vectors that it was learnt from.
    auc : of examples of held-out groups, the chance that one that shows the concept comes before one that
        does not; None if no group was held out.
    """

    vector: Vector
    auc: float | None


def learn_direction(liked: Sequence[Vector], unliked: Sequence[Vector], groups: Sequence[str]) -> Direction:
    """Return the direction from what a concept is not to what it is.

    Parameters
    ----------
    liked, unliked : vectors that show the concept, and that do not.
    groups : of all of these, in this order: what is held out together, such as the slide.

    Raises
    ------
    SettingError : fewer than ``FEWEST`` of a side, or the two sides do not differ.
    """
    for side, name in ((liked, "like"), (unliked, "unlike")):
        if len(side) < FEWEST:
            raise SettingError(f"{name}: {len(side)} examples; mark at least {FEWEST} of each side")
    words, rows = _rows([*liked, *unliked])
    y = np.repeat([1.0, -1.0], [len(liked), len(unliked)])
    # Twenty liked fields count as much as two hundred others.
    root = np.sqrt(np.where(y > 0, 0.5 / len(liked), 0.5 / len(unliked)))
    scaled = (rows - root**2 @ rows) * root[:, None]
    gram = scaled @ scaled.T
    if (size := float(gram.trace()) / len(y)) <= 0:
        raise SettingError("like: these examples and those of unlike do not differ; mark others")
    held_out = [_held_out(gram, y * root, share * size, groups) / root for share in _LAMBDAS]
    best = int(np.argmin([(root**2 * (y - found) ** 2).sum() for found in held_out]))
    weights = np.linalg.solve(gram + _LAMBDAS[best] * size * np.eye(len(y)), y * root)
    vector = weights @ scaled
    vector /= np.linalg.norm(vector)
    auc = _auc(held_out[best], y > 0) if len(set(groups)) > 1 else None
    return Direction(_like(liked[0], words, vector.astype(np.float32)), auc)


def steer(query: Vector, direction: Vector, weight: float) -> Vector:
    """Return a query moved along a direction, at unit length: q / |q| + weight · w.

    A dense query (n, d) of several views has each of them moved. In a bag a word cannot count less than
    nothing: negative values are left out. ValueError if sizes or kinds differ.
    """
    if isinstance(query, SparseVector) != isinstance(direction, SparseVector):
        raise ValueError("a bag of words for an embedding; use the representation that made the query")
    if not isinstance(query, SparseVector):
        return _unit(_unit(query) + weight * np.asarray(direction, dtype=np.float64)).astype(np.float32)
    assert isinstance(direction, SparseVector)
    moved = _unit(query.dense()) + weight * direction.dense()
    if (query.values >= 0).all():
        moved = np.maximum(moved, 0)
    moved = _unit(moved).astype(np.float32)
    places = np.flatnonzero(moved)
    return SparseVector(places.astype(np.uint32), moved[places], query.size)


def _held_out(
    gram: NDArray[np.float64], target: NDArray[np.float64], penalty: float, groups: Sequence[str]
) -> NDArray[np.float64]:
    """Return what a ridge regression without its group would say of each example."""
    hat = np.linalg.solve(gram + penalty * np.eye(len(target)), gram)
    left, found = target - hat.T @ target, np.empty_like(target)
    names = np.asarray(groups)
    for group in set(groups):
        own = np.flatnonzero(names == group)
        rest = np.eye(len(own)) - hat[np.ix_(own, own)]
        found[own] = target[own] - np.linalg.solve(rest, left[own])
    return found


def _auc(scores: NDArray[np.float64], is_liked: NDArray[np.bool_]) -> float:
    """Return the share of pairs of both sides in the right order; equal scores count half."""
    above = scores[is_liked][:, None] - scores[~is_liked][None]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def _rows(vectors: Sequence[Vector]) -> tuple[NDArray[np.int64] | None, NDArray[np.float64]]:
    """Return vectors at unit length as rows (n, d), and of bags which words the columns are."""
    if not any(isinstance(vector, SparseVector) for vector in vectors):
        return None, _unit(np.stack([np.atleast_2d(v).mean(axis=0) for v in vectors]))  # type: ignore[arg-type]
    bags = [vector for vector in vectors if isinstance(vector, SparseVector)]
    # Of a hundred thousand words a few fields have some thousands.
    words = np.unique(np.concatenate([bag.indices for bag in bags])).astype(np.int64)
    rows = np.zeros((len(bags), len(words)))
    for row, bag in zip(rows, bags, strict=True):
        row[np.searchsorted(words, bag.indices)] = bag.values
    return words, _unit(rows)


def _like(example: Vector, words: NDArray[np.int64] | None, vector: NDArray[np.float32]) -> Vector:
    if words is None or not isinstance(example, SparseVector):
        return vector
    kept = vector != 0
    return SparseVector(words[kept].astype(np.uint32), vector[kept], example.size)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return vectors (…, d) at unit length, zeros as they are."""
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
