"""The locator: where the words of a query are in other pictures, by agreement in space or by likeness."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.localization import Candidates, Located
from retrieval.ranker import order
from retrieval.region import Region

from .geometric import Verdicts, verify
from .matching import Frames
from .signature_similarity import sharpened_likeness
from .sliding_window import Profile, best_windows, rarity

Floats = NDArray[np.float64]

HALF = 10
"""With so many matches more than chance explains, half of the bonus is earned."""
TONE_SHARE = 0.7
"""The share of tone in the likeness of windows: it tells small things apart by few points."""
_FINER = 0.05


@dataclass(frozen=True)
class WordLocator:
    """Find a query in candidates by the evidence of both.

    Parameters
    ----------
    n_shapes, n_tones : how many words there are for shape, and for tone; 0 where tone is left out.
    """

    n_shapes: int
    n_tones: int

    def locate(
        self,
        query: NDArray[np.void],
        shape: tuple[int, int],
        region: Region | None,
        candidates: Candidates,
    ) -> Located:
        """Return scores, boxes and numbers of inliers.

        The score is the first one, and a bonus in [0, 1) for the matches that agree in space beyond what
        chance explains. The box is that of the region's outline, or the picture's, as the transform takes it
        there; for a region without proof it is the window whose words are most like its own. The likeness of
        that window, in [0, 1], is added to the score of a region: what a picture has in one place tells more
        of a region than what it has anywhere.
        """
        frames = Frames.of(candidates.evidence)
        outline = (region or Region.whole(shape)).polygons
        verdicts = verify(
            Frames.of(query), frames, candidates.offsets, candidates.shapes, self.n_shapes, _extent(outline)
        )
        boxes = mapped_boxes(verdicts, np.concatenate(outline), candidates.shapes)
        scores = candidates.scores + bonus(verdicts).astype(np.float32)
        if region is not None and len(query):
            unproven = ~verdicts.are_verified
            windows, likeness = self.windows(query, region, candidates, frames)
            boxes[unproven] = windows[unproven]
            scores += likeness.astype(np.float32)
        n_inliers = np.where(verdicts.are_verified, verdicts.inliers, 0)
        return Located(scores, boxes.astype(np.float32), n_inliers.astype(np.int32))

    def sharpened(
        self,
        query: NDArray[np.void],
        candidates: Candidates,
        word_weights: NDArray[np.floating],
        share: float,
    ) -> Candidates:
        """Return candidates with scores in which matches of like signatures take the place of like words.

        Of a score the words for shape have made ``share`` times the cosine of two bags (exactly, where ``tf``
        is sqrt and ``norm`` l2); that is taken away, and as much of the likeness by signatures is added
        (``bovw.verification.signature_similarity``). What tones, soft assignment, feedback or expansion have
        made of the score stays. No score falls below 0.
        """
        ours, theirs = Frames.of(query), Frames.of(candidates.evidence)
        near, together = (
            sharpened_likeness(ours, theirs, candidates.offsets, word_weights, n_bits)
            for n_bits in (ours.n_bits, 0)
        )
        scores = candidates.scores + share * (near - together)
        return replace(candidates, scores=np.maximum(scores, 0).astype(np.float32))

    def locate_best(
        self, query: NDArray[np.void], shape: tuple[int, int], candidates: Candidates, n: int
    ) -> Located:
        """Locate a whole picture in the n candidates of the highest scores; the others keep theirs."""
        size = len(candidates)
        best = order(np.arange(size), candidates.scores, min(n, size)).ids
        scores, boxes = candidates.scores.copy(), np.full((size, 4), np.nan, np.float32)
        n_inliers = np.zeros(size, np.int32)
        if len(best):
            found = self.locate(query, shape, None, candidates.chosen(best))
            scores[best], boxes[best], n_inliers[best] = found.scores, found.boxes, found.n_inliers
        return Located(scores, boxes, n_inliers)

    def windows(
        self, query: NDArray[np.void], region: Region, candidates: Candidates, frames: Frames
    ) -> tuple[Floats, Floats]:
        """Return the windows most like a region, float64 (n, 4), and how like they are, float64 (n,)."""
        has_tone = self.n_tones > 0 and "tone" in (candidates.evidence.dtype.names or ())
        kinds = [("word", self.n_shapes, 1 - TONE_SHARE if has_tone else 1.0)]
        if has_tone:
            kinds.append(("tone", self.n_tones, TONE_SHARE))
        query = _comparable(query, candidates.evidence)
        words = tuple(candidates.evidence[kind].astype(np.int64) for kind, *_ in kinds)
        profiles = tuple(
            Profile.of(query[kind].astype(np.int64), rarity(theirs, size))
            for (kind, size, _), theirs in zip(kinds, words, strict=True)
        )
        _, _, height, width = region.bounds()
        shares = tuple(share for *_, share in kinds)
        return best_windows(
            profiles, shares, words, frames.places, candidates.offsets, candidates.shapes, height, width
        )


def bonus(verdicts: Verdicts) -> Floats:
    """Return x / (x + HALF), in [0, 1): x matches agree beyond those that chance would explain."""
    beyond = np.where(verdicts.are_verified, verdicts.inliers - verdicts.needed + 1, 0)
    return np.asarray(beyond / (beyond + float(HALF)))


def mapped_boxes(verdicts: Verdicts, outline: Floats, shapes: NDArray[np.int64]) -> Floats:
    """Return the boxes around an outline (m, 2) as proven transforms take it there, clipped to the pictures.

    float64 (n, 4): row, col, height, width; NaN where nothing is proven, or lies outside.
    """
    a, b, c, d = verdicts.transforms.T[:, :, None]
    # An outline is measured from the corner of the first pixel, points from its centre.
    rows, cols = outline[:, 0] - 0.5, outline[:, 1] - 0.5
    moved = np.stack([c + a * rows + b * cols, d - b * rows + a * cols], axis=-1) + 0.5
    limits = shapes[:, None, :].astype(np.float64)
    inside = np.clip(moved, 0, limits)
    low, high = inside.min(axis=1), inside.max(axis=1)
    boxes = np.concatenate([low, high - low], axis=1)
    boxes[~verdicts.are_verified | (high <= low).any(axis=1)] = np.nan
    return boxes


def _extent(outline: tuple[Floats, ...]) -> float:
    """Return the longer side of the box around an outline."""
    return max(float(np.ptp(np.concatenate(outline), axis=0).max()), 1.0)


def _comparable(query: NDArray[np.void], candidates: NDArray[np.void]) -> NDArray[np.void]:
    """Return those points of a query whose frames are not smaller than nearly all of the candidates' are.

    A small region has points of its own, and finer ones; words of a scale that the candidates lack would
    drown the others. All of them where no other is there.
    """
    if not len(candidates):
        return query
    kept = query[query["scale"] >= np.quantile(candidates["scale"].astype(np.float32), _FINER)]
    return kept if len(kept) else query
