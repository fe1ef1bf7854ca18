"""Approximate rankers: segments with a search structure give candidates, which are scored exactly.

What is in no structure, such as the images of the last commits, is read whole. So are segments of which a
filter leaves few rows, and those whose structure finds too few: no answer has fewer hits than there are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking
from .dense import ExactRanker, Metric
from .dense_block import CODED, DenseBlock, open_segment
from .row_scores import best_of
from .top_k import Selection

_DEPTH = 64
"""Candidates that are looked for at least, for a recall@10 above 0.95 (benchmarks/speed/rankers.py)."""

_PER_HIT = 2
"""Candidates for each of the best k, if these are many."""

_SCORED = 32
"""The first candidates that are scored exactly, at least: the best ten were among the first 14 of a graph, as
its byte codes order them, for each of 400 queries of 10,000 to 300,000 vectors."""

_LARGE = 100_000
"""Vectors of a structure above which more candidates are looked for: the more there are, the closer the tenth
is to those behind it."""

GROWTH = 1 / 3
"""With which power of the number of vectors there are more candidates (benchmarks/speed/growth.py)."""

_ROWS = 170
"""Rows that an exact scan reads in the time that a structure needs for one more candidate."""

_FEW = 10_000
"""Hits for which room is made even if there are fewer."""


class Finder(Protocol):
    """A search structure over the rows of one segment."""

    @property
    def growth(self) -> float:
        """With which power of the number of its vectors it has to look for more candidates."""
        ...

    def find(self, view: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
        """Return about ``depth`` rows near a view of a query, each once, as good as best first.

        Raises IndexFolderError if damaged.
        """
        ...


class ApproximateRanker(ExactRanker):
    """Rank dense vectors by cosine, through a search structure for each large segment that has one.

    Scores are those of ``ExactRanker``, to the last bit; a hit may be missed where a structure misses it. It
    takes the same settings, and writes a structure with each segment of 1,024 vectors or more. The dot
    product is ranked exactly.

    Attributes
    ----------
    name : the folder, inside a segment, of the structure.
    """

    name: ClassVar[str]

    def __init__(self, dimension: int, metric: Metric = "cosine") -> None:
        super().__init__(dimension, metric)
        self._finders: dict[int, Finder] = {}
        # By block: its ids when they were counted, and how many of them are there.
        self._counted: dict[int, tuple[Ids, int]] = {}

    @classmethod
    @abstractmethod
    def check_installed(cls) -> None:
        """Raise NotInstalledError, with the remedy, if structures cannot be made or read here."""

    @abstractmethod
    def _open_finder(self, folder: Path, block: DenseBlock) -> Finder:
        """Open the structure of a segment."""

    @classmethod
    @abstractmethod
    def _write_finder(cls, folder: Path, block: DenseBlock) -> None:
        """Make the structure of a segment, in a folder that is not there yet."""

    @classmethod
    def open(cls, folders: Iterable[Path], dimension: int, metric: Metric = "cosine") -> Self:
        """Open saved segments as one ranker. IndexFolderError if one is damaged or does not fit."""
        places = [Path(folder) for folder in folders]
        ranker = super().open(places, dimension, metric)
        for number, (place, (_, block)) in enumerate(zip(places, ranker._store.blocks(), strict=False)):
            if metric == "cosine" and (place / cls.name).is_dir():
                ranker._finders[number] = ranker._open_finder(place / cls.name, block)
        return ranker

    def rank(self, query: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Rank the ids against a vector; see ``ExactRanker.rank``."""
        quick = self._quick(query, k) if among is None and query.ndim == 1 else None
        if quick is not None:
            return quick
        views = self._views(query)
        # To count all ids takes longer than a graph needs for its answer.
        selection = Selection(k if k < _FEW else min(k, len(self)), among)
        rest = []
        for number, (ids, block) in enumerate(self._store.blocks()):
            finder = self._finders.get(number)
            rows = None if finder is None else self._found(finder, number, ids, views, k, among)
            if rows is None:
                rest.append((ids, block))
            else:
                selection.offer(ids[rows], block.scores_of(rows, views, is_cosine=True))
        self._offer(rest, views, selection, k, among)
        return selection.ranking()

    def _quick(self, query: NDArray[np.float32], k: int) -> Ranking | None:
        """Answer from the one structure that holds all rows, in few steps; None if there is more to it."""
        # The walk of a graph takes less time than the general way takes around it.
        parts = list(self._store.blocks())
        if len(parts) != 1 or 0 not in self._finders:
            return None
        (ids, block), view, finder = parts[0], self._scaled(query), self._finders[0]
        depth = _depth(k, len(ids), finder.growth)
        # Rows that were removed, and queries of zeros, are for the general way.
        if not 0 < k <= self._count(0, ids) == len(ids) or depth > len(ids) // 4 or not view.any():
            return None
        rows = finder.find(view, depth)[: max(_SCORED, _PER_HIT * k)]
        block.check.some(rows)
        found, scores = best_of(block.vectors, block.lengths, ids, rows, view, k)
        return Ranking(found, scores) if len(found) == k else None

    def _found(
        self,
        finder: Finder,
        number: int,
        ids: Ids,
        views: Sequence[NDArray[np.float32]],
        k: int,
        among: NDArray[np.bool_] | None,
    ) -> NDArray[np.int64] | None:
        """Return the rows that a structure finds among those asked for; None if all are to be read."""
        n = self._count(number, ids) if among is None else int(_may_be_found(ids, among).sum())
        wanted = min(k, n)
        if wanted <= 0:
            return np.empty(0, np.int64)
        # Of the nearest rows as large a share may be found as of all.
        depth = int(_depth(k, len(ids), finder.growth) * len(ids) / n)
        is_few = n < len(ids) // 2 and n <= _ROWS * depth
        if is_few or depth > len(ids) // 4 or not all(map(np.any, views)):
            return None
        found = [finder.find(view, depth) for view in views]
        rows = found[0] if len(found) == 1 else np.unique(np.concatenate(found))
        rows = rows[_may_be_found(ids[rows], among)]
        return rows if len(rows) >= wanted else None

    def _count(self, number: int, ids: Ids) -> int:
        known = self._counted.get(number)
        if known is None or known[0] is not ids:  # arrays of ids are replaced, never changed
            known = self._counted[number] = ids, int(np.count_nonzero(ids >= 0))
        return known[1]

    def save(self, folder: Path) -> None:
        """Write what is there as one segment, with its search structure if it is large enough."""
        super().save(folder)
        if self.metric == "cosine":
            self.write_structure(folder, self.dimension)

    @classmethod
    def write_structure(cls, folder: Path, dimension: int) -> None:
        """Add a search structure to a segment that was just written, if it is large enough."""
        _, block = open_segment(folder, dimension)
        if block.n >= CODED:
            cls._write_finder(folder / cls.name, block)


def _depth(k: int, n: int, growth: float) -> int:
    """Return how many candidates of n vectors are looked for, for the best k."""
    return int(max(_DEPTH, _PER_HIT * k) * growth_factor(n, growth))


def growth_factor(n: int, growth: float) -> float:
    """Return how many times as many candidates n vectors take as ``_LARGE`` or fewer do."""
    return float(max(1.0, n / _LARGE) ** growth)


def _may_be_found(ids: Ids, among: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Tell which rows have an id, and one that a filter lets through."""
    if among is None:
        return ids >= 0
    # The last entry is what ids −1 and those beyond the end read.
    known = np.append(np.asarray(among, dtype=bool), False)
    return known[np.where(ids < len(among), ids, -1)]
