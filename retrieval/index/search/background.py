"""The background of findings: the cases that a query could have found, each real image of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...answers.duplicate_groups import Copies
from ..storage.snapshot import Snapshot
from .candidates import Mask
from .independent_hits import IndependentHits, QueryCopies
from .joined_cases import distinct_images, is_complete
from .query_options import QueryImage


@dataclass(frozen=True, eq=False)
class Background:
    """The images that findings are drawn from.

    Parameters
    ----------
    column : what makes a case.
    cases : int64 (n,), the case of each image after those that share an image became one.
    mask : the images that may be found.
    left_out : positions of images that could be, were they not of the query's case by another name.
    slices : the query, or its slices.
    """

    snapshot: Snapshot
    column: str
    cases: NDArray[np.int64]
    mask: Mask
    left_out: Sequence[int]
    slices: Sequence[QueryImage]

    def labels_of_cases(self, labels: Sequence[Sequence[str]]) -> dict[int, set[str]]:
        """Return the labels of each case that may be found, by its number."""
        found: dict[int, set[str]] = {}
        for position in np.flatnonzero(self.mask).tolist():
            found.setdefault(int(self.cases[position]), set()).update(labels[position])
        return found

    def sizes_of_cases(self) -> dict[int, int]:
        """Return the number of images of each case that may be found, near-duplicates once, by its number."""
        images = distinct_images(self.snapshot, self.column)
        own = np.unique(np.stack([self.cases[self.mask], images[self.mask]]), axis=1)[0]
        numbers, sizes = np.unique(own, return_counts=True)
        return dict(zip(numbers.tolist(), sizes.tolist(), strict=True))

    def copies(self, hits: IndependentHits, n_cases: int) -> Copies:
        """Return the near-duplicates that findings count once, by name; ``n_cases`` are counted."""
        is_copy = QueryCopies.any([QueryCopies.of(self.snapshot, one) for one in self.slices]).is_copy
        of_query = [*(one for one in self.left_out if is_copy(one)), *hits.of_query]
        own = self.snapshot.stack_positions.independent_cases(self.column)

        def n_own(positions: Sequence[int]) -> int:
            return len(set(own[list(positions)].tolist()))

        # Those by name are said already, and none twice.
        n_named = sum(n_own(group) - 1 for group in hits.groups) + n_own(of_query)
        n_all = n_own([*np.flatnonzero(self.mask).tolist(), *self.left_out])
        named = replace(hits, of_query=of_query).copies(self.snapshot)
        return replace(named, n_joined=n_all - n_cases - n_named, is_exact=not is_complete(self.snapshot))
