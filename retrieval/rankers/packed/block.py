"""A packed block: its lists, its forward store, its bounds, and what checks them before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...kernel import is_worth_loading
from ..block_sums import RowCheck
from .factors import Factors, Values, Words
from .forward import Bags, Rows, decode, decode_rows, score_rows
from .invert import Bounds
from .lists import STREAMS, Lists, add_scores, add_scores_in_numpy
from .row_reader import fetch

_CALL = 10_000
"""Simple operations in the time that numpy takes for each word besides its postings."""


@dataclass(frozen=True, eq=False)
class PackedPostings:
    """Hold a block of bags in about two bytes a posting, and as many for the way back from rows to words.

    Parameters
    ----------
    lists, rows, bounds : see there; their arrays may be views of files.
    checks : what checks the arrays of the files, by the name of the array.
    """

    lists: Lists
    rows: Rows
    bounds: Bounds
    checks: Mapping[str, RowCheck]

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self.lists.n

    @property
    def factors(self) -> Factors:
        """What the values are products of."""
        return Factors(*self.rows.factors)

    def add_scores(self, words: Words, values: Values, scores: Values) -> None:
        """Add Σ_w values[w] · weight[w, row] to ``scores``, float32 (65,536,), in the order of the words.

        Raises IndexFolderError if postings of the words are damaged.
        """
        self.check_words(words)
        self.check("scales")
        if is_worth_loading(len(words) * (_CALL + self.n)):
            add_scores(self.lists, self.rows, words, values, scores)
        else:
            add_scores_in_numpy(self.lists, self.rows, words, values, scores)

    def vector(self, row: int) -> tuple[Words, Values]:
        """Return words and values of one row's vector. Raises IndexFolderError if they are damaged."""
        bags = self.vectors(np.array([row]))
        return bags.words, bags.values

    def bags(self, first: int, last: int) -> Bags:
        """Return the vectors of some rows."""
        return decode(self.rows, first, last)

    def vectors(self, which: NDArray[np.int64]) -> Bags:
        """Return the vectors of some rows, in their order. Raises IndexFolderError if they are damaged."""
        self.check_rows(which)
        return decode_rows(self.rows, which)

    def score(self, query: Values, which: NDArray[np.int64]) -> Values:
        """Return the scores of some rows for a query float32 (size,), to the bit what ``add_scores`` sums.

        Raises IndexFolderError if the rows are damaged.
        """
        self.check_rows(which)
        scores = np.empty(len(which), np.float32)
        fetch(self.rows.data, self.rows.starts, which)
        score_rows(self.rows, which, query, scores)
        return scores

    def check_words(self, words: Words) -> None:
        """Check the postings of some words. Raises IndexFolderError if some are damaged."""
        if not self.checks or not any(map(self._is_left, STREAMS)):
            return
        first, last = self.lists.word_groups[words], self.lists.word_groups[words.astype(np.int64) + 1]
        n = last - first
        groups = np.repeat(first - np.cumsum(n) + n, n) + np.arange(int(n.sum()))
        kinds, starts = self.lists.kinds[groups], self.lists.starts[groups]
        for name, own in STREAMS.items():
            of_kind = np.isin(kinds, own)
            self.checks[name].ranges(starts[of_kind], starts[of_kind] + self.lists.lengths[groups][of_kind])

    def check_rows(self, which: NDArray[np.int64]) -> None:
        """Check the forward store of some rows. Raises IndexFolderError if it is damaged."""
        self.check("scales")
        if self.checks:
            self.checks["forward"].ranges(self.rows.starts[which], self.rows.starts[which + 1])

    def check(self, name: str) -> None:
        """Check a whole array. Raises IndexFolderError if it is damaged."""
        if self.checks:
            self.checks[name].all()

    def check_all(self) -> None:
        """Check all that is read to merge the block. Raises IndexFolderError if it is damaged."""
        for name in ("forward", "scales"):
            self.check(name)

    def _is_left(self, name: str) -> bool:
        sums = self.checks[name].sums
        return sums is not None and sums.n_left > 0
