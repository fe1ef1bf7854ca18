"""Novelty: is a query unlike anything in the index?

Its likeness to its nearest image is compared with what the index's own images have: each image of a sample
is a query without its own case, and the likeness to its nearest is noted. Whether it is of another kind, of a
modality that the index has never seen, is judged by plain properties of thumbnails (``answers.image_kind``).
Near-duplicates count once, and are of one case, since each would find the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...answers.image_kind import FEWEST, KindSample, describe_kind
from ..storage.snapshot import Snapshot
from ..storage.thumbnail import make_thumbnail, thumbnail_pixels
from .candidates import Mask, named, own_case, own_position
from .encode_query import EncodedQuery
from .held_out import held_out_ranker
from .independent_sample import IndependentSample, best_of_others
from .metric_folds import can_be_asked
from .query_options import QueryImage, QueryOptions

_MOST_READ = 10_000_000
"""Vectors that a sample may be compared with in all, so that a first answer takes seconds; of an index of
more than 67,000 images it is more, since a sample below ``_FEWEST`` would be of no use."""

_MOST, _FEWEST = 200, 150
"""Images of a sample: at most, and in a large index. Of n images no share is below 1 / (n + 1), and of three
representations three times that: fewer than 149 images could never be enough for ``UNLIKE``, 0.02."""

_MOST_KINDS = 300
"""Thumbnails that are read to know the kinds of images of an index."""

_LEAST = 20
"""A sample of fewer images tells nothing: one of them would be 5 %."""


def likeness_percentile(
    snapshot: Snapshot, query: QueryImage, encoded: Sequence[EncodedQuery], options: QueryOptions, column: str
) -> float | None:
    """Return the share of a sample whose nearest is no more alike to it than the query's, in (0, 1].

    The query counts as one of the sample, (1 + number) / (1 + size), as in a permutation test (Phipson and
    Smyth 2010): else new images would be called strange more often than is said. Of n representations the
    smallest share counts, n times (Bonferroni): being strange to one is enough, and n of them are looked at.
    None if only a region was searched for, which is never as like a whole image; or if the index is too
    small.

    Parameters
    ----------
    encoded : the query without feedback, which would make it like what was liked.
    column : what makes a case; the query's own is left out.
    """
    if options.region is not None:
        return None
    # The likeness to another image of the own case says nothing: the sample is asked without those too.
    mask = _others(snapshot, query, options, column)
    found = (_share(snapshot, query, one, column, mask) for one in encoded)
    shares = [share for share in found if share is not None]
    return min(1.0, len(shares) * min(shares)) if shares else None


def kind_percentile(
    snapshot: Snapshot, queries: Sequence[QueryImage], options: QueryOptions, column: str
) -> float | None:
    """Return the share of a sample that is as unusual a kind of image as the queries, in (0, 1].

    ``queries`` is one image, or the slices of a volume, whose median counts. None if only a region was
    searched for, or the index is too small.
    """
    if options.region is not None:
        return None
    kinds = snapshot.cached(("kinds", column), lambda: _kinds(snapshot, column))
    return None if kinds is None else float(np.median([_kind(snapshot, *kinds, query) for query in queries]))


def _kind(snapshot: Snapshot, drawn: IndependentSample, sample: KindSample, query: QueryImage) -> float:
    position = own_position(snapshot, query)
    if position is None:
        assert not isinstance(query, str)  # which has a position, or is refused
        # As a thumbnail too: what JPEG takes away, it takes from both.
        return sample.share_as_far(describe_kind(thumbnail_pixels(make_thumbnail(query).tobytes())))
    row = describe_kind(thumbnail_pixels(snapshot.thumbnail(position)))
    return sample.share_as_far(row, drawn.cases_of(position))


def _kinds(snapshot: Snapshot, column: str) -> tuple[IndependentSample, KindSample] | None:
    if len(snapshot) < FEWEST:
        return None
    drawn = np.random.default_rng(0).permutation(len(snapshot))
    # Enough for any size of index: 5 % of 300 is 15 images. None of a shard that is away can be looked at.
    chosen = drawn[snapshot.available[drawn]][:_MOST_KINDS]
    sample = IndependentSample.of(snapshot, column, chosen)
    if len(sample.positions) < FEWEST:
        return None
    rows = [describe_kind(thumbnail_pixels(snapshot.thumbnail(int(one)))) for one in sample.positions]
    return sample, KindSample(np.array(rows), sample.cases[sample.is_first])


def _others(snapshot: Snapshot, query: QueryImage, options: QueryOptions, column: str) -> Mask:
    """Return the images of other cases, among those that may be found by name."""
    mask = ~own_case(snapshot, query, column)
    return mask if options.among is None else mask & named(snapshot, options.among)


def _share(
    snapshot: Snapshot, query: QueryImage, encoded: EncodedQuery, column: str, mask: Mask
) -> float | None:
    name = encoded.name
    sample = snapshot.cached(("nearest", name, column), lambda: _nearest(snapshot, name, column))
    if len(sample) < _LEAST:
        return None
    # First scores on both sides: the sample is not reranked either.
    ranker = snapshot.ranker(name) if encoded.ranker is None else encoded.ranker
    vector = encoded.encoding.vector
    position = own_position(snapshot, query)
    if position is None:
        # A near-duplicate of a new image is news: the index does know such an image.
        found = ranker.rank(vector, 1, mask)
        best = float(found.scores[0]) if len(found) else None
    else:
        best = best_of_others(snapshot, ranker, vector, position, column, mask)
    return None if best is None else float((1 + np.count_nonzero(sample <= best)) / (1 + len(sample)))


def _nearest(snapshot: Snapshot, name: str, column: str) -> NDArray[np.float32]:
    """Return the likeness of images of a sample to the nearest of other cases, float32 (n,).

    The larger the index, the smaller the sample: the time is bounded by the number of images that are read.
    """
    n = int(np.clip(_MOST_READ // max(len(snapshot), 1), _FEWEST, _MOST))
    # The same sample in every process: an answer does not depend on when it was asked for.
    ids = snapshot.ranker(name).ids()
    chosen = np.random.default_rng(0).permutation(ids[can_be_asked(snapshot, [name])[ids]])[:n]
    found = []
    for position, others in IndependentSample.of(snapshot, column, chosen).others():
        # By a metric that was not learnt from it: else all new images would seem strange beside these.
        ranker = held_out_ranker(snapshot, name, position)
        vector = ranker.vector(position)
        found.append(best_of_others(snapshot, ranker, vector, position, column, others))
    return np.array([score for score in found if score is not None], dtype=np.float32)
