"""Systems: ways of ranking an index side by side: its representations, their fusions, and baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..answers.fusion import Scale, fuse, scale_of
from ..answers.relevance_feedback import Rocchio
from ..baselines import ColourHistogram, Thumbnail
from ..index.search.encode_query import move_vector, stored_vector
from ..index.search.sampled_scores import sampled_scores
from ..index.storage.snapshot import Snapshot
from ..picture import Picture
from ..ranker import Ranking, order
from ..rankers.dense import ExactRanker
from ..representation import Vector

Mask = NDArray[np.bool_]
Liked = tuple[int, ...]
BASELINES = ("random", "thumbnail", "colour")
"""Systems in every table; see ``baselines``."""
_KEPT = 4096


@dataclass(frozen=True)
class System:
    """One way of ranking the pictures of an index.

    Parameters
    ----------
    name : in tables.
    ranking : ``ranking(position, allowed, liked)`` returns all allowed pictures, best first, for the one at a
        position, its query moved towards those at the positions ``liked``.
    members : the systems that it fuses; none if it ranks by itself.
    is_blind : it ranks a second time, its first hits counted as liked.
    sample : ``sample(position, liked)`` returns the scores of the same query over the sample of the index, by
        which a fusion scales them; None: the ranking itself is the sample.
    knows_labels : it learnt from labels of the images that it finds, though never from those of the query.
    seen : the fold of each picture, int64 (n,), whose labels what ranks for it has not seen; -1 if none has.
    unseen : makes the same system for queries whose labels this one has seen, with folds; None: it has none.
    """

    name: str
    ranking: Callable[[int, Mask, Liked], Ranking]
    members: tuple[str, ...] = ()
    is_blind: bool = False
    sample: Callable[[int, Liked], NDArray[np.float32]] | None = None
    knows_labels: bool = False
    seen: NDArray[np.int64] | None = None
    unseen: Callable[[], System] | None = None

    def rank(self, position: int, allowed: Mask, liked: Liked = ()) -> Ranking:
        """Return all allowed pictures, best first, for the one at a position."""
        return self.ranking(position, allowed, liked)

    def scale(self, position: int, ranking: Ranking, how: str, liked: Liked = ()) -> Scale:
        """Return the scale of a ranking that this system made, for a rule of fusion."""
        scores = ranking.scores if self.sample is None else self.sample(position, liked)
        return scale_of(scores, how)


def with_blind_feedback(system: System, n: int) -> System:
    """Return the system that ranks, counts its first n hits as liked, and ranks again."""

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        first = system.rank(position, allowed, liked).ids[:n]
        return system.rank(position, allowed, (*liked, *first.tolist()))

    comma = " " if system.members else ", "
    name = f"{system.name}{comma}blind {n}"
    return System(name, ranking, system.members, is_blind=True, knows_labels=system.knows_labels)


def by_representation(snapshot: Snapshot, name: str) -> System:
    """Return the system that ranks by one representation of an index, by stored vectors."""
    ranker = snapshot.ranker(name)
    # The same few pictures are hits of many queries, and are asked for again by feedback.
    vector_of = lru_cache(_KEPT)(lambda position: stored_vector(snapshot, name, snapshot.names[position]))

    def query(position: int, liked: Liked) -> Vector:
        vector = vector_of(position)
        if liked:
            vector = move_vector(snapshot, name, vector, [vector_of(one) for one in liked])
        return vector

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        return ranker.rank(query(position, liked), len(allowed), allowed)

    def sample(position: int, liked: Liked) -> NDArray[np.float32]:
        return sampled_scores(snapshot, ranker, query(position, liked))

    return System(name, _cached(ranking), sample=sample)


def fused(systems: Sequence[System], how: str) -> System:
    """Return the system that fuses others by a rule that learns nothing; see ``fuse``."""

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        return fuse_systems(systems, how, position, allowed, liked)

    names = tuple(system.name for system in systems)
    name, knows_labels = f"{' & '.join(names)}, {how}", any(system.knows_labels for system in systems)
    return System(name, ranking, names, knows_labels=knows_labels)


def fuse_systems(
    systems: Sequence[System],
    how: str,
    position: int,
    allowed: Mask,
    liked: Liked,
    weights: Sequence[float] | None = None,
) -> Ranking:
    """Return the fused ranking of systems for one picture; the other arguments are those of ``fuse``."""
    found = [system.rank(position, allowed, liked) for system in systems]
    scales = None
    if how != "rrf":
        scales = [system.scale(position, own, how, liked) for system, own in zip(systems, found, strict=True)]
    return fuse(found, how, weights=weights, scales=scales)


def baselines(snapshot: Snapshot, seed: int = 0) -> list[System]:
    """Return what every system has to beat: a random order, a 16 × 16 thumbnail and a colour histogram.

    The last two are the index's own if it has them of all images; else they are made of stored thumbnails,
    so that no file is read.
    """
    return [
        System("random", _cached(_at_random(snapshot, seed))),
        *(_plain(snapshot, kind) for kind in (Thumbnail(), ColourHistogram())),
    ]


def _plain(snapshot: Snapshot, kind: Thumbnail | ColourHistogram) -> System:
    stored = snapshot.stored.get(kind.name)
    # An interrupted update has left images out of it.
    if stored is not None and stored.is_fitted and len(snapshot.ranker(kind.name)) == len(snapshot):
        return by_representation(snapshot, kind.name)
    # Stored thumbnails of 192 pixels are as good for 16 × 16 values as the files, and need no decoding.
    ranker = ExactRanker(kind.dimension)
    vectors = [np.asarray(kind.encode(picture).vector) for picture in _small(snapshot)]
    ranker.add(np.arange(len(vectors), dtype=np.int64), vectors)

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        vector = np.asarray(Rocchio().refine(vectors[position], [vectors[one] for one in liked], ()))
        return ranker.rank(vector, len(allowed), allowed)

    return System(kind.name, _cached(ranking))


def _small(snapshot: Snapshot) -> Iterator[Picture]:
    """Yield every picture as its stored thumbnail, by position."""
    for position, name in enumerate(snapshot.names):
        with Image.open(BytesIO(snapshot.thumbnail(position))) as image:
            yield Picture(np.asarray(image, dtype=np.float32) / np.float32(255), name)


def _at_random(snapshot: Snapshot, seed: int) -> Callable[[int, Mask, Liked], Ranking]:
    """Return a random order of the pictures for each query, drawn by what they show, not by their names."""
    thumbnails = (snapshot.thumbnail(position) for position in range(len(snapshot)))
    digests = [blake2b(one, digest_size=8, salt=_salt(seed)).digest() for one in thumbnails]
    keys = np.frombuffer(b"".join(digests), dtype=np.uint64)

    def ranking(position: int, allowed: Mask, _: Liked) -> Ranking:
        ids = np.flatnonzero(allowed)
        # 24 bits are what float32 holds exactly; equal pictures tie, as they must.
        scores = (_mixed(keys[ids] ^ _mixed(keys[position])) >> np.uint64(40)) / np.float64(1 << 24)
        return order(ids, scores.astype(np.float32), len(ids))

    return ranking


def _salt(seed: int) -> bytes:
    return (seed % (1 << 64)).to_bytes(8, "big")


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers that look random, one for each key (the finaliser of SplitMix64, Steele et al. 2014)."""
    # Overflow is meant: products are modulo 2^64.
    with np.errstate(over="ignore"):
        z = np.atleast_1d(keys) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _cached(ranking: Callable[[int, Mask, Liked], Ranking]) -> Callable[[int, Mask, Liked], Ranking]:
    """Return the same, with the last ranking kept: what is fused has just been ranked by itself."""
    # Identity of the mask, not equality: comparing whole masks would cost as much as it saves.
    kept: list[tuple[int, Mask, Liked, Ranking]] = []

    def ranking_once(position: int, allowed: Mask, liked: Liked) -> Ranking:
        if not kept or kept[0][0] != position or kept[0][1] is not allowed or kept[0][2] != liked:
            kept[:] = [(position, allowed, liked, ranking(position, allowed, liked))]
        return kept[0][3]

    return ranking_once
