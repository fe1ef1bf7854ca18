"""Word search: what a bag of words does with the points that are kept of each picture."""

from __future__ import annotations

import numpy as np

from retrieval.errors import FitError
from retrieval.explaining import Explanation
from retrieval.locating import Candidates, Located
from retrieval.region import Region
from retrieval.representation import Encoding, SparseVector

from .evidence import EVIDENCE
from .explaining import explain
from .lexicon import Lexicon
from .locator import WordLocator
from .settings import WordSettings
from .weighting import Weighting

FEWEST_CANDIDATES = 200
"""A query with a region has the best pictures verified, at least so many."""
SHARPENED = 300
"""With signatures at least so many of the best pictures are scored again."""


class WordSearch:
    """Score, locate and explain by points, words and their signatures."""

    chosen: WordSettings
    shapes_: Lexicon | None
    tones_: Lexicon | None

    def n_candidates(self, has_region: bool) -> int:
        """Return how many of the best pictures are looked at again; see ``Locator``."""
        return max(self._n_verified(has_region), SHARPENED if self.chosen.signature else 0)

    def locate(
        self, query: Encoding, shape: tuple[int, int], region: Region | None, candidates: Candidates
    ) -> Located:
        """Find a query in pictures by the places of its words; see ``WordLocator``.

        With signatures, whole pictures that are looked at for these alone are not verified.
        """
        shapes, tones = self._fitted()
        evidence = np.empty(0, EVIDENCE) if query.evidence is None else query.evidence
        locator = WordLocator(shapes.size, 0 if tones is None else tones.size)
        if self.chosen.signature:
            share = 1.0 if tones is None else 1 - self.chosen.tone_weight
            candidates = locator.sharpened(evidence, candidates, shapes.word_weights, share)
            if region is None:
                return locator.locate_best(evidence, shape, candidates, self._n_verified(False))
        return locator.locate(evidence, shape, region, candidates)

    def explain(
        self,
        query: Encoding,
        shape: tuple[int, int],
        region: Region | None,
        hit: Encoding,
        hit_shape: tuple[int, int],
    ) -> Explanation:
        """Say which words made a picture a hit; see ``Explainer``."""
        return explain(query, hit, hit_shape, self._fitted()[0].size)

    def _n_verified(self, has_region: bool) -> int:
        chosen = self.chosen
        return max(chosen.verify, FEWEST_CANDIDATES) if has_region else chosen.verify

    @property
    def _weighting(self) -> Weighting:
        chosen = self.chosen
        return Weighting(tf=chosen.tf, idf=chosen.idf, norm=chosen.norm, stop=chosen.stop)

    def _fitted(self) -> tuple[Lexicon, Lexicon | None]:
        if self.shapes_ is None:
            raise FitError(f"{getattr(self, 'name', 'a bag')} has no vocabulary yet; call fit first")
        return self.shapes_, self.tones_

    def _join(self, bags: list[SparseVector]) -> SparseVector:
        """Put the bag of tones behind the bag of shapes, each with its share of the score."""
        if len(bags) == 1:
            return bags[0]
        shapes, tones = bags
        weight = self.chosen.tone_weight
        values = [shapes.values * np.float32(np.sqrt(1 - weight)), tones.values * np.float32(np.sqrt(weight))]
        indices = np.concatenate([shapes.indices, tones.indices + np.uint32(shapes.size)])
        joined, size = np.concatenate(values), shapes.size + tones.size
        return SparseVector(indices[joined > 0], joined[joined > 0], size)
