"""The explanation of a hit: what made an image one, and a test of whether that is true."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import SettingError
from ...evidence.deletion_test import N_SCORED, Deletion, deletion
from ...evidence.explanation import Explainer, Explanation, explains, similarity
from ...evidence.localization import Candidates, Located, Locator
from ...evidence.occlusion import n_scored, occlusion
from ...picture import Picture
from ...region import Region
from ...representation import Derived, Encoding
from ..storage.snapshot import Snapshot
from .encode_query import EncodedQuery, encode_query, representations
from .query_options import QueryImage, QueryOptions
from .rank import rank
from .rerank import Box, gather_evidence, n_reranked


@dataclass(frozen=True, eq=False)
class HitExplanation:
    """A hit explained.

    Parameters
    ----------
    by : the representation that is explained.
    query, hit : both images.
    region : the part of the query that is searched for.
    score : what the representation gives this hit, after reranking if it reranks, together with the best of
        the whole index, whatever conditions a query had.
    box : where the query matched, (row, col, height, width) in pixels, if known.
    explanation : where the score comes from.
    deletion : whether the score falls if that is covered.
    """

    by: str
    query: Picture
    hit: Picture
    region: Region | None
    score: float
    box: Box | None
    explanation: Explanation
    deletion: Deletion


Report = Callable[[int, int], object]
"""Called with the number of scores computed, and the largest number that there may be."""


def explain(
    snapshot: Snapshot,
    query: QueryImage,
    hit: QueryImage,
    options: QueryOptions,
    report: Report = lambda done, total: None,
) -> HitExplanation:
    """Explain why a query finds an image, and test it.

    Parameters
    ----------
    query, hit : images, or names of indexed ones, whose files are read.
    options : ``by``, ``region`` and ``adjust`` count; of several representations the first that keeps points
        or windows to tell by. If none does, parts of the hit are covered one after the other.
    report : called before each score is computed, from 0.

    Raises
    ------
    SettingError : no such representation, or one that kept nothing to tell by; a region without a pixel; or
        options that make no sense here.
    PictureError : a file cannot be read.
    """
    options.refuse_others("by", "region", "adjust", because="one hit is explained, however it was found")
    # A representation that a metric replaces in queries can still explain.
    fitted = [name for name, stored in snapshot.stored.items() if stored.is_fitted]
    by = _explaining(snapshot, representations(snapshot, replace(options, by=options.by or fitted)))
    name = hit.id if isinstance(hit, Picture) else hit
    # Both files are read and encoded: the test below covers parts of the hit, which no index has stored.
    query, hit = (one if isinstance(one, Picture) else snapshot.read(one) for one in (query, hit))
    if options.region is not None and not options.region.mask(_shape(query)).any():
        raise SettingError("region: it holds no pixel of the query; mark more of it")
    (encoded,) = encode_query(snapshot, query, replace(options, by=[by]))
    own, others = encoded.representation.encode(hit), _others(snapshot, encoded, name)

    is_told = _keeps(encoded, own) is not None
    asked, total = itertools.count(), N_SCORED + (0 if is_told else n_scored(hit))

    # A covered image is scored just as the hit is, so that the difference is what was covered.
    def score(picture: Picture) -> float:
        report(next(asked), total)
        return _score(encoded, encoded.representation.encode(picture), _shape(hit), others)[0]

    found = _explanation(encoded, own, hit, score)
    whole, box = _score(encoded, own, _shape(hit), others)
    tested = deletion(score, hit, found.heat)
    return HitExplanation(by, query, hit, options.region, whole, box, found, tested)


def _explaining(snapshot: Snapshot, names: Sequence[str]) -> str:
    """Return the first representation that can say what counted; the first of all if none can."""
    able = (name for name in names if explains(snapshot.representation(name)))
    return next(able, names[0])


def _explanation(
    encoded: EncodedQuery, own: Encoding, hit: Picture, score: Callable[[Picture], float]
) -> Explanation:
    """Explain a hit by what its representation kept of it, else by covering one part after the other."""
    if (explainer := _keeps(encoded, own)) is not None:
        return explainer.explain(encoded.encoding, encoded.shape, encoded.region, own, _shape(hit))
    # Each number of a learnt metric mixes all of its base, and a baseline keeps no points; nor does an
    # embedding, unless windows are asked for.
    return Explanation(occlusion(score, hit), np.zeros((0, 4), np.float32), np.zeros(0, np.bool_))


def _keeps(encoded: EncodedQuery, own: Encoding) -> Explainer | None:
    """Return the representation if it can tell by what it kept of the hit."""
    made = encoded.representation
    return made if isinstance(made, Explainer) and own.evidence is not None else None


def _others(snapshot: Snapshot, encoded: EncodedQuery, hit: str) -> NDArray[np.void] | None:
    """Return the evidence of the images that a region reranks beside a hit; None if it reranks none, or all.

    What a word says of a place in an image depends on how many of them have it.
    """
    n = n_reranked(encoded)
    if not n or encoded.region is None:
        return None
    best = rank(snapshot, encoded, n, None)
    is_other = np.array([snapshot.names[id] != hit for id in best.ids.tolist()], dtype=bool)
    found = gather_evidence(snapshot, encoded.name, best.ids[is_other], best.scores[is_other])
    return None if found is None else found.evidence


def _score(
    encoded: EncodedQuery, hit: Encoding, shape: tuple[int, int], others: NDArray[np.void] | None
) -> tuple[float, Box | None]:
    """Return what a representation gives one image, reranked if it reranks, and where the query matched."""
    first = _first_score(encoded, hit)
    located = _located(encoded, hit, shape, first, others)
    if located is None:
        return first, None
    row, col, height, width = located.boxes[0].tolist()
    return float(located.scores[0]), None if np.isnan(row) else (row, col, height, width)


def _first_score(encoded: EncodedQuery, hit: Encoding) -> float:
    """Return what the ranker of a representation computes, for this one pair."""
    query = encoded.encoding.vector
    # A metric that is blended with its base ranks by two rankers what is one inner product.
    if isinstance(encoded.representation, Derived):
        return similarity(query, hit.vector)
    ranker = encoded.representation.make_ranker()
    ranker.add(np.zeros(1, np.int64), [hit.vector])
    return float(ranker.rank(query, 1).scores[0])


def _located(
    encoded: EncodedQuery,
    hit: Encoding,
    shape: tuple[int, int],
    score: float,
    others: NDArray[np.void] | None,
) -> Located | None:
    """Rerank the one image as a query does; None if the representation does not rerank."""
    if n_reranked(encoded) == 0 or hit.evidence is None or not isinstance(encoded.representation, Locator):
        return None
    offsets, shapes = np.array([0, len(hit.evidence)]), np.array([shape], dtype=np.int64)
    candidates = Candidates(hit.evidence, offsets, shapes, np.array([score], dtype=np.float32), others)
    return encoded.representation.locate(encoded.encoding, encoded.shape, encoded.region, candidates)


def _shape(picture: Picture) -> tuple[int, int]:
    return int(picture.shape[0]), int(picture.shape[1])
