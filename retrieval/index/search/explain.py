"""The reasons: what made a picture of an index a hit, by one of its representations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import SettingError
from ...explanation import Deletion, Explainer, Explanation, deletion, likeness
from ...localization import Candidates, Located, Locator
from ...picture import Picture
from ...region import Region
from ...representation import Encoding, Representation

if TYPE_CHECKING:
    from ..index import Index

Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class HitExplanation:
    """A hit explained: both pictures, the region asked with, score, the box if known, why, and the test."""

    query: Picture
    hit: Picture
    region: Region | None
    score: float
    box: Box | None
    explanation: Explanation
    deletion: Deletion


def explain(index: Index, by: str, query: Picture, hit: Picture, region: Region | None) -> HitExplanation:
    """Explain why a query finds a picture, and test it.

    The score is what the representation gives this one picture: after its second look, where it has one.

    Raises
    ------
    SettingError : no such representation, one that cannot tell, or one that kept nothing to tell by; a region
        without a pixel.
    """
    representation = index.representation(by)
    if not isinstance(representation, Explainer):
        raise SettingError(f"by: {by} cannot tell what made a hit; choose superpixel, dense, sift or deep")
    if region is not None and not region.mask(_shape(query)).any():
        raise SettingError("region: it holds no pixel of the query; mark more of it")
    sought = representation.encode_query(query, region)
    encoded = representation.encode(hit)
    shape, hit_shape = _shape(query), _shape(hit)
    found = representation.explain(sought, shape, region, encoded, hit_shape)
    located = _located(representation, sought, shape, region, encoded, hit_shape)

    def score(picture: Picture) -> float:
        again = representation.encode(picture)
        second = _located(representation, sought, shape, region, again, hit_shape)
        return likeness(sought.vector, again.vector) if second is None else float(second.scores[0])

    whole = likeness(sought.vector, encoded.vector) if located is None else float(located.scores[0])
    box = None if located is None or np.isnan(located.boxes[0, 0]) else tuple(located.boxes[0].tolist())
    return HitExplanation(query, hit, region, whole, box, found, deletion(score, hit, found.heat))


def _located(
    representation: Representation,
    sought: Encoding,
    shape: tuple[int, int],
    region: Region | None,
    encoded: Encoding,
    hit_shape: tuple[int, int],
) -> Located | None:
    """Look at the one picture as a query does; None where the representation does not look again."""
    if not isinstance(representation, Locator) or representation.n_candidates(region is not None) == 0:
        return None
    if sought.evidence is None or encoded.evidence is None:
        return None
    first = np.array([likeness(sought.vector, encoded.vector)], dtype=np.float32)
    offsets, shapes = np.array([0, len(encoded.evidence)]), np.array([hit_shape], dtype=np.int64)
    return representation.locate(sought, shape, region, Candidates(encoded.evidence, offsets, shapes, first))


def _shape(picture: Picture) -> tuple[int, int]:
    return int(picture.shape[0]), int(picture.shape[1])
