"""The ranker with an engine: a copy of the vectors elsewhere gives candidates, which are scored from our own.

What the copy lacks is read here, what it has too much is passed over, and where it is away, finds too few or
would have to look for few among many, the exact ranker answers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking
from .dense import ExactRanker, Metric
from .engine import CellFilter, EngineCopy, condition_of
from .engine_link import EngineLink
from .top_k import Selection

_PER_HIT, _SPARE, _DEEPEST = 4, 16, 8192
"""Candidates that are asked for, for each hit, and for what a mask takes away besides its filter; at most."""
_SHARE = 50

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class HeldCopy:
    """What an engine holds of the vectors of a ranker.

    Parameters
    ----------
    link : asks it.
    ranges : first and last number of runs of images whose vectors were copied, int64 (r, 2), rising.
    knows_cells : its cells are those of this commit, so that filters may be handed on.
    """

    link: EngineLink
    ranges: NDArray[np.int64]
    knows_cells: bool = True


class _Placed(NamedTuple):
    """Where each number is: numbers rising, and block and row of each."""

    numbers: Ids
    blocks: NDArray[np.int64]
    rows: NDArray[np.int64]


class EngineRanker(ExactRanker):
    """Rank dense vectors, through the copy that an engine holds if there is one.

    Scores are those of ``ExactRanker``, to the last bit; a hit may be missed where the engine misses it.

    Attributes
    ----------
    name : the name of the entry point, which stands before the address: ``milvus:http://host:19530``.
    depth : candidates that are asked for at least.
    few : up to this number of images, or a fiftieth of all, are read here: engines are weak where a filter
        leaves few.
    """

    name: ClassVar[str]
    depth: ClassVar[int] = 64
    few: ClassVar[int] = 1000

    def __init__(self, dimension: int, metric: Metric = "cosine") -> None:
        super().__init__(dimension, metric)
        self._held: HeldCopy | None = None
        # The ids of saved rows before anybody renumbered them: those that the engine knows.
        self._numbers: list[Ids] = []
        # By block: its ids when it was looked at, and those of them that the copy lacks.
        self._known: tuple[list[Ids], list[Ids]] | None = None

    @classmethod
    @abstractmethod
    def check_place(cls, place: str) -> None:
        """Raise SettingError if an address makes no sense, and NotInstalledError if a library is lacking."""

    @classmethod
    @abstractmethod
    def connect(cls, place: str, name: str, *, patient: bool = False) -> EngineCopy:
        """Return the copy of a name at an address. EngineError if it does not answer.

        ``patient`` : writing may take longer than a question.
        """

    @classmethod
    def open(cls, folders: Iterable[Path], dimension: int, metric: Metric = "cosine") -> Self:
        """Open saved segments as one ranker. IndexFolderError if one is damaged or does not fit."""
        ranker = super().open(folders, dimension, metric)
        ranker._numbers = [ids for ids, _ in ranker._store.blocks()]
        return ranker

    def attach(self, held: HeldCopy) -> None:
        """Ask the copy from now on."""
        self._held = held

    def rank(self, query: NDArray[np.float32], k: int, among: Mask | None = None) -> Ranking:
        """Rank the ids against a vector; see ``ExactRanker.rank``."""
        found = self._by_engine(self._views(query), min(k, len(self)), among)
        plain = None if among is None else np.asarray(among)
        return super().rank(query, k, plain) if found is None else found

    def _by_engine(self, views: Sequence[NDArray[np.float32]], k: int, among: Mask | None) -> Ranking | None:
        """Return the best k with the help of the engine; None if it is no help."""
        held = self._held
        if held is None or k <= 0 or not all(map(np.any, views)):
            return None
        n = len(self) if among is None else self._count(among)
        asked = self._asked(held, min(k, n), n, among)
        numbers = None if asked is None else held.link.find(np.array(views), *asked)
        if numbers is None:
            return None
        among = None if among is None else np.asarray(among)
        selection, lacking = Selection(k, among), self._lacking(held)
        self._offer_found(numbers, views, selection, lacking)
        # Images that came after the copy was made, and vectors of zeros, which no engine has.
        blocks = list(self._store.blocks())
        rest = [(ids, block) for ids, (_, block) in zip(lacking, blocks, strict=False)]
        rest += blocks[len(lacking) :]
        self._offer([part for part in rest if (part[0] >= 0).any()], views, selection, k, among)
        ranking = selection.ranking()
        return ranking if len(ranking) == min(k, n) else None

    def _asked(
        self, held: HeldCopy, k: int, n: int, among: Mask | None
    ) -> tuple[int, CellFilter | None] | None:
        """Return how many candidates to ask for, and by which filter; None if reading n images is better."""
        if n <= max(self.few, len(self) // _SHARE):
            return None
        depth, condition = max(self.depth, _PER_HIT * k), None
        if among is not None:
            condition = condition_of(among) if held.knows_cells else None
            # Without a filter, of the nearest as large a share may be found as of all.
            depth = depth + _SPARE if condition is not None else int(depth * len(self) / n) + _SPARE
            if condition is None and n < len(self) // 2:
                return None
        return (depth, condition) if depth <= min(_DEEPEST, len(self) // 4) else None

    def _offer_found(
        self, numbers: Ids, views: Sequence[NDArray[np.float32]], selection: Selection, lacking: list[Ids]
    ) -> None:
        """Score what an engine found; numbers that are not here any more are passed over."""
        placed = self._placed
        at = np.searchsorted(placed.numbers, numbers)
        at = np.unique(at[at < len(placed.numbers)])
        at = at[np.isin(placed.numbers[at], numbers)]
        for number, (ids, block) in enumerate(self._store.blocks()):
            rows = np.sort(placed.rows[at[placed.blocks[at] == number]])
            # Rows that the copy lacks are offered with the rest, and no hit may come twice.
            rows = rows[(ids[rows] >= 0) & (lacking[number][rows] < 0)] if len(rows) else rows
            if len(rows):
                selection.offer(ids[rows], block.scores_of(rows, views, self.metric == "cosine"))

    @cached_property
    def _placed(self) -> _Placed:
        sizes = [len(numbers) for numbers in self._numbers]
        numbers = np.concatenate([np.empty(0, np.int64), *self._numbers])
        order = np.argsort(numbers)
        blocks = np.repeat(np.arange(len(sizes)), sizes)[order]
        rows = np.concatenate([np.empty(0, np.int64), *map(np.arange, sizes)])[order]
        return _Placed(numbers[order], blocks, rows)

    def _lacking(self, held: HeldCopy) -> list[Ids]:
        """Return the ids of saved rows that the copy lacks, −1 for all others, by block."""
        saved = list(self._store.blocks())[: len(self._numbers)]
        ids = [own for own, _ in saved]
        # Arrays of ids are replaced, never changed, when images are renumbered or removed.
        if self._known is None or any(a is not b for a, b in zip(ids, self._known[0], strict=True)):
            found = [
                np.where(_is_within(numbers, held.ranges) & (block.lengths > 0), -1, own)
                for numbers, (own, block) in zip(self._numbers, saved, strict=True)
            ]
            self._known = ids, found
        return self._known[1]

    def _count(self, among: Mask) -> int:
        known = np.append(np.asarray(among), False)
        return sum(int(known[np.where(ids < len(among), ids, -1)].sum()) for ids, _ in self._store.blocks())


def _is_within(numbers: Ids, ranges: NDArray[np.int64]) -> Mask:
    """Tell which numbers are in one of the ranges."""
    # The last entry is what a number before the first range reads.
    first, last = ranges[:, 0], np.append(ranges[:, 1], -1)
    within: Mask = numbers <= last[np.searchsorted(first, numbers, side="right") - 1]
    return within
