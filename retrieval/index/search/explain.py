"""The explanation of a hit: what made an image one, and a test of whether that is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import SettingError
from ...evidence.deletion_test import Deletion, deletion
from ...evidence.explanation import Explainer, Explanation, similarity
from ...evidence.localization import Candidates, Located, Locator
from ...picture import Picture
from ...region import Region
from ...representation import Encoding
from ..storage.snapshot import Snapshot
from .encode_query import EncodedQuery, encode_query, representations
from .query_options import QueryImage, QueryOptions
from .rerank import Box, n_reranked


@dataclass(frozen=True, eq=False)
class HitExplanation:
    """A hit explained.

    Parameters
    ----------
    by : the representation that is explained.
    query, hit : both images.
    region : the part of the query that is searched for.
    score : what the representation gives this hit, after reranking if it reranks.
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


def explain(snapshot: Snapshot, query: QueryImage, hit: QueryImage, options: QueryOptions) -> HitExplanation:
    """Explain why a query finds an image, and test it.

    Parameters
    ----------
    query, hit : images, or names of indexed ones, whose files are read.
    options : ``by``, ``region`` and ``adjust`` count; of several representations the first that can explain.

    Raises
    ------
    SettingError : no such representation, one that cannot tell, or one that kept nothing to tell by; a region
        without a pixel; or options that make no sense here.
    PictureError : a file cannot be read.
    """
    options.refuse_others("by", "region", "adjust", because="one hit is explained, however it was found")
    # A representation that a metric replaces in queries can still explain.
    fitted = [name for name, stored in snapshot.stored.items() if stored.is_fitted]
    by = _explaining(snapshot, representations(snapshot, replace(options, by=options.by or fitted)))
    # Both files are read and encoded: the test below covers parts of the hit, which no index has stored.
    query, hit = (one if isinstance(one, Picture) else snapshot.read(one) for one in (query, hit))
    if options.region is not None and not options.region.mask(_shape(query)).any():
        raise SettingError("region: it holds no pixel of the query; mark more of it")
    (encoded,) = encode_query(snapshot, query, replace(options, by=[by]))
    own = encoded.representation.encode(hit)
    assert isinstance(encoded.representation, Explainer)
    found = encoded.representation.explain(encoded.encoding, encoded.shape, encoded.region, own, _shape(hit))

    # A covered image is scored just as the hit is, so that the difference is what was covered.
    def score(picture: Picture) -> float:
        return _score(encoded, encoded.representation.encode(picture), _shape(hit))[0]

    whole, box = _score(encoded, own, _shape(hit))
    tested = deletion(score, hit, found.heat)
    return HitExplanation(by, query, hit, options.region, whole, box, found, tested)


def _explaining(snapshot: Snapshot, names: Sequence[str]) -> str:
    """Return the first representation that can explain. Raise SettingError if there is none."""
    for name in names:
        if isinstance(snapshot.representation(name), Explainer):
            return name
    if base := snapshot.stored_representation(names[0]).base:
        raise SettingError(
            f"by: {names[0]} is a learnt metric: each of its numbers mixes all of {base}, so that no part of "
            f"the score belongs to a place in an image; explain the hit by {base}"
        )
    raise SettingError(
        f"by: {', '.join(names)} cannot tell what made a hit; choose superpixel, dense, sift or deep"
    )


def _score(encoded: EncodedQuery, hit: Encoding, shape: tuple[int, int]) -> tuple[float, Box | None]:
    """Return what a representation gives one image, reranked if it reranks, and where the query matched."""
    # What rankers compute for the whole index, for this one pair.
    first = similarity(encoded.encoding.vector, hit.vector)
    located = _located(encoded, hit, shape, first)
    if located is None:
        return first, None
    row, col, height, width = located.boxes[0].tolist()
    return float(located.scores[0]), None if np.isnan(row) else (row, col, height, width)


def _located(encoded: EncodedQuery, hit: Encoding, shape: tuple[int, int], score: float) -> Located | None:
    """Rerank the one image as a query does; None if the representation does not rerank."""
    if n_reranked(encoded) == 0 or hit.evidence is None or not isinstance(encoded.representation, Locator):
        return None
    offsets, shapes = np.array([0, len(hit.evidence)]), np.array([shape], dtype=np.int64)
    candidates = Candidates(hit.evidence, offsets, shapes, np.array([score], dtype=np.float32))
    return encoded.representation.locate(encoded.encoding, encoded.shape, encoded.region, candidates)


def _shape(picture: Picture) -> tuple[int, int]:
    return int(picture.shape[0]), int(picture.shape[1])
