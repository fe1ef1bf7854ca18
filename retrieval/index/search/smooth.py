"""Smoothing of an answer: the best images of each representation, by their stored vectors."""

from __future__ import annotations

from dataclasses import replace

from ...answers.smoothing import POOL, smooth
from ...errors import SettingError
from ...rankers.selective_match import SelectiveIndex
from ..storage.snapshot import Snapshot
from .query_options import QueryImage
from .rerank import Reranked


def check_smoothing(snapshot: Snapshot, name: str) -> None:
    """Raise SettingError if a representation has binary codes, which have no cosines."""
    if isinstance(snapshot.representation(name).make_ranker(), SelectiveIndex):
        raise SettingError(f"smooth: {name} ranks by binary codes; leave smooth out, or name others with by")


def smoothed(snapshot: Snapshot, reranked: Reranked, query: QueryImage, n: int) -> Reranked:
    """Return what a representation answers, its scores smoothed over n neighbours; see ``smooth``.

    A ranking that local evidence ordered stays as it is: its scores are no cosines.
    """
    if reranked.matches:
        return reranked
    ranker, ranking = snapshot.ranker(reranked.query.name), reranked.ranking
    vectors = [ranker.vector(id) for id in ranking.ids[:POOL].tolist()]
    itself = snapshot.position(query) if isinstance(query, str) else None
    return replace(reranked, ranking=smooth(ranking, vectors, n, itself))
