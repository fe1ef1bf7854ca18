"""Held-out queries: what a learned metric has seen is asked by what was learnt without it.

An image that a metric was learnt from finds its own class by the label that it gave, so that a confidence
would be far too good. A p-value would be even for a new image: the metric has drawn images of one label
together, so that whatever is near one of them is near many. The metric keeps projections that were learnt
without each of five folds of its images. A confidence is learnt with queries, each asked by the projection of
its own fold (``hold_out``). For a p-value the images that may be found are unseen too (``out_of_fold``).

The weights of a learnt fusion are a few numbers, which move no image towards another: it is enough that they
were learnt without the labels of the query and of its fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...metric_learning import HeldOut, LearnedMetric
from ...metric_learning.blended_ranker import blended, join
from ...metric_learning.held_out import UNSEEN, Projected
from ...ranker import Ranker
from ...rankers.dense import ExactRanker
from ...representation import Adjustable, Encoding, Vector
from ..catalogue.learned_fusions import FusionFolds, read_folds
from ..storage.snapshot import Snapshot
from .candidates import own_position
from .encode_query import EncodedQuery, encode_query, stored_vector
from .fusion import fusion_rule
from .metric_folds import comparable_with, metric_folds
from .query_options import QueryImage, QueryOptions


def hold_out(
    snapshot: Snapshot, query: QueryImage, encoded: Sequence[EncodedQuery], options: QueryOptions
) -> list[EncodedQuery]:
    """Return encoded queries, all that was learnt from the query replaced by what was learnt without it."""
    return _weighted(snapshot, query, _held_out(snapshot, query, encoded, options), options)


def held_out_ranker(snapshot: Snapshot, name: str, position: int) -> Ranker:
    """Return a ranker of all images that was not learnt from one of them; the index's own if none was."""
    metric = snapshot.representation(name)
    if not isinstance(metric, LearnedMetric) or metric.held_out_ is None:
        return snapshot.ranker(name)
    fold = metric.held_out_.fold_of(int(snapshot.ids[position]))
    if fold is None:
        return snapshot.ranker(name)
    base, projection = snapshot.ranker(str(snapshot.stored[name].base)), metric.held_out_.projections[fold]

    def project() -> Ranker:
        return blended(_project(base, projection), base, projection.dimension, metric.base_weight)

    return snapshot.cached(("held out", name, str(fold)), project)


def out_of_fold(
    snapshot: Snapshot, query: QueryImage, encoded: Sequence[EncodedQuery], options: QueryOptions
) -> list[EncodedQuery]:
    """Return encoded queries whose scores owe nothing to the label of any image that may be found.

    An image that a metric has seen asks by the projection of its own fold, and only images of that fold may
    be found (``comparable``). For any other, each image of the index is compared by that of its own.
    """
    unseen = [
        _by_all_folds(snapshot, query, before, options) if after is before else after
        for before, after in zip(encoded, _held_out(snapshot, query, encoded, options), strict=True)
    ]
    return _weighted(snapshot, query, unseen, options)


def comparable(snapshot: Snapshot, queries: Sequence[QueryImage], names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which images no learned metric has seen that has not seen the same of the queries, bool (n,)."""
    mask = np.ones(len(snapshot), dtype=np.bool_)
    places = (own_position(snapshot, query) for query in queries)
    positions = [position for position in places if position is not None]
    for folds in metric_folds(snapshot, names):
        for fold in {UNSEEN, *folds[positions].tolist()}:
            mask &= comparable_with(folds, fold)
    return mask


def without_folds(snapshot: Snapshot, names: Sequence[str], options: QueryOptions) -> tuple[str, ...]:
    """Return what answers by some representations, and knows no ranking without the labels that it saw.

    Learned metrics by their names, and a learnt fusion as ``fusion of …``.
    """
    metrics = ((name, snapshot.representation(name)) for name in names)
    found = [name for name, one in metrics if isinstance(one, LearnedMetric) and one.held_out_ is None]
    if _is_weighted(snapshot, names, options) and tuple(sorted(names)) not in fusion_folds(snapshot):
        found.append(f"fusion of {', '.join(sorted(names))}")
    return tuple(found)


def fusion_folds(snapshot: Snapshot) -> Mapping[tuple[str, ...], FusionFolds]:
    """Return the folds of learned fusions, by their representations in order of name; older have none."""
    return snapshot.cached(("fusion folds",), lambda: read_folds(snapshot.catalogue))


def _is_weighted(snapshot: Snapshot, names: Sequence[str], options: QueryOptions) -> bool:
    return len(names) > 1 and fusion_rule(snapshot, names, options) == "learnt"


def _weighted(
    snapshot: Snapshot, query: QueryImage, encoded: Sequence[EncodedQuery], options: QueryOptions
) -> list[EncodedQuery]:
    """Return encoded queries with the weights of a learnt fusion that has not seen the query's label."""
    names = [one.name for one in encoded]
    is_weighted = _is_weighted(snapshot, names, options)
    folds = fusion_folds(snapshot).get(tuple(sorted(names))) if is_weighted else None
    position = own_position(snapshot, query)
    if folds is None or position is None:
        return list(encoded)
    weights = folds.without(int(snapshot.ids[position]), names)
    if weights is None:
        return list(encoded)
    return [replace(one, weight=weight) for one, weight in zip(encoded, weights, strict=True)]


def _held_out(
    snapshot: Snapshot, query: QueryImage, encoded: Sequence[EncodedQuery], options: QueryOptions
) -> list[EncodedQuery]:
    """Return encoded queries, each learned metric that has seen the query replaced by that of its fold."""
    position = own_position(snapshot, query)
    if position is None:
        return list(encoded)  # a new image: nothing was learnt from it
    return [_by_own_fold(snapshot, query, one, position, options) for one in encoded]


def _by_own_fold(
    snapshot: Snapshot, query: QueryImage, encoded: EncodedQuery, position: int, options: QueryOptions
) -> EncodedQuery:
    ranker, metric = held_out_ranker(snapshot, encoded.name, position), encoded.representation
    if ranker is snapshot.ranker(encoded.name) or not isinstance(metric, LearnedMetric):
        return encoded
    held_out = metric.held_out_
    assert held_out is not None  # else the ranker would be that of the index
    fold = held_out.fold_of(int(snapshot.ids[position]))
    assert fold is not None
    vector = _of_base(snapshot, query, encoded, options)
    own = held_out.projections[fold].project(vector)
    asked = join(own, vector, metric.base_weight) if metric.base_weight else own
    return replace(encoded, encoding=Encoding(asked, encoded.encoding.evidence), ranker=ranker)


def _of_base(snapshot: Snapshot, query: QueryImage, encoded: EncodedQuery, options: QueryOptions) -> Vector:
    """Return the vector of a query, or of the region of it that asks, by the base of a learned metric."""
    metric, base = encoded.representation, str(snapshot.stored[encoded.name].base)
    if isinstance(query, str) and encoded.region is None and not options.adjust:
        return stored_vector(snapshot, base, query)
    known = metric.query_settings if isinstance(metric, Adjustable) else ()
    adjust = {name: value for name, value in (options.adjust or {}).items() if name in known}
    asked = QueryOptions(by=(base,), region=encoded.region, adjust=adjust)
    return encode_query(snapshot, query, asked)[0].encoding.vector


def _by_all_folds(
    snapshot: Snapshot, query: QueryImage, encoded: EncodedQuery, options: QueryOptions
) -> EncodedQuery:
    metric = encoded.representation
    if not isinstance(metric, LearnedMetric) or metric.held_out_ is None:
        return encoded
    held_out, base = metric.held_out_, str(snapshot.stored[encoded.name].base)
    vector = _of_base(snapshot, query, encoded, options)
    # One block for each fold: an image has zeros in all but its own, so that the inner product with the query
    # is the cosine after the projection of the image's fold.
    blocks = np.concatenate([projection.project(vector) for projection in held_out.projections], axis=-1)

    # Joined, all blocks together have unit length, and the one that counts 1 / √folds of it.
    weight = metric.base_weight / len(held_out.projections) ** 0.5

    def in_blocks() -> Ranker:
        stored = snapshot.ranker(base)
        return blended(_in_blocks(snapshot, stored, held_out), stored, blocks.shape[-1], weight)

    ranker = snapshot.cached(("out of fold", encoded.name), in_blocks)
    asked = join(blocks, vector, weight) if weight else blocks
    return replace(encoded, encoding=Encoding(asked, encoded.encoding.evidence), ranker=ranker)


def _in_blocks(snapshot: Snapshot, stored: Ranker, held_out: HeldOut) -> ExactRanker:
    positions = np.asarray(stored.ids(), dtype=np.int64)
    # Images that the metric has not seen are unseen in every fold: the first one does.
    folds = np.maximum(held_out.folds_of(snapshot.ids[positions]), 0)
    widths = [projection.dimension for projection in held_out.projections]
    starts = np.concatenate([[0], np.cumsum(widths)])
    rows = np.zeros((len(positions), int(starts[-1])), dtype=np.float32)
    for fold, projection in enumerate(held_out.projections):
        own = np.flatnonzero(folds == fold)
        vectors = [stored.vector(int(position)) for position in positions[own].tolist()]
        rows[own, starts[fold] : starts[fold + 1]] = projection.project_all(vectors)
    ranker = ExactRanker(int(starts[-1]), "dot")
    ranker.add(positions, rows)
    return ranker


def _project(stored: Ranker, projection: Projected) -> ExactRanker:
    """Return the ranker of the stored vectors of a base after a projection."""
    positions = stored.ids()
    ranker = ExactRanker(projection.dimension)
    vectors = projection.project_all([stored.vector(int(position)) for position in positions.tolist()])
    ranker.add(np.asarray(positions, dtype=np.int64), vectors)
    return ranker
