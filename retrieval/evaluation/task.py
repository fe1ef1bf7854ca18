"""The evaluation task: which pictures are queries, what each may find, and which answers are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..answers.duplicate_groups import joined
from ..errors import SettingError
from ..index.search.metric_folds import comparable_with
from ..index.storage.annotations import Annotations
from ..index.storage.near_duplicates import near_duplicates
from ..index.storage.snapshot import Snapshot
from ..statistics.groups import numbered
from .evaluation_options import NOBODY, EvaluationOptions
from .relevance import Judgements

Mask = NDArray[np.bool_]
_TEST, _TRAIN = "test", "train"


@dataclass(frozen=True, eq=False)
class EvaluationTask:
    """Which pictures of an index are queries, which can be found, and how they are judged; by position.

    Parameters
    ----------
    queries : int64 (n_queries,), positions.
    database : bool (n,), which pictures may be found at all.
    column : what keeps pictures together; None if nothing does.
    groups : int64 (n,), of each picture; one without a value is a group of its own.
    judgements : of all pictures.
    n_unlabelled : pictures that are left out, because it is not known whether they are right.
    unmatched : rows of the label table that name no picture.
    is_split : the column ``split`` says which pictures are queries and which are found.
    copies : int64 (n,), of each picture, equal for near-duplicates.
    apart : int64 (n,), the groups of which none may be on both sides when something is learnt, and which are
        resampled as one: ``groups``, but those that share near-duplicates are one.
    seen : of learnt metrics the fold of each picture, int64 (n,), see ``metric_folds``: a query finds
        pictures of its own fold alone, whose labels its ranking does not know either.
    """

    queries: NDArray[np.int64]
    database: Mask
    column: str | None
    groups: NDArray[np.int64]
    judgements: Judgements
    n_unlabelled: int
    unmatched: tuple[str, ...]
    is_split: bool
    copies: NDArray[np.int64]
    apart: NDArray[np.int64]
    seen: Sequence[NDArray[np.int64]] = ()

    @property
    def n_joined(self) -> int:
        """How many groups of queries are one with another because they share near-duplicates."""
        return len(set(self.groups[self.queries].tolist())) - len(set(self.apart[self.queries].tolist()))

    def allowed(self, position: int) -> Mask:
        """Return which pictures a query may find: the database but for its own group, and itself."""
        # Pictures of one patient look alike for reasons that have nothing to do with the label.
        allowed = self.database & (self.groups != self.groups[position])
        allowed[position] = False
        for folds in self.seen:
            allowed &= comparable_with(folds, folds[position])
        return np.asarray(allowed, dtype=np.bool_)


def prepare(snapshot: Snapshot, options: EvaluationOptions) -> EvaluationTask:
    """Resolve the options of an evaluation against an index.

    Raises
    ------
    SettingError : no picture has a label, a query is not there or has none, or a column or condition that
        makes no sense.
    """
    annotations = Annotations(snapshot, options.labels)
    judgements = Judgements(
        [tuple(str(value) for value in cell) for cell in annotations.values(options.label)],
        options.hierarchy,
        options.depth,
    )
    # A picture without a label is neither asked nor found: nobody can say whether it is right.
    known = judgements.known
    if not known.any():
        raise SettingError(_no_label(annotations, options))
    column, names = (
        (None, snapshot.names) if options.not_same == NOBODY else annotations.groups(options.not_same)
    )
    # Numbers instead of names, so that a mask of a group is one comparison of arrays.
    groups = numbered(names)
    database = known & annotations.meets(options.where)
    queries = known
    is_split = _by_split(annotations, options)
    if is_split:
        # As published protocols do: test pictures are queries, and only train pictures are found.
        split = np.array([str(cell[0]) if cell else "" for cell in annotations.values("split")], dtype=object)
        database, queries = database & (split == _TRAIN), known & (split == _TEST)
        if not database.any() or not queries.any():
            raise SettingError(
                "queries: the column split needs labelled images of train, which are found, and of test, "
                "which ask"
            )
    elif options.queries is not None:
        queries = _named(snapshot, options.queries, known)
    found = near_duplicates(snapshot).all_pairs if options.has_leaks else []
    pairs = [(pair.one, pair.other) for pair in found]
    return EvaluationTask(
        np.flatnonzero(queries),
        database,
        column,
        groups,
        judgements,
        int((~known).sum()),
        annotations.unmatched(),
        is_split,
        joined(range(len(snapshot)), pairs),
        joined(groups.tolist(), pairs),
    )


def _by_split(annotations: Annotations, options: EvaluationOptions) -> bool:
    if options.queries is not None or options.protocol is None:
        return options.queries == "split"
    # A protocol is measured on its published split if the pictures have one.
    try:
        return {_TRAIN, _TEST} <= {str(cell[0]) for cell in annotations.values("split") if cell}
    except SettingError:
        return False


def _named(snapshot: Snapshot, names: Sequence[str], known: Mask) -> Mask:
    queries = np.zeros(len(snapshot), dtype=bool)
    # Of an index that hides names, those of files are known to who has its key.
    meant, is_known = snapshot.catalogue.names, snapshot.names.__contains__
    queries[[snapshot.position(meant.known(name, is_known) or name) for name in names]] = True
    lacking = np.flatnonzero(queries & ~known)
    if len(lacking):
        name = snapshot.names[int(lacking[0])]
        raise SettingError(f"queries: {name} has no label, so no answer to it can be judged; leave it out")
    if not queries.any():
        raise SettingError("queries: none are given; name images of the index, or leave it out for all")
    return queries


def _no_label(annotations: Annotations, options: EvaluationOptions) -> str:
    if options.labels is None:
        return f"{options.label}: no image of this index has one; give a label table with --labels"
    return (
        "labels: no row names an image of this index; paths are those of the index, as `semblance query` "
        f"prints them (the table's first is {next(iter(options.labels.rows), 'none')!r})"
    )
