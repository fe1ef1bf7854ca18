"""Learning the weights of a fusion, and keeping them in an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..answers.weight_learning import learn_weights, mean_average_precision
from ..errors import SettingError
from ..index.catalogue.learned_fusions import FusionFolds, LearntFusion, write_fusion
from ..index.catalogue.recipe import Factories
from ..index.search.held_out import without_folds
from ..index.search.metric_folds import metric_folds
from ..index.search.query_options import QueryOptions
from ..index.storage.snapshot import Snapshot
from ..index.storage.store import Store
from ..index.update.flow import Flow, weigh
from ..index.update.relearn import stale_fusions
from ..metadata.label_table import LabelTable
from .cross_fitting import FOLDS, draw, folds, gather
from .encoded import require_encoded
from .evaluation_options import EvaluationOptions
from .held_out_systems import by_held_out
from .systems import System, fuse_systems
from .task import EvaluationTask, prepare

if TYPE_CHECKING:
    from ..index.order import IndexState


@dataclass(frozen=True)
class FusionOptions:
    """What a fusion is learnt from.

    Parameters
    ----------
    by : the representations, two or more.
    labels, label, not_same : as in ``EvaluationOptions``.
    where : only pictures that meet this condition are queries and are found.
    seed : of what is drawn.
    """

    by: Sequence[str]
    labels: LabelTable | None = None
    label: str = "label"
    not_same: str | None = None
    where: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if len(set(self.by)) < 2 or len(set(self.by)) != len(self.by):
            raise SettingError("by: a fusion is of two or more representations; name each once")
        if self.seed < 0:
            raise SettingError(f"seed: {self.seed} is below 0; give 0 or more")


def learn_fusion(folder: Path, options: FusionOptions, *, factories: Factories | None = None) -> LearntFusion:
    """Learn how much each representation counts, and keep it in the index, in one commit.

    Up to 300 labelled pictures, drawn at random, are queries; pictures of their own group are left out. The
    trial learns from one half of the groups and measures mAP on queries of the other; what is kept is learnt
    from all. Of learnt metrics, pictures ask those that these have not seen either.

    Raises
    ------
    SettingError : no labels, no such representation, or options that make no sense.
    IndexFolderError : no index, or another process writes to it.
    """
    with closing(Store.open(Path(folder), True, factories or {})) as store:
        return _kept(store, options)


def learn_fusions_again(state: IndexState) -> IndexState:
    """Learn stale weights of an index again, as they were learnt, after an update.

    Return its state with a note of each fusion that could not be learnt. Raises IndexFolderError if another
    process writes to it.
    """
    notes = list(state.report.notes)
    with closing(Store.open(state.output, True, {})) as store:
        flow = Flow(store)
        for by, _ in list(stale_fusions(store, flow)):
            options: Mapping[str, Any] | None = flow.options(weigh(by))
            try:
                if options is not None:
                    _kept(store, FusionOptions(**options))
            except SettingError as error:  # such as no labels any more
                notes.append(f"the weights of {', '.join(by)} could not be learnt again: {error}")
    return replace(state, report=replace(state.report, notes=tuple(notes)))


def _kept(store: Store, options: FusionOptions) -> LearntFusion:
    """Learn, and keep what was learnt and what of."""
    learnt, fusion_folds = _learn(Snapshot(store), options)
    # A table of the user's own is not in the index: what is learnt from it cannot be learnt again.
    again = None if options.labels is not None else {**asdict(options), "by": list(options.by)}
    with store.catalogue.transaction():
        write_fusion(store.catalogue, learnt, fusion_folds)
        Flow(store).record(weigh(learnt.by), again)
    return learnt


def _learn(snapshot: Snapshot, options: FusionOptions) -> tuple[LearntFusion, FusionFolds]:
    by = tuple(sorted(options.by))
    selection = EvaluationOptions(
        by=by, labels=options.labels, label=options.label, not_same=options.not_same, where=options.where
    )
    # What a metric was taught of the images that are found would raise its weight, whatever the labels mean.
    task = replace(prepare(snapshot, selection), seen=metric_folds(snapshot, by))
    require_encoded(snapshot, by, task)
    systems = [by_held_out(snapshot, name) for name in by]
    # A query must be in the database too: only then do both halves of the trial rank the same pictures.
    able = np.intersect1d(task.queries, np.flatnonzero(task.database))
    queries = draw(task, able, len(by), options.seed)
    scores, relevant = gather(systems, task, queries)
    if not relevant.any():
        raise SettingError("labels: no query has a right answer to find; give more labelled images")
    # The trial: weights of one half of the groups, judged by queries of the other.
    half = folds(task, queries, 2, options.seed) == 0
    trial: dict[str, float] = {}
    held_out = ~half & relevant.any(axis=1)
    if relevant[half].any() and held_out.any():
        weights = learn_weights(scores[:, half], relevant[half])
        rest, right = scores[:, held_out], relevant[held_out]
        trial = {name: mean_average_precision(part, right) for name, part in zip(by, rest, strict=True)}
        trial["sum"] = mean_average_precision(rest.mean(axis=0), right)
        # What ranks where nobody names a rule, and what learnt weights would take the place of.
        own = _fused_scores(systems, snapshot.rule, task, queries[held_out])
        trial[snapshot.rule] = mean_average_precision(own, right)
        trial["learnt"] = mean_average_precision(
            np.tensordot(np.array(weights, np.float32), rest, axes=1), right
        )
    # What is kept is learnt from both halves: the trial says what to expect of it.
    learnt = LearntFusion(
        by,
        tuple(str(snapshot.stored_representation(name).recipe) for name in by),
        learn_weights(scores, relevant),
        int(relevant.any(axis=1).sum()),
        trial,
        int(held_out.sum()) if trial else 0,
        # The rule of the index stays what ranks where learnt weights did worse, or nothing tells.
        decides=bool(trial) and trial["learnt"] >= trial[snapshot.rule] and not _has_seen_all(snapshot, by),
    )
    return learnt, _without_each_fold(snapshot, task, by, queries, scores, relevant, options.seed)


def _has_seen_all(snapshot: Snapshot, by: Sequence[str]) -> bool:
    """Tell whether one of some representations is a metric that keeps no ranking without labels it saw."""
    return bool(without_folds(snapshot, by, QueryOptions(by=by, fusion=snapshot.rule)))


def _fused_scores(
    systems: Sequence[System], rule: str, task: EvaluationTask, positions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the scores of some queries by a rule of fusion, (n_queries, n_pictures); NaN where not found."""
    scores = np.full((len(positions), len(task.database)), np.nan, dtype=np.float32)
    for row, position in zip(scores, positions.tolist(), strict=True):
        allowed = task.allowed(position)
        fused = fuse_systems(systems, rule, position, allowed, ())
        row[allowed] = -np.inf  # what no system ranks comes after all that one does
        row[fused.ids] = fused.scores
    return scores


def _without_each_fold(
    snapshot: Snapshot,
    task: EvaluationTask,
    by: tuple[str, ...],
    queries: NDArray[np.int64],
    scores: NDArray[np.float32],
    relevant: NDArray[np.bool_],
    seed: int,
) -> FusionFolds:
    """Learn weights without the labels of each fold: its images neither ask nor are found."""
    seen = np.flatnonzero(task.judgements.known & task.database)
    dealt = folds(task, seen, FOLDS, seed)
    fold_of = np.full(len(task.database), -1, dtype=np.int64)
    fold_of[seen] = dealt
    weights = []
    for fold in range(FOLDS):
        asking, found = fold_of[queries] != fold, fold_of != fold
        rest, right = np.where(found, scores[:, asking], np.float32(np.nan)), relevant[asking] & found
        # Nothing to learn from: as good a guess as any is that all count the same.
        weights.append(learn_weights(rest, right) if right.any() else (1 / len(by),) * len(by))
    ids = snapshot.ids[seen].tolist()
    return FusionFolds(by, tuple(weights), dict(zip(ids, dealt.tolist(), strict=True)))
