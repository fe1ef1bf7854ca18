"""The training set of a metric: which images of an index it is learnt from, with classes and groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...answers.duplicate_groups import joined
from ...errors import SettingError
from ...metadata.label_table import LabelTable
from ...metric_learning import (
    Blend,
    CrossValidation,
    HeldOut,
    LearnedMetric,
    MetricLearner,
    Projection,
    blend_of,
    cross_validate,
    learn_held_out,
)
from ...metric_learning.blend import check_factor
from ...metric_learning.held_out import Projected
from ...representation import Representation, Vector
from ..catalogue.representations import StoredRepresentation
from ..storage.annotations import Annotations
from ..storage.near_duplicates import near_duplicates
from ..storage.snapshot import Snapshot
from ..storage.store import Store
from .derived import base_ranker, stored_vector


@dataclass(frozen=True)
class MetricOptions:
    """Options of metric learning; see ``learn_metric``.

    Parameters
    ----------
    by : the representation whose vectors it is learnt on.
    learner : the method and its settings.
    labels : the classes, by image or file, and columns for ``where``; None for those of the index. Several
        labels of an image are one class together.
    where : only images that meet this condition are learnt from; all get vectors.
    not_same : no value of this column is on both sides of the trial; if None the first of ``KEPT_TOGETHER``
        (``retrieval.metadata.groups``) that an image has.
    name : follows the ``+``; None for the method.
    has_trial : measure by cross-validation if the metric helps.
    blend : how much the base counts beside the metric, at least 0; None for what held-out images find best.
    """

    by: str
    learner: MetricLearner = field(default_factory=MetricLearner)
    labels: LabelTable | None = None
    where: str | None = None
    not_same: str | None = None
    name: str | None = None
    has_trial: bool = True
    blend: float | None = None

    def __post_init__(self) -> None:
        check_factor(self.blend)
        if not self.own_name.isprintable() or set(self.own_name) & set("+ ,") or not self.own_name:
            raise SettingError(f"name: {self.own_name!r}; give letters, digits, '-', '_' and '.'")
        if "+" in self.by:
            raise SettingError(f"by: {self.by} is learnt already; name the representation before the +")

    @property
    def own_name(self) -> str:
        """The part of the name after the ``+``."""
        return self.learner.method if self.name is None else self.name

    @property
    def full_name(self) -> str:
        """The name of the representation."""
        return f"{self.by}+{self.own_name}"


@dataclass(frozen=True)
class MetricReport:
    """Result of metric learning.

    Parameters
    ----------
    name : the new representation.
    dimension : the length of its vectors.
    classes : the number of images of each class that were learnt from.
    left_out : classes with a single image.
    n_unlabelled : the number of images that met the condition and have no label.
    unmatched : paths of the label table that name no image.
    group : the column that separated training from test images in the trial; None if images have no groups.
    trial : None if there are too few groups for one, or none was asked for.
    is_new : False if it replaced one of the same name.
    n_joined : groups that share near-duplicates with another, so that both were kept on one side.
    modalities : of the images that were learnt from, as far as their headers say.
    blend : how much the base counts beside the metric.
    """

    name: str
    dimension: int
    classes: Mapping[str, int]
    left_out: tuple[str, ...]
    n_unlabelled: int
    unmatched: tuple[str, ...]
    group: str | None
    trial: CrossValidation | None
    is_new: bool
    n_joined: int = 0
    modalities: tuple[str, ...] = ()
    blend: Blend = field(default_factory=Blend)


class TrainingSet:
    """The images that are learnt from: their vectors, classes and groups, all of one length.

    Raises
    ------
    SettingError : no image has a label, or meets the condition.
    IndexFolderError : a stored vector is lost or damaged.
    """

    def __init__(
        self,
        store: Store,
        snapshot: Snapshot,
        base: StoredRepresentation,
        representation: Representation,
        terms: MetricOptions,
    ) -> None:
        self._snapshot = snapshot
        self._base = representation
        self._terms = terms
        annotations = Annotations(snapshot, terms.labels)
        labels = annotations.labels
        chosen = np.flatnonzero(annotations.meets(terms.where))
        self.n_unlabelled = sum(not labels[i] for i in chosen)
        positions = [int(i) for i in chosen if labels[i]]
        if not positions:
            raise SettingError(self._nothing(len(chosen)))
        # The newest images may lack the base until the next update has encoded them; they are left out.
        ranker = base_ranker(store, base, representation)
        there = set(ranker.ids().tolist())
        positions = [i for i in positions if int(snapshot.ids[i]) in there]
        self.ids = [int(snapshot.ids[i]) for i in positions]
        self.vectors: list[Vector] = [stored_vector(ranker, base, int(snapshot.ids[i])) for i in positions]
        found = {snapshot.columns.entry(i).metadata.get("modality") for i in positions}
        self.modalities = tuple(sorted(str(modality) for modality in found if modality))
        # Several labels are sorted, so that "a;b" and "b;a" are one class.
        self.classes = [";".join(sorted(labels[i])) for i in positions]
        self.group, groups = annotations.groups(terms.not_same)
        apart = joined_groups(snapshot, groups, positions)
        self.groups = [str(apart[i]) for i in positions]
        self.n_joined = len({groups[i] for i in positions}) - len(set(self.groups))
        self._unmatched = annotations.unmatched()
        # Zero vectors and classes of one image are left out; the trial uses exactly what is learnt from.
        self._drawn = terms.learner.drawn(self.vectors, self.classes)

    def held_out(self) -> HeldOut | None:
        """Learn the metric without each of five folds; None if there are too few groups or images."""
        return learn_held_out(self._terms.learner, self.vectors, self.classes, self.groups, self.ids)

    def blend(self, whole: Projection, held_out: HeldOut | None) -> Blend:
        """Return how much the base counts beside the metric, by the folds if there are any."""
        vectors = [self.vectors[i] for i in self._drawn]
        classes, groups = ([part[i] for i in self._drawn] for part in (self.classes, self.groups))
        projections: list[Projected] = [whole]
        folds = np.zeros(len(vectors), dtype=np.int64)
        if held_out is not None:
            projections = list(held_out.projections)
            folds = np.array([held_out.fold_of(self.ids[i]) for i in self._drawn], dtype=np.int64)
        terms = self._terms
        return blend_of(projections, folds, vectors, classes, groups, terms.blend, terms.learner.seed)

    def trial(self, weight: float) -> CrossValidation | None:
        """Measure by cross-validation if the metric helps; None if there are too few groups."""
        vectors = [self.vectors[i] for i in self._drawn]
        classes, groups = ([part[i] for i in self._drawn] for part in (self.classes, self.groups))
        return cross_validate(self._terms.learner, self._base, vectors, classes, groups, weight)

    def report(self, made: LearnedMetric, trial: CrossValidation | None, blend: Blend) -> MetricReport:
        """Return the report of a learned metric."""
        counts = Counter(self.classes)
        return MetricReport(
            name=made.name,
            dimension=made.make_ranker().dimension,
            classes=dict(sorted(Counter(self.classes[i] for i in self._drawn).items())),
            # One image has no other of its class that it could be made more like.
            left_out=tuple(sorted(name for name, n in counts.items() if n == 1)),
            n_unlabelled=self.n_unlabelled,
            unmatched=self._unmatched,
            group=self.group,
            trial=trial,
            is_new=made.name not in self._snapshot.stored,
            n_joined=self.n_joined,
            modalities=self.modalities,
            blend=blend,
        )

    def _nothing(self, n_chosen: int) -> str:
        if self._terms.where is not None and not n_chosen:
            return f"where: no image meets {self._terms.where!r}"
        if self._terms.labels is None:
            return "labels: no image of this index has a label; give a label table with --labels"
        # Most often the paths of the table are not those of the index; one of each kind shows it.
        first = next(iter(self._terms.labels.rows), "none")
        return (
            "labels: no row names an image that may be learnt from; paths are those of the index, as "
            f"`semblance query` prints them (the table's first is {first!r})"
        )


def joined_groups(snapshot: Snapshot, groups: Sequence[str], positions: Sequence[int]) -> NDArray[np.int64]:
    """Return the groups of all images after those that share near-duplicates to learn from became one.

    They are most likely one patient by two names; with one copy in each fold, none would be held out.
    """
    pairs = near_duplicates(snapshot).pairs(positions)
    return joined(groups, [(pair.one, pair.other) for pair in pairs])
