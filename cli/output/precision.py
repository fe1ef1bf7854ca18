"""Precision among the first k, leave-one-out: what share of the first hits has the query's label."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index import Index


@dataclass(frozen=True)
class Precision:
    """P@k of one representation.

    Parameters
    ----------
    k : the depth.
    sizes : how many images have each label.
    by_label : the mean over the queries of each label, in [0, 1].
    chance : the same for a random order.
    """

    k: int
    sizes: dict[str, int]
    by_label: dict[str, float]
    chance: dict[str, float]

    @property
    def n_queries(self) -> int:
        """Return how many images asked."""
        return sum(self.sizes.values())

    @property
    def mean(self) -> float:
        """Return the mean over all queries."""
        return self._mean(self.by_label)

    @property
    def mean_chance(self) -> float:
        """Return the mean over all queries for a random order."""
        return self._mean(self.chance)

    def _mean(self, values: dict[str, float]) -> float:
        return sum(values[label] * n for label, n in self.sizes.items()) / max(self.n_queries, 1)


def measure(index: Index, by: str, k: int, progress: ProgressBar) -> Precision:
    """Ask with each labelled image of an index, leaving it out of its own answer.

    P@k = (hits of the query's label among the first k) / min(k, other images of that label), so that a
    small class can reach 1. Images whose label no other has do not ask.
    """
    # Several labels of an image are a class of their own, as in training.
    labelled = {name: ";".join(found) for name in index.names if (found := index.picture(name).labels)}
    counts = Counter(labelled.values())
    sizes = {label: n for label, n in sorted(counts.items()) if n > 1}
    sums = dict.fromkeys(sizes, 0.0)
    for done, (name, label) in enumerate(labelled.items(), 1):
        # Whose label no other image has could find nothing right.
        if label in sizes:
            hits = index.query(name, by=[by], k=k, include_self=False)
            right = sum(labelled.get(hit.id) == label for hit in hits)
            sums[label] += right / min(k, sizes[label] - 1)
        progress(f"querying by {by}", done, len(labelled))
    others = len(index) - 1
    # A random order has k · (n − 1) / others right ones among the first k on average.
    chance = {label: k * (n - 1) / others / min(k, n - 1) for label, n in sizes.items()}
    return Precision(k, sizes, {label: sums[label] / n for label, n in sizes.items()}, chance)
