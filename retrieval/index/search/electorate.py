"""The electorate: the labelled images that may vote on what an image is, each image once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...answers.knn import Neighbour, vote
from ...picture import Value
from ..storage.snapshot import Snapshot
from .best_fused import rank_by_all
from .candidates import Mask
from .encode_query import EncodedQuery
from .independent_hits import IndependentHits, QueryCopies, independent_hits
from .query_options import QueryImage, QueryOptions

_MOST_TIED = 1000
"""Images of one score that vote with the k-th; of more those before it, and it, do."""


@dataclass(frozen=True, eq=False)
class Electorate:
    """The images that may vote, and their labels.

    Parameters
    ----------
    column : whose values are the labels.
    labels : of each image, by position.
    """

    snapshot: Snapshot
    column: str
    labels: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, snapshot: Snapshot, column: str) -> Electorate:
        """Return the images of a snapshot with the values of a column as their labels."""
        cells = snapshot.columns.values(column)
        return cls(snapshot, column, [tuple(_text(value) for value in cell) for cell in cells])

    @property
    def labelled(self) -> Mask:
        """Which images have a label, bool by position."""
        return np.array([bool(own) for own in self.labels], dtype=np.bool_)

    def nearest(
        self,
        query: QueryImage,
        encoded: Sequence[EncodedQuery],
        voters: Mask,
        options: QueryOptions,
        apart: str | None,
    ) -> NearestVoters:
        """Return the nearest k voters of a query, near-duplicates as one, and those as near as the k-th.

        ``apart`` is the column of what may not vote together with a near-duplicate of the query, which is the
        same patient by another name; None if it alone may not.
        """
        copies, depth = QueryCopies.of(self.snapshot, query), 2 * options.k
        of_query: list[int] = []
        while True:
            ranking = rank_by_all(self.snapshot, encoded, depth, voters, options)
            # Fused rankings are longer than asked for.
            ranked, scores = ranking.ids[:depth].tolist(), ranking.scores[:depth]
            found = independent_hits(self.snapshot, ((one, copies) for one in ranked), options.k)
            if found.of_query and apart is not None:
                numbers = self.snapshot.stack_positions.independent_cases(apart)
                of_query += found.of_query
                voters = voters & ~np.isin(numbers, numbers[found.of_query])
                continue
            if len(found.groups) == options.k:
                # Those behind the k-th that have its score vote with it: names of files decide nothing.
                n = _n_tied(scores, ranked.index(found.groups[-1][0]))
                if n == depth:
                    depth *= 2
                    continue
                found = independent_hits(self.snapshot, ((one, copies) for one in ranked[:n]), n)
            elif len(ranked) == depth:
                depth *= 2
                continue
            found = replace(found, of_query=[*of_query, *found.of_query])
            return NearestVoters(self, found, dict(zip(ranked, scores.tolist(), strict=True)))


def _n_tied(scores: NDArray[np.float32], place: int) -> int:
    """Return how many of the first images have at least the score of that at a place.

    Images without any likeness do not vote, and of too many of one score the first ones do.
    """
    n = int(np.count_nonzero(scores >= scores[place]))
    return n if scores[place] > 0 and n - place <= _MOST_TIED else place + 1


@dataclass(frozen=True, eq=False)
class NearestVoters:
    """The nearest voters of a query, and the score of each image that was looked at, by position."""

    electorate: Electorate
    hits: IndependentHits
    scores: Mapping[int, float]

    def votes(self, k: int) -> dict[str, float]:
        """Return the share of each label, the largest first."""
        return vote(
            [self._labels(group) for group in self.hits.groups],
            [self.scores[group[0]] for group in self.hits.groups],
            k,
        )

    def neighbours(self) -> tuple[Neighbour, ...]:
        """Return the voters as they are shown."""
        names = self.electorate.snapshot.names
        return tuple(
            Neighbour(names[group[0]], rank, self.scores[group[0]], self._labels(group))
            for rank, group in enumerate(self.hits.groups, start=1)
        )

    def _labels(self, group: Sequence[int]) -> tuple[str, ...]:
        # Copies with other labels vote for those too: which of them is first, names of files decide.
        return tuple(dict.fromkeys(label for one in group for label in self.electorate.labels[one]))


def _text(value: Value) -> str:
    """Spell a value as its table did: a whole number without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
