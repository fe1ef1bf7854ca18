"""Semantic profiles: reports and stored vectors become one more representation of an index, in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import FitError, SettingError
from ...metadata.filter import Condition
from ...metadata.reports.report_table import HAS_REPORT
from ...metric_learning.held_out import fold_by_fold
from ...metric_learning.semantics import (
    Association,
    ClusterProfile,
    SemanticProfile,
    associations,
)
from ...representation import Vector
from ..catalogue.representations import StoredRepresentation
from ..progress import Progress
from ..storage.annotations import Annotations
from ..storage.snapshot import Snapshot
from ..storage.store import Store
from .derived import base_ranker, stored_vector
from .learn_metric import commit_derived
from .profile_options import ProfileOptions, keepable
from .training_set import joined_groups

FEWEST_PATIENTS = 5
"""Patients below which nothing is learnt of a term: a name that is so rare may be that of one of them."""


@dataclass(frozen=True)
class ProfileReport:
    """Result of learning a profile.

    Parameters
    ----------
    name : the new representation.
    terms : the number of patients of each term that was learnt.
    left_out : terms that fewer than five patients have.
    n_images, n_patients : that were learnt from; each has a report.
    group : the column that tells patients apart; None if each image counts alone.
    associations : cells of clusters and terms that are beyond chance, the least probable first.
    n_cells : cells that were tested.
    unmatched : paths of the reports that name no image.
    is_new : False if it replaced one of the same name.
    has_folds : profiles without each fold are kept too, so that it can be evaluated.
    """

    name: str
    terms: Mapping[str, int]
    left_out: tuple[str, ...]
    n_images: int
    n_patients: int
    group: str | None
    associations: tuple[Association, ...]
    n_cells: int
    unmatched: tuple[str, ...]
    is_new: bool
    has_folds: bool


@dataclass(frozen=True, eq=False)
class _Reported:
    """The images with a report: numbers, names, vectors, terms (n, n_terms) and patients."""

    ids: list[int]
    names: list[str]
    vectors: list[Vector]
    marks: NDArray[np.bool_]
    groups: list[str]


def learn_profile(store: Store, options: ProfileOptions, progress: Progress) -> ProfileReport:
    """Learn a profile from reports, and add it to the index in one commit, as ``by+profile``.

    It is kept as a learnt metric is; of the reports only the names of terms and their log-odds are.

    Raises
    ------
    SettingError : no such representation or column, or no report of any image.
    FitError : too few images or patients. In all cases the index stays as it was.
    """
    snapshot = Snapshot(store)
    base = snapshot.stored_representation(options.by)
    annotations = Annotations(snapshot, options.reports)
    group, found = _reported(store, snapshot, base, annotations, options)
    # Folds and clusters see the same terms, so that their vectors have one length.
    counts = _patients(found, options.terms)
    kept = [i for i, name in enumerate(options.terms) if counts[name] >= FEWEST_PATIENTS]
    if not kept:
        raise FitError(
            f"reports: no term is affirmed of {FEWEST_PATIENTS} patients or more; give more reports"
        )
    terms, marks = [options.terms[i] for i in kept], found.marks[:, kept]
    progress("learn", 0, 0)  # no steps are known
    learner = options.learner

    def learn(places: Sequence[int]) -> ClusterProfile:
        own = [found.vectors[i] for i in places]
        return learner.learn(own, marks[places], [found.groups[i] for i in places])

    profile = learn(range(len(found.ids)))
    # By these it is evaluated: the reports themselves are not kept.
    held_out = fold_by_fold(learn, found.groups, found.ids, learner.seed)
    settings = {"base_recipe": base.recipe, "terms": terms, **asdict(learner)}
    made = SemanticProfile(store.representation(base), options.full_name, **settings)
    made.with_projection(profile, held_out)
    cells = associations(profile, terms, found.vectors, marks, found.groups, found.names)
    report = ProfileReport(
        name=made.name,
        terms={name: counts[name] for name in terms},
        left_out=tuple(name for name in options.terms if 0 < counts[name] < FEWEST_PATIENTS),
        n_images=len(found.ids),
        n_patients=len(set(found.groups)),
        group=group,
        associations=tuple(cells),
        n_cells=profile.centres.shape[1] * len(terms),
        unmatched=annotations.unmatched(),
        is_new=made.name not in snapshot.stored,
        has_folds=held_out is not None,
    )
    # What reports say is asked for by name: a plain query goes on asking what images look like.
    account = {"terms": len(terms), "patients": report.n_patients, "by_name_only": True}
    again = keepable(options, _asks_labels(options, snapshot, group))
    digests = None if again is None or options.files is None else options.files.digests
    commit_derived(store, base, made, report.n_images, account, progress, again, digests)
    return report


def _asks_labels(options: ProfileOptions, snapshot: Snapshot, group: str | None) -> bool:
    """Tell if the label table of the index decides who is a patient, or what is learnt from."""
    asked = {group} | set(() if options.where is None else Condition.parse(options.where).columns)
    # The table of reports comes first, and has labels of its own.
    asked -= {"label"}.union(*(row.columns for row in options.reports.rows.values()))
    rows = (snapshot.columns.label_row(i) for i in range(len(snapshot)))
    return any(asked & row.columns.keys() for row in rows)


def _reported(
    store: Store,
    snapshot: Snapshot,
    base: StoredRepresentation,
    annotations: Annotations,
    options: ProfileOptions,
) -> tuple[str | None, _Reported]:
    """Return the column of patients, and the images that have a report and a vector."""
    has_report = [bool(cell) for cell in annotations.values(HAS_REPORT)]
    chosen = np.flatnonzero(annotations.meets(options.where) & np.array(has_report, dtype=np.bool_))
    # The newest images may lack the base until the next update has encoded them; they are left out.
    ranker = base_ranker(store, base, snapshot.representation(base.name))
    there = set(ranker.ids().tolist())
    positions = [int(i) for i in chosen if int(snapshot.ids[i]) in there]
    if not positions:
        first = next(iter(options.reports.rows), "none")
        raise SettingError(
            "reports: no row names an image that may be learnt from; paths are those of the index, as "
            f"`semblance query` prints them (the table's first is {first!r})"
        )
    group, groups = annotations.groups(options.not_same)
    # Near-duplicates are most likely one patient by two names, and would count twice.
    apart = joined_groups(snapshot, groups, positions)
    labels = annotations.labels
    marks = np.array([[name in labels[i] for name in options.terms] for i in positions], dtype=np.bool_)
    ids = [int(snapshot.ids[i]) for i in positions]
    vectors: list[Vector] = [stored_vector(ranker, base, id) for id in ids]
    names = [snapshot.names[i] for i in positions]
    return group, _Reported(ids, names, vectors, marks, [str(apart[i]) for i in positions])


def _patients(found: _Reported, terms: Sequence[str]) -> dict[str, int]:
    """Return how many patients each term is affirmed of."""
    groups = np.array(found.groups)
    return {name: len(np.unique(groups[found.marks[:, i]])) for i, name in enumerate(terms)}
