"""The lesson: which pictures of an index a metric is learnt from, with their classes and groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...errors import SettingError
from ...metadata.label_table import LabelTable
from ...metric_learning import CrossValidation, LearnedMetric, MetricLearner, cross_validate
from ...representation import Representation, Vector
from ..catalogue.representations import StoredRepresentation
from ..storage.annotations import Annotations
from ..storage.snapshot import Snapshot
from ..storage.store import Store
from .derived import base_ranker, stored


@dataclass(frozen=True)
class MetricOptions:
    """What a metric is learnt from, and how; see ``learn_metric``.

    Parameters
    ----------
    by : the representation whose vectors it is learnt on.
    learner : the method and its settings.
    labels : the classes, by picture or file, and columns for ``where``; those of the index where None. A
        picture of several labels is of the class of all of them together.
    where : only pictures that meet this condition are learnt from; all get vectors.
    not_same : the column of which no value stands on both sides of the trial; ``patient``, else ``group``,
        where pictures have one.
    name : what is put behind the ``+``; the method where None.
    has_trial : measure by cross-validation whether it helps.
    """

    by: str
    learner: MetricLearner = field(default_factory=MetricLearner)
    labels: LabelTable | None = None
    where: str | None = None
    not_same: str | None = None
    name: str | None = None
    has_trial: bool = True

    def __post_init__(self) -> None:
        if not self.own_name.isprintable() or set(self.own_name) & set("+ ,") or not self.own_name:
            raise SettingError(f"name: {self.own_name!r}; give letters, digits, '-', '_' and '.'")
        if "+" in self.by:
            raise SettingError(f"by: {self.by} is learnt already; name the representation before the +")

    @property
    def own_name(self) -> str:
        """What is put behind the ``+``."""
        return self.learner.method if self.name is None else self.name

    @property
    def full_name(self) -> str:
        """What the representation is called."""
        return f"{self.by}+{self.own_name}"


@dataclass(frozen=True)
class MetricReport:
    """What was learnt.

    Parameters
    ----------
    name : the new representation.
    dimension : the length of its vectors.
    classes : how many pictures of each class were learnt from.
    left_out : classes with a single picture.
    n_unlabelled : pictures that met the condition and have no label.
    unmatched : rows of the label table that name no picture.
    group : the column that kept the trial clean; None where pictures have no groups.
    trial : None where there are too few groups for one, or none was wanted.
    is_new : False where it took the place of one of the same name.
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


class TrainingSet:
    """The pictures that are learnt from: their vectors, classes and groups, all of one length."""

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
        told = Annotations(snapshot, terms.labels)
        labels = told.labels
        chosen = np.flatnonzero(told.meets(terms.where))
        self.n_unlabelled = sum(not labels[i] for i in chosen)
        places = [int(i) for i in chosen if labels[i]]
        if not places:
            raise SettingError(self._nothing(len(chosen)))
        ranker = base_ranker(store, base, representation)
        there = set(ranker.ids().tolist())
        places = [i for i in places if int(snapshot.ids[i]) in there]
        self.vectors: list[Vector] = [stored(ranker, base, int(snapshot.ids[i])) for i in places]
        self.classes = [";".join(sorted(labels[i])) for i in places]
        self.group, groups = told.groups(terms.not_same)
        self.groups = [groups[i] for i in places]
        self._unmatched = told.unmatched()
        self._drawn = terms.learner.drawn(self.vectors, self.classes)

    def trial(self) -> CrossValidation | None:
        """Measure by cross-validation, on what is learnt from, whether the metric helps."""
        vectors = [self.vectors[i] for i in self._drawn]
        classes, groups = ([part[i] for i in self._drawn] for part in (self.classes, self.groups))
        return cross_validate(self._terms.learner, self._base, vectors, classes, groups)

    def report(self, made: LearnedMetric, trial: CrossValidation | None) -> MetricReport:
        """Say what was learnt."""
        counts = Counter(self.classes)
        return MetricReport(
            name=made.name,
            dimension=made.make_ranker().dimension,
            classes=dict(sorted(Counter(self.classes[i] for i in self._drawn).items())),
            left_out=tuple(sorted(name for name, n in counts.items() if n == 1)),
            n_unlabelled=self.n_unlabelled,
            unmatched=self._unmatched,
            group=self.group,
            trial=trial,
            is_new=made.name not in self._snapshot.bindings,
        )

    def _nothing(self, n_chosen: int) -> str:
        if self._terms.where is not None and not n_chosen:
            return f"where: no picture meets {self._terms.where!r}"
        if self._terms.labels is None:
            return "labels: no picture of this index has a label; give a label table with --labels"
        first = next(iter(self._terms.labels.rows), "none")
        return (
            "labels: no row names a picture that may be learnt from; paths are those of the index, as "
            f"`semblance query` prints them (the table's first is {first!r})"
        )
