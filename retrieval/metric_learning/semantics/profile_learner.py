"""The profile learner: clusters of images, and what the reports of each say more than those of all.

After Hofmanninger and Langs (CVPR 2015), who cluster by random ferns and learn from terms of reports, and
Hofmanninger et al. (MICCAI 2016). Patients are counted, not images: a patient with a hundred slices has
one report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...errors import FitError, SettingError
from ...representation import Vector
from ...statistics.groups import numbered
from ..matrix import stack, unit
from ..principal_axes import principal_axes
from ..projection import Projection
from .cluster_profile import ClusterProfile

Marks = NDArray[np.bool_]
"""bool (n, n_terms): which terms the report of each image affirms."""

FEWEST = 20
"""Images below which nothing is learnt."""
_MOST_AXES = 64
_MOST_CLUSTERS = 64
_IMAGES_PER_CLUSTER = 16
_ROUNDS = 30


@dataclass(frozen=True)
class ProfileLearner:
    """Learn profiles: principal axes, k-means several times, and log-odds of terms in each cluster.

    Parameters
    ----------
    clusters : of each clustering; a sixteenth of the images if None, 4 to 64.
    clusterings : by other seeds each; their log-odds are averaged, so that no border between two decides.
    shrinkage : patients that each cluster is given who have the terms as often as all: few say little.
    seed : of axes and clusters.
    """

    clusters: int | None = None
    clusterings: int = 6
    shrinkage: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.clusters is not None and self.clusters < 2:
            raise SettingError(f"clusters: {self.clusters} is below 2; give 2 or more, or leave it out")
        if self.clusterings < 1:
            raise SettingError(f"clusterings: {self.clusterings} is below 1; give 1 or more")
        if not 0 < self.shrinkage < float("inf"):
            raise SettingError(f"shrinkage: {self.shrinkage:g} patients; give a number above 0")
        if self.seed < 0:
            raise SettingError(f"seed: {self.seed} is below 0; give 0 or more")

    def learn(self, vectors: Sequence[Vector], marks: Marks, groups: Sequence[str]) -> ClusterProfile:
        """Learn from the vectors of images, the terms of their reports, and their patients.

        Raises
        ------
        FitError : fewer than 20 images, or vectors that are all equal.
        """
        if len(vectors) < FEWEST:
            raise FitError(f"{len(vectors)} images have a report; a profile needs {FEWEST} at least")
        # One thread: the same order of sums, so the same clusters, on every machine.
        with threadpool_limits(1):
            axes = principal_axes(stack(vectors), min(_MOST_AXES, len(vectors) // 4), self.seed)
            if not len(axes.deviations):
                raise FitError("all vectors are equal; there is nothing to cluster")
            projection = Projection.of(axes, np.eye(len(axes.deviations)))
            rows = projection.project_all(vectors).astype(np.float64)
            centres = np.stack([self._centres(rows, self.seed + i) for i in range(self.clusterings)])
        owners = numbered(groups)
        # Each clustering has borders elsewhere: the mean of their log-odds changes smoothly across them.
        odds = [log_odds(nearest(rows, one), marks, owners, len(one), self.shrinkage) for one in centres]
        return ClusterProfile(projection, centres.astype(np.float32), np.stack(odds).astype(np.float32))

    def _centres(self, rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        from sklearn.cluster import KMeans  # late: seconds of import for every query

        k = self.clusters or min(_MOST_CLUSTERS, max(4, len(rows) // _IMAGES_PER_CLUSTER))
        # k-means warns of, and leaves empty, clusters that equal images cannot fill.
        k = min(k, len(np.unique(rows, axis=0)))
        found = KMeans(k, n_init=1, max_iter=_ROUNDS, random_state=seed).fit(rows)
        return unit(found.cluster_centers_)


def nearest(rows: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the nearest centre of each row by cosine, int64 (n,)."""
    return np.asarray((rows @ centres.T).argmax(axis=1), dtype=np.int64)


def patients_with(
    places: NDArray[np.int64], marks: Marks, owners: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return how many patients each cluster has (n,), how many of them have each term (n, n_terms), and how
    many have it in all (n_terms,).

    A patient is in each cluster that an image of theirs is in, and has each term that a report affirms.
    """
    has, inside = has_terms(marks, owners), is_inside(places, owners, n)
    return inside.sum(axis=1), inside @ has, has.sum(axis=0)


def has_terms(marks: Marks, owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which terms each patient has, 0 or 1, (n_patients, n_terms): one of their reports is enough."""
    has = np.zeros((int(owners.max()) + 1, marks.shape[1]), dtype=np.int64)
    np.maximum.at(has, owners, marks)
    return has


def is_inside(places: NDArray[np.int64], owners: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return which of n clusters an image of each patient is in, 0 or 1, (n, n_patients)."""
    inside = np.zeros((n, int(owners.max()) + 1), dtype=np.int64)
    inside[places, owners] = 1
    return inside


def log_odds(
    places: NDArray[np.int64], marks: Marks, owners: NDArray[np.int64], n: int, shrinkage: float
) -> NDArray[np.float64]:
    """Return the log-odds of each term in each cluster less those in all, shrunk to 0, (n, n_terms).

    Pseudo-counts: each cluster has this number of patients more, who have the terms as often as all patients.
    """
    sizes, with_term, in_all = patients_with(places, marks, owners, n)
    # Half a patient more with and without it, so that a term of all or of none has odds.
    share = (in_all + 0.5) / (int(owners.max()) + 2)
    # Shrunk counts of patients with the term and without it; both are above 0.
    those = with_term + shrinkage * share
    others = sizes[:, None] - with_term + shrinkage * (1 - share)
    return np.asarray(np.log(those / others) - np.log(share / (1 - share)))
