"""Concepts: a direction among vectors, learnt from images that show something and others that do not.

A linear classifier's normal points from what a concept is not to what it is (Kim et al. 2018), and a query
moves along it (SMILY: Cai et al. 2019). Here it is the ridge regression of +1 and −1 on vectors at unit
length, both sides weighing the same: w = X̃ᵀ D (D X̃ X̃ᵀ D + λ I)⁻¹ D y, with D² the weights of the examples
and X̃ what is left after the mean of both means. It is solved among examples, of which there are few, whatever
the length of vectors. λ is as large as the mean of the diagonal that it is added to: a few slides are too few
to choose it by (``benchmarks/quality/concepts.py``). Much larger ones give the difference of means. What is
said of its quality is of groups held out in turn, all being learnt from the others, the means too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..representation import SparseVector, Vector
from ..statistics.groups import numbered

FEWEST = 5
"""Examples of each side; ten in all."""
_LAMBDA = 1.0
"""λ, as a share of the mean of the diagonal that it is added to."""
_FOLDS = 20
"""Parts, at most, that are held out one after the other; of more groups some are held out together."""


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
    for side, name, what in ((liked, "like", "show"), (unliked, "unlike", "do not show")):
        if len(side) < FEWEST:
            raise SettingError(
                f"{name}: {len(side)} examples {what} the concept; at least {FEWEST} of each side are needed"
            )
    words, rows = _rows([*liked, *unliked])
    y = np.repeat([1.0, -1.0], [len(liked), len(unliked)])
    products = rows @ rows.T
    whole = _Regression.of(products, y, np.arange(len(y)))
    if not whole.size:
        raise SettingError("like: these examples and those of unlike do not differ; mark others")
    vector = whole.coefficients @ (rows - _weights(y) @ rows)
    vector /= np.linalg.norm(vector)
    held_out = _held_out(products, y, groups)
    auc = None if held_out is None else _auc(held_out, y > 0)
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


@dataclass(frozen=True, eq=False)
class _Regression:
    """The ridge regression of some examples.

    Parameters
    ----------
    coefficients : what each example's difference from the mean counts, (m,).
    size : the mean of the diagonal that λ is added to; 0 if all examples are equal.
    """

    coefficients: NDArray[np.float64]
    size: float

    @classmethod
    def of(
        cls, products: NDArray[np.float64], y: NDArray[np.float64], learnt: NDArray[np.int64]
    ) -> _Regression:
        """Learn from the examples ``learnt``, given the products of all with each other."""
        weights = _weights(y[learnt])
        own, roots = products[np.ix_(learnt, learnt)], np.sqrt(weights)
        gram = _centred(own, weights, own) * np.outer(roots, roots)
        size = float(gram.trace()) / len(gram)
        if size <= 1e-12:  # of vectors at unit length: rounding
            return cls(np.zeros(len(gram)), 0.0)
        solved = np.linalg.solve(gram + _LAMBDA * size * np.eye(len(gram)), roots * y[learnt])
        return cls(roots * solved, size)


def _weights(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of examples (m,): twenty liked fields count as much as two hundred others."""
    return np.where(y > 0, 0.5 / np.count_nonzero(y > 0), 0.5 / np.count_nonzero(y < 0))


def _centred(
    products: NDArray[np.float64], weights: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return products (n, m) of vectors with m others after the weighted mean of these was taken from both.

    ``own`` (m, m) are the products of the m others with each other.
    """
    mean = own @ weights  # (m,), of each with the mean
    return np.asarray(products - (products @ weights)[:, None] - mean + weights @ mean)


def _held_out(
    products: NDArray[np.float64], y: NDArray[np.float64], groups: Sequence[str]
) -> NDArray[np.float64] | None:
    """Return what is said of each example (n,) by what was learnt without its group.

    None if there is one group, or if without some group a side would be empty, or nothing differs.
    """
    folds = numbered(groups) % _FOLDS
    found = np.empty(len(y))
    for fold in range(int(folds.max()) + 1):
        learnt, asked = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(set(y[learnt])) < 2:
            return None
        regression = _Regression.of(products, y, learnt)
        if not regression.size:
            return None
        own = products[np.ix_(learnt, learnt)]
        centred = _centred(products[np.ix_(asked, learnt)], _weights(y[learnt]), own)
        found[asked] = centred @ regression.coefficients
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
