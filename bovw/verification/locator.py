"""The locator: where the words of a query are in other images, by agreement in space or by similarity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.evidence.localization import Candidates, Located
from retrieval.ranker import order
from retrieval.region import Region

from .geometric import Verdicts, verify
from .matching import Frames
from .signature_similarity import signature_similarity
from .sliding_window import Profile, best_windows, rarity

Floats = NDArray[np.float64]

HALF = 10
"""With this many inliers beyond those that chance explains, half of the bonus is earned."""
TONE_SHARE = 0.7
"""The share of tone in the similarity of windows: it tells small things apart by few points."""
_FINER = 0.05
"""Share of the candidates' points that may be of a finer scale than any point of the query that counts."""


@dataclass(frozen=True)
class WordLocator:
    """Find a query in candidates by the evidence of both.

    Parameters
    ----------
    n_shape_words, n_tone_words : how many words there are for shape, and for tone; 0 if tone is left out.
    """

    n_shape_words: int
    n_tone_words: int

    def locate(
        self,
        query: NDArray[np.void],
        shape: tuple[int, int],
        region: Region | None,
        candidates: Candidates,
    ) -> Located:
        """Return scores, boxes and numbers of inliers.

        The score is the first one, and a bonus in [0, 1) for the inliers beyond what chance explains. The
        box is that of the region's outline, or the image's, as the transform takes it there; for a region
        that is not verified it is the window whose words are most like its own. The similarity of that
        window, in [0, 1], is added to the score of a region: what an image has in one place tells more about
        a region than what it has anywhere.
        """
        frames = Frames.of(candidates.evidence)
        outline = (region or Region.whole(shape)).polygons
        verdicts = verify(
            Frames.of(query),
            frames,
            candidates.offsets,
            candidates.sizes,
            self.n_shape_words,
            _extent(outline),
        )
        boxes = mapped_boxes(verdicts, np.concatenate(outline), candidates.sizes)
        scores = candidates.scores + bonus(verdicts).astype(np.float32)
        if region is not None and len(query):
            # Small regions rarely have four inliers; the windows still say where such words are together.
            unverified = ~verdicts.are_verified
            windows, similarity = self.windows(query, region, candidates, frames)
            boxes[unverified] = windows[unverified]
            scores += similarity.astype(np.float32)
        n_inliers = np.where(verdicts.are_verified, verdicts.inliers, 0).astype(np.int32)
        transforms = np.where(verdicts.are_verified[:, None], verdicts.transforms, np.nan)
        return Located(scores, boxes.astype(np.float32), n_inliers, transforms)

    def rescored(
        self,
        query: NDArray[np.void],
        candidates: Candidates,
        word_weights: NDArray[np.floating],
        share: float,
    ) -> Candidates:
        """Return candidates with scores in which matches of near signatures replace those of equal words.

        The words for shape contribute ``share`` times the cosine of two bags to a score (exactly, if ``tf``
        is sqrt and ``norm`` l2); that is taken away, and as much of the similarity by signatures is added
        (``bovw.verification.signature_similarity``). What tones, soft assignment, feedback or expansion
        contribute stays. No score falls below 0.
        """
        ours, theirs = Frames.of(query), Frames.of(candidates.evidence)
        # With n_bits = 0 every pair of one word counts 1: that is what the bags have counted.
        near, together = (
            signature_similarity(ours, theirs, candidates.offsets, word_weights, n_bits)
            for n_bits in (ours.n_bits, 0)
        )
        scores = candidates.scores + share * (near - together)
        return replace(candidates, scores=np.maximum(scores, 0).astype(np.float32))

    def locate_best(
        self, query: NDArray[np.void], shape: tuple[int, int], candidates: Candidates, n: int
    ) -> Located:
        """Locate a whole image in the n candidates of the highest scores; the others keep theirs."""
        # Scores of the others stay: those of the best only rise, so that the order of the two parts is kept.
        size = len(candidates)
        best = order(np.arange(size), candidates.scores, min(n, size)).ids
        scores, boxes = candidates.scores.copy(), np.full((size, 4), np.nan, np.float32)
        n_inliers, transforms = np.zeros(size, np.int32), np.full((size, 4), np.nan)
        if len(best):
            found = self.locate(query, shape, None, candidates.chosen(best))
            scores[best], boxes[best], n_inliers[best] = found.scores, found.boxes, found.n_inliers
            transforms[best] = found.transforms
        return Located(scores, boxes, n_inliers, transforms)

    def windows(
        self, query: NDArray[np.void], region: Region, candidates: Candidates, frames: Frames
    ) -> tuple[Floats, Floats]:
        """Return the windows most like a region, float64 (n, 4), and their similarities, float64 (n,)."""
        has_tone = self.n_tone_words > 0 and "tone" in (candidates.evidence.dtype.names or ())
        kinds = [("word", self.n_shape_words, 1 - TONE_SHARE if has_tone else 1.0)]
        if has_tone:
            kinds.append(("tone", self.n_tone_words, TONE_SHARE))
        # Rarity among the candidates' points: words that these images have everywhere tell no place apart.
        together = candidates.together
        query = _comparable(query, together)
        words = tuple(candidates.evidence[kind].astype(np.int64) for kind, *_ in kinds)
        profiles = tuple(
            Profile.of(query[kind].astype(np.int64), rarity(together[kind].astype(np.int64), size))
            for kind, size, _ in kinds
        )
        _, _, height, width = region.bounds()
        shares = tuple(share for *_, share in kinds)
        return best_windows(
            profiles, shares, words, frames.places, candidates.offsets, candidates.sizes, height, width
        )


def bonus(verdicts: Verdicts) -> Floats:
    """Return x / (x + HALF), in [0, 1): x inliers are beyond those that chance would explain."""
    beyond = np.where(verdicts.are_verified, verdicts.inliers - verdicts.thresholds + 1, 0)
    return np.asarray(beyond / (beyond + float(HALF)))


def mapped_boxes(verdicts: Verdicts, outline: Floats, sizes: NDArray[np.int64]) -> Floats:
    """Return the boxes around an outline (m, 2) as verified transforms take it there, clipped to the images.

    float64 (n, 4): row, col, height, width; NaN if the candidate is not verified, or the box is outside.
    """
    a, b, c, d = verdicts.transforms.T[:, :, None]  # (4, n, 1) against (m,) points of the outline
    # An outline is measured from the corner of the first pixel, points from its centre.
    rows, cols = outline[:, 0] - 0.5, outline[:, 1] - 0.5
    moved = np.stack([c + a * rows + b * cols, d - b * rows + a * cols], axis=-1) + 0.5
    limits = sizes[:, None, :].astype(np.float64)
    inside = np.clip(moved, 0, limits)
    low, high = inside.min(axis=1), inside.max(axis=1)
    boxes = np.concatenate([low, high - low], axis=1)
    boxes[~verdicts.are_verified | (high <= low).any(axis=1)] = np.nan
    return boxes


def _extent(outline: tuple[Floats, ...]) -> float:
    """Return the longer side of the box around an outline."""
    return max(float(np.ptp(np.concatenate(outline), axis=0).max()), 1.0)


def _comparable(query: NDArray[np.void], candidates: NDArray[np.void]) -> NDArray[np.void]:
    """Return those points of a query whose frames are not smaller than nearly all of the candidates'.

    A small region has points of its own, and finer ones; words of a scale that the candidates lack would
    drown the others. All of them if no other is left.
    """
    if not len(candidates):
        return query
    kept = query[query["scale"] >= np.quantile(candidates["scale"].astype(np.float32), _FINER)]
    return kept if len(kept) else query
