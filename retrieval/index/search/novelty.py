"""Novelty: is a query unlike anything in the index?

Its likeness to its nearest picture is compared with what the index's own pictures have: each picture of a
sample is asked with its own case left out, and the likeness to its nearest is noted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...picture import Picture
from ..storage.snapshot import Snapshot
from .query import encode_query, representations, same, stored
from .query_options import QueryOptions

_WORK = 10_000_000
_MOST, _FEWEST, _LEAST = 200, 40, 20
"""Pictures of a sample: at most; in a large index; and fewer than the last tell nothing."""


def likeness_percentile(
    snapshot: Snapshot, query: Picture | str, pixels: Picture | None, terms: QueryOptions, column: str
) -> float | None:
    """Return the share of a sample whose nearest is no more alike to it than the query's, in [0, 1].

    Of n representations the smallest share counts, n times: it is enough to be strange to one, and so many
    are looked at. None where a box of the query was asked with, which is never as like a whole picture; or
    where the index is too small.
    """
    if terms.region is not None:
        return None
    shares = [
        share
        for name in representations(snapshot, terms)
        if (share := _share(snapshot, name, query, pixels, terms, column)) is not None
    ]
    return min(1.0, len(shares) * min(shares)) if shares else None


def _share(
    snapshot: Snapshot,
    name: str,
    query: Picture | str,
    pixels: Picture | None,
    terms: QueryOptions,
    column: str,
) -> float | None:
    sample = snapshot.kept.get(("nearest", name, column))
    if sample is None:
        sample = snapshot.kept[("nearest", name, column)] = _nearest(snapshot, name, column)
    if len(sample) < _LEAST:
        return None
    if isinstance(query, str):
        numbers = snapshot.places.cases(column)
        mask = numbers != numbers[snapshot.position(query)]
    else:
        mask = ~same(snapshot, query, column)
    if terms.among is not None:
        among = np.zeros(len(snapshot), dtype=bool)
        among[[snapshot.position(one) for one in terms.among]] = True
        mask &= among
    plain = replace(terms, like=(), unlike=())
    vector = encode_query(snapshot, name, query, pixels, plain).encoding.vector
    found = snapshot.ranker(name).rank(vector, 1, mask)
    return float(np.mean(sample <= found.scores[0])) if len(found) else None


def _nearest(snapshot: Snapshot, name: str, column: str) -> NDArray[np.float32]:
    """Return the likeness of pictures of a sample to the nearest of other cases, float32 (n,).

    The larger the index, the smaller the sample: the time is bounded by the number of pictures that are read.
    """
    ranker = snapshot.ranker(name)
    numbers = snapshot.places.cases(column)
    n = int(np.clip(_WORK // max(len(snapshot), 1), _FEWEST, _MOST))
    ids = ranker.ids()
    chosen = np.random.default_rng(0).permutation(ids)[:n]
    found = []
    for position in chosen.tolist():
        vector = stored(snapshot, name, snapshot.names[position])
        ranking = ranker.rank(vector, 1, numbers != numbers[position])
        found += ranking.scores.tolist()
    return np.array(found, dtype=np.float32)
