"""Word search: what a bag of words does with the points that are kept of each image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.answers.relevance_feedback import Rocchio
from retrieval.errors import FitError
from retrieval.evidence.explanation import Explanation
from retrieval.evidence.localization import Candidates, Located
from retrieval.rankers.packed.factors import Factors
from retrieval.region import Region
from retrieval.representation import Encoding, SparseVector

from ..extraction import FEWEST
from ..settings import WordSettings
from ..vocabulary.tf_idf import Weighting
from ..vocabulary.weighted_vocabulary import WeightedVocabulary
from .evidence import EVIDENCE
from .explain import explain
from .locator import WordLocator
from .matching import Frames
from .signature_similarity import contributions

FEWEST_CANDIDATES = 200
"""Fewest candidates that are verified for a query with a region, or one that is to be expanded."""
RESCORED = 300
"""Fewest candidates that are scored again by their signatures."""


class WordSearch:
    """Score, locate, explain and expand by points, words and their signatures."""

    chosen: WordSettings
    shape_vocabulary_: WeightedVocabulary | None
    tone_vocabulary_: WeightedVocabulary | None

    @property
    def n_expanding(self) -> int:
        """How many verified hits are added to a query; see ``Expander``."""
        return self.chosen.expand

    def n_candidates(self, has_region: bool) -> int:
        """Return how many candidates are reranked; see ``Locator``."""
        return max(self._n_verified(has_region), RESCORED if self.chosen.signature else 0)

    def locate(
        self, query: Encoding, shape: tuple[int, int], region: Region | None, candidates: Candidates
    ) -> Located:
        """Find a query in images by the places of its words; see ``WordLocator``.

        With signatures, candidates that are reranked by these alone are not verified.
        """
        shape_words, tone_words = self._fitted()
        evidence = np.empty(0, EVIDENCE) if query.evidence is None else query.evidence
        locator = WordLocator(shape_words.size, 0 if tone_words is None else tone_words.size)
        # By signatures first: they also decide which candidates are the best, to be verified.
        if self.chosen.signature:
            candidates = locator.rescored(evidence, candidates, shape_words.word_weights, self._share)
            if region is None:
                return locator.locate_best(evidence, shape, candidates, self._n_verified(False))
        return locator.locate(evidence, shape, region, candidates)

    def encode_part(self, evidence: NDArray[np.void], region: Region) -> Encoding | None:
        """Encode a region by those of an image's stored points that are in it; see ``PartEncoder``."""
        inside = evidence[region.contains(evidence["row"], evidence["col"])]
        # A small region gets points of its own; how points are shared among words, and what each counts for
        # if not all count alike, is not stored.
        needs_pixels = self.chosen.assignments > 1 or self.chosen.weigh_points != "none"
        if needs_pixels or len(inside) < min(FEWEST, len(evidence)):
            return None
        return Encoding(self._bag(inside), inside)

    def explain(
        self,
        query: Encoding,
        shape: tuple[int, int],
        region: Region | None,
        hit: Encoding,
        hit_shape: tuple[int, int],
    ) -> Explanation:
        """Say which words made an image a hit; see ``Explainer``."""
        shape_words, _ = self._fitted()
        of_points = None
        if self.chosen.signature and query.evidence is not None and hit.evidence is not None:
            ours, theirs = Frames.of(query.evidence), Frames.of(hit.evidence)
            of_points = contributions(ours, theirs, shape_words.word_weights, ours.n_bits) * self._share
        return explain(query, hit, hit_shape, shape_words.size, of_points)

    def expanded(self, query: Encoding, hits: Candidates, boxes: NDArray[np.floating]) -> Encoding:
        """Add what is within the boxes of verified hits to a query; see ``Expander``.

        Average query expansion (Chum, Philbin, Sivic, Isard and Zisserman, "Total recall", ICCV 2007): the
        mean of the bags of the query and of the words within each box, all of unit length.
        """
        bags = [self._bag(within(hits.rows(i), box)) for i, box in enumerate(boxes)]
        # A box between the points holds no word, and must not pull the mean towards nothing.
        bags = [bag for bag in bags if len(bag.values)]
        mean = Rocchio(original=1.0, liked=float(len(bags))).refine(query.vector, bags, [])
        return Encoding(mean, query.evidence)

    @property
    def _share(self) -> float:
        """The share of a score that words for shape have."""
        return 1 - self.chosen.tone_weight if self.chosen.tone_words else 1.0

    def _n_verified(self, has_region: bool) -> int:
        chosen = self.chosen
        return max(chosen.verify, FEWEST_CANDIDATES) if has_region or chosen.expand else chosen.verify

    def _bag(self, evidence: NDArray[np.void]) -> SparseVector:
        """Return the bag of the words of some points."""
        shape_words, tone_words = self._fitted()
        bags = [shape_words.bag(evidence["word"].astype(np.intp), self._weighting)]
        if tone_words is not None:
            bags.append(tone_words.bag(evidence["tone"].astype(np.intp), self._weighting))
        return self._join(bags)

    @property
    def _weighting(self) -> Weighting:
        chosen = self.chosen
        return Weighting(tf=chosen.tf, idf=chosen.idf, norm=chosen.norm, stop=chosen.stop)

    def _fitted(self) -> tuple[WeightedVocabulary, WeightedVocabulary | None]:
        if self.shape_vocabulary_ is None:
            raise FitError(f"{getattr(self, 'name', 'a bag')} has no vocabulary yet; call fit first")
        return self.shape_vocabulary_, self.tone_vocabulary_

    @property
    def _factors(self) -> Factors:
        """What the values of bags of images are products of; ``_join`` has the shares of the two parts."""
        vocabularies = [one for one in self._fitted() if one is not None]
        products = [self._weighting.products(one.word_weights) for one in vocabularies]
        weight = self.chosen.tone_weight
        shares = [np.sqrt(1 - weight), np.sqrt(weight)] if len(products) == 2 else [1.0]
        return Factors(
            products[0][0],
            np.concatenate([scales for _, scales in products]),
            np.cumsum([one.size for one in vocabularies]),
            np.array(shares, np.float32),
        )

    def _join(self, bags: list[SparseVector]) -> SparseVector:
        """Put the bag of tone words behind the bag of shape words, each with its share of the score."""
        if len(bags) == 1:
            return bags[0]
        shape, tone = bags
        weight = self.chosen.tone_weight
        # Roots, since a score is a product of two such vectors: each bag's cosine then has its whole share.
        values = [shape.values * np.float32(np.sqrt(1 - weight)), tone.values * np.float32(np.sqrt(weight))]
        indices = np.concatenate([shape.indices, tone.indices + np.uint32(shape.size)])
        joined, size = np.concatenate(values), shape.size + tone.size
        return SparseVector(indices[joined > 0], joined[joined > 0], size)


def within(evidence: NDArray[np.void], box: NDArray[np.floating]) -> NDArray[np.void]:
    """Return the points within a box (row, col, height, width)."""
    rows, cols = evidence["row"] + 0.5, evidence["col"] + 0.5  # boxes are measured from corners of pixels
    inside = (rows >= box[0]) & (rows <= box[0] + box[2]) & (cols >= box[1]) & (cols <= box[1] + box[3])
    return np.asarray(evidence[inside])
