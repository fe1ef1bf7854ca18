"""A stand-in for reranking: representations without local evidence get new scores for their first images."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.evidence.localization import Located
from retrieval.index.search import refined, rerank, sampled_scores


def rerank_first_images(patch: pytest.MonkeyPatch, n: int, name: str) -> None:
    """Rerank the first n images that a representation ranks, by scores that depend on their numbers.

    Some of these are far below those of other images, some are equal, and every second image has a match.
    """

    def n_reranked(encoded) -> int:
        return n if encoded.name == name else 0

    def locate(snapshot, encoded, positions, scores) -> Located:
        boxes = np.where(positions[:, None] % 2, np.nan, positions[:, None] + np.arange(4.0))
        found = scores + (positions * 7919 % 5 - 2) / np.float32(8)
        return Located(found.astype(np.float32), boxes.astype(np.float32), positions.astype(np.int32))

    for module in (refined, rerank, sampled_scores):
        patch.setattr(module, "n_reranked", n_reranked)
    patch.setattr(rerank, "_locate", locate)
