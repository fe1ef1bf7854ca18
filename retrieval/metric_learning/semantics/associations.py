"""Associations: which terms are commoner in the reports of a cluster than chance makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...representation import Vector
from ...statistics.fisher_exact import holm, size_strata, stratified_upper_tails
from ...statistics.groups import numbered
from .cluster_profile import ClusterProfile
from .profile_learner import Marks, has_terms, is_inside, nearest

LEVEL = 0.05
"""The chance that any cell at all is called significant if reports have nothing to do with looks."""
_EXAMPLES = 3


@dataclass(frozen=True)
class Association:
    """One cluster and one term.

    Parameters
    ----------
    cluster, term : the cluster's number, from 0, and the name.
    found, size : patients of the cluster who have the term, and all of the cluster.
    labelled, total : patients who have it, and all.
    log_odds : in the cluster less those in all, shrunk.
    p, adjusted : of the one-sided exact test among patients of about as many images, and after Holm's
        correction for all cells.
    examples : names of up to three images of the cluster with the term, of other patients each, those nearest
        to its centre first.
    """

    cluster: int
    term: str
    found: int
    size: int
    labelled: int
    total: int
    log_odds: float
    p: float
    adjusted: float
    examples: tuple[str, ...] = ()


def associations(
    profile: ClusterProfile,
    terms: Sequence[str],
    vectors: Sequence[Vector],
    marks: Marks,
    groups: Sequence[str],
    names: Sequence[str] = (),
) -> list[Association]:
    """Return the significant cells of the first clustering, the least probable first.

    Clusters are found without the reports, so that the tests hold; patients are drawn, not images. A patient
    of many images is in more clusters, and has more terms: patients are compared with those of about as many.
    """
    owners = numbered(groups)
    rows = profile.axes.project_all(vectors).astype(np.float64)
    centres = profile.centres[0].astype(np.float64)
    places = nearest(rows, centres)
    has, inside = has_terms(marks, owners), is_inside(places, owners, len(centres))
    sizes, with_term, in_all, total = inside.sum(axis=1), inside @ has, has.sum(axis=0), len(has)
    # (clusters, terms): all cells are tested, also those that nobody would look at, and Holm counts them all.
    p = _p_values(has, inside, owners)
    adjusted = holm(p.ravel()).reshape(p.shape)
    found = []
    for cluster, term in np.argwhere(adjusted <= LEVEL).tolist():
        near = rows[:, :] @ centres[cluster]
        own = np.flatnonzero((places == cluster) & marks[:, term])
        found.append(
            Association(
                cluster,
                terms[term],
                int(with_term[cluster, term]),
                int(sizes[cluster]),
                int(in_all[term]),
                total,
                float(profile.log_odds[0, cluster, term]),
                float(p[cluster, term]),
                float(adjusted[cluster, term]),
                _examples(own, near, owners, names),
            )
        )
    return sorted(found, key=lambda one: (one.p, one.cluster, one.term))


def _p_values(
    has: NDArray[np.int64], inside: NDArray[np.int64], owners: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return p of each cell, (n_clusters, n_terms); 1 where the term is no commoner than by chance."""
    strata = numbered(size_strata(np.bincount(owners)).tolist())
    # (n_strata, n_patients)
    of_stratum = np.eye(int(strata.max()) + 1, dtype=np.int64)[strata].T
    drawn, labelled, totals = inside @ of_stratum.T, (of_stratum @ has).T, of_stratum.sum(axis=1)
    found = inside @ has
    # What is no commoner has p ≥ 1/2, and need not be known: the median of X is next to its mean (Jogdeo and
    # Samuels 1968, Ann. Math. Stat. 39).
    found[found <= drawn @ (labelled / totals).T] = 0
    rows = zip(found, drawn, strict=True)
    return np.stack([stratified_upper_tails(row, own, labelled, totals) for row, own in rows])


def _examples(
    own: NDArray[np.int64], near: NDArray[np.float64], owners: NDArray[np.int64], names: Sequence[str]
) -> tuple[str, ...]:
    """Return the names of the images nearest to a centre, one a patient."""
    if not names:
        return ()
    # Three images of one patient would look like three cases.
    chosen: dict[int, str] = {}
    for place in own[np.argsort(-near[own], kind="stable")].tolist():
        chosen.setdefault(int(owners[place]), names[place])
    return tuple(list(chosen.values())[:_EXAMPLES])
