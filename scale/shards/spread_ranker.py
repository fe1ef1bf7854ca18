"""The spread ranker: vectors that lie in shards, ranked there, and merged exactly by (score, id)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError
from retrieval.ranker import Ids, Ranker, Ranking, order
from retrieval.rankers.id_map import places_of
from retrieval.representation import Vector

from .fleet import Fleet
from .gather import gathered
from .messages import Message, many_vectors_of, vector_arrays
from .read_ahead import ReadAhead


class SpreadRanker:
    """Rank the images of all shards that are not away.

    A score depends on the query and the vector alone, so that the best of all are the best of what the shards
    find; equal scores by position, which is the order of names. Ids are positions in the head.

    Parameters
    ----------
    fleet : the shards.
    by : the representation.
    sampled : a ranker of the vectors that the head holds itself, those of the sample.
    ids, owners : of each position, int64 and uint16 (n,): the number of the image, and of its shard.
    """

    def __init__(
        self,
        fleet: Fleet,
        present: Sequence[int],
        by: str,
        sampled: Ranker,
        ids: Ids,
        owners: NDArray[np.uint16],
    ) -> None:
        self._fleet, self._present, self._by, self.sampled = fleet, present, by, sampled
        self._ids, self._owners = ids, owners
        self._positions = places_of(ids)
        self._known: Ids | None = None
        self._vectors = ReadAhead(self._fetch, np.isin(owners, list(present)))

    def rank(self, query: Any, k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Rank the images against a vector; see ``Ranker.rank``. Raise ShardAwayError if a shard is away."""
        messages = {}
        for number in self._present:
            arrays = vector_arrays(query)
            if among is not None:
                own = among[self._owners == number]
                # A selective condition often leaves nothing of most shards.
                if not own.any():
                    continue
                arrays["among"] = np.packbits(own)
            # Whole rankings are asked for by the number of all images; a shard has no more than its own.
            images = self._fleet.plan.shards[number].images
            messages[number] = Message({"ask": "rank", "by": self._by, "k": min(k, images)}, arrays)
        found = self._fleet.ask(messages).values()
        ids = self._at([message.array("ids") for message in found])
        scores = np.concatenate([np.empty(0, np.float32), *(one.array("scores") for one in found)])
        return order(ids, scores.astype(np.float32), k)

    def vector(self, id: int) -> Any:
        """Return the vector of an image. Raise KeyError if it is not encoded."""
        if (found := self._vectors.get(id)) is None:
            raise KeyError(id)
        return found

    def ids(self) -> Ids:
        """Return the positions of all images that are encoded, rising."""
        # A snapshot is of one commit, and its shards do not change.
        if self._known is None:
            asked = Message({"ask": "ids", "by": self._by})
            found = self._fleet.ask(dict.fromkeys(self._present, asked))
            self._known = np.sort(self._at([message.array("ids") for message in found.values()]))
        return self._known

    def __len__(self) -> int:
        return len(self.ids())

    def add(self, ids: Ids, vectors: Sequence[Any]) -> NoReturn:
        """Refuse: shards are not changed."""
        raise _refused()

    def remove(self, ids: Ids) -> NoReturn:
        """Refuse: shards are not changed."""
        raise _refused()

    def save(self, folder: Path) -> NoReturn:
        """Refuse: what it ranks is elsewhere."""
        raise _refused()

    def renumber(self, numbers: NDArray[np.int64]) -> NoReturn:
        """Refuse: its ids are positions already."""
        raise _refused()

    def _fetch(self, positions: Ids) -> list[Vector | None]:
        about = {"ask": "vectors", "by": self._by}
        return gathered(self._fleet, about, positions, self._owners, self._ids, many_vectors_of)

    def _at(self, ids: Sequence[Ids]) -> Ids:
        """Return the positions of images by their numbers."""
        joined = np.concatenate([np.empty(0, np.int64), *ids]).astype(np.int64)
        known = (joined >= 0) & (joined < len(self._positions))
        if not known.all() or (self._positions[joined] < 0).any():
            raise IndexFolderError("a shard answers with images that its head does not know; split again")
        return self._positions[joined]


def _refused() -> IndexFolderError:
    return IndexFolderError("an index of shards is only asked; change the whole index, and split it again")
