"""Images of a set, detected and described once, and bags of their words at any vocabulary.

What is held equal is in one place: pictures, descriptor, principal components, k-means, weighting, ranking.
They are those of the project's own bags of words without words for tone; only the ranking is by one product
of all bags with all bags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import bovw
from benchmarks.shared.labelled_sets import Item, Set
from benchmarks.shared.leave_one_out import judged
from bovw.detectors.foreground import foreground
from bovw.keypoints import Keypoints
from bovw.vocabulary.assignment import Assigner
from bovw.vocabulary.tf_idf import Weighting
from bovw.vocabulary.vocabulary import Vocabulary
from retrieval.statistics.pca import Pca

PER_WORD = 64
"""A vocabulary is learnt from at most this number of descriptors a word, drawn at random."""
GRID = 32
"""Bins along each side of a heat map."""
COARSE = 8
"""Bins along each side of the grid on which evenness is measured."""


@dataclass(frozen=True, eq=False)
class Described:
    """Hold the descriptors of all pictures, and where their points are.

    Parameters
    ----------
    descriptors : float32 (n, d), reduced to principal components, picture after picture.
    counts : int64 (pictures,), the points of each picture.
    heat : float64 (GRID, GRID), the density of points, averaged over the pictures; 1 is the mean.
    evenness : entropy of a picture's points over COARSE × COARSE bins, over that of as many points dealt
        evenly; averaged over the pictures.
    on_body : share of the points on the foreground, averaged over the pictures.
    body : share of the picture that is foreground.
    amounts : float32 (n,), how much each point counts for; None: all alike.
    """

    descriptors: NDArray[np.float32]
    counts: NDArray[np.int64]
    heat: NDArray[np.float64]
    evenness: float
    on_body: float
    body: float
    amounts: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, name: str, settings: Mapping[str, Any], items: Sequence[Item]) -> Described:
        """Detect and describe all pictures with the settings of one bag of words."""
        bag = getattr(bovw, name)(**settings)
        descriptors, counts, places, amounts = [], [], [], []
        for item in items:
            picture = item.read()
            features = bag.extractor.extract(picture)
            descriptors.append(features.shape_descriptors.astype(np.float16))
            counts.append(len(features.keypoints))
            amounts.append(features.amounts)
            places.append(_placed(features.keypoints, picture.fit_within(bag.chosen.longest_side)))
        together = np.concatenate(descriptors)
        pca = Pca(bag.chosen.components, bag.chosen.whitening)
        heat = np.mean([p[0] for p in places], axis=0)
        evenness, on_body, body = np.mean([p[1:] for p in places], axis=0).tolist()
        reduced = pca.fit(together).transform(together)
        weighed = None if bag.chosen.weigh_points == "none" else np.concatenate(amounts)
        return cls(reduced, np.array(counts), heat, evenness, on_body, body, weighed)

    def measures(self, data: Set, words: int, seeds: int) -> NDArray[np.float64]:
        """Return average precision and P@1 of each picture, (2, pictures), means over some vocabularies."""
        found = []
        for seed in range(seeds):
            bags = self.bags(words, seed)
            found.append(judged((bags @ bags.T).toarray(), data)[:2])
        return np.asarray(np.mean(found, axis=0))

    def bags(self, words: int, seed: int) -> sparse.csr_matrix:
        """Learn a vocabulary and return the weighted bags, (pictures, words), rows of unit length."""
        vocabulary = Vocabulary(words, seed=seed, sample=PER_WORD).fit(self.descriptors)
        found = Assigner(vocabulary.centers_).assign(self.descriptors)
        n = len(self.counts)
        owners = np.repeat(np.arange(n), self.counts)
        held = np.unique(owners * np.int64(words) + found) % words
        weighting = Weighting()
        weights = weighting.word_weights(np.bincount(held, minlength=words), n)
        firsts = np.cumsum(self.counts)[:-1]
        amounts = [None] * n if self.amounts is None else np.split(self.amounts, firsts)
        parts = zip(np.split(found, firsts), amounts, strict=True)
        each = [weighting.weigh(own, weights, own_amounts) for own, own_amounts in parts]
        ends = np.cumsum([0, *(len(bag.values) for bag in each)])
        values = np.concatenate([bag.values for bag in each])
        indices = np.concatenate([bag.indices for bag in each]).astype(np.int64)
        return sparse.csr_matrix((values, indices, ends), shape=(n, words))


def _placed(points: Keypoints, fitted: tuple[Any, float]) -> tuple[NDArray[np.float64], float, float, float]:
    """Return a picture's heat map and evenness, and the shares of its points and area that are body."""
    small, factor = fitted
    body = foreground(small.grey)
    rows = np.clip(points.rows * factor, 0, body.shape[0] - 1)
    cols = np.clip(points.cols * factor, 0, body.shape[1] - 1)
    if not len(points):
        return np.zeros((GRID, GRID)), 0.0, 0.0, float(body.mean())
    inside = body[np.round(rows).astype(np.intp), np.round(cols).astype(np.intp)]
    places = np.stack([(rows + 0.5) / body.shape[0], (cols + 0.5) / body.shape[1]])
    heat = _counts(places, GRID) * GRID**2 / len(points)
    return heat.reshape(GRID, GRID), evenness_of(_counts(places, COARSE)), inside.mean(), body.mean()


def _counts(places: NDArray[np.float64], side: int) -> NDArray[np.int64]:
    """Count points, (2, n) in [0, 1), in side × side bins."""
    rows, cols = np.minimum((places * side).astype(np.int64), side - 1)
    return np.bincount(rows * side + cols, minlength=side**2)


def evenness_of(counts: NDArray[np.int64]) -> float:
    """Return the entropy of counts over that of as many dealt evenly, in [0, 1]."""
    n, n_bins = int(counts.sum()), len(counts)
    even = np.full(n_bins, n // n_bins) + (np.arange(n_bins) < n % n_bins)
    entropies = []
    for dealt in (counts, even):
        shares = dealt[dealt > 0] / n
        entropies.append(-(shares * np.log(shares)).sum())
    return float(entropies[0] / entropies[1]) if entropies[1] > 0 else 1.0
