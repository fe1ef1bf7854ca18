"""Leave-one-out: every image of a set is a query, and its own group is left out of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.shared.labelled_sets import Item, Set
from retrieval.ranker import Ranking
from retrieval.registry import make
from retrieval.representation import Arrays, Encoding, Representation, needs_network
from retrieval.statistics.tied_ranking import TiedRanking


def encode(made: Representation, items: Sequence[Item], jobs: int) -> list[Encoding]:
    """Fit a representation to images and encode them, spread over processes; networks stay in this one."""
    if needs_network(made) or getattr(made, "in_batches", False):
        # Torch has threads by the time it has learnt, and a fork of those waits for ever.
        if not made.is_fitted:
            made.learn(made.sample(item.read()) for item in items[: made.n_fit_pictures])
        return [made.encode(item.read()) for item in items]
    if not made.is_fitted:
        with ProcessPoolExecutor(jobs, initializer=equip, initargs=(made.name, made.settings, {})) as pool:
            made.learn(pool.map(sample, items[: made.n_fit_pictures], chunksize=4))
    learnt = dict(made.learnt())
    with ProcessPoolExecutor(jobs, initializer=equip, initargs=(made.name, made.settings, learnt)) as pool:
        return list(pool.map(encode_item, items, chunksize=4))


def rankings(made: Representation, encodings: Sequence[Encoding]) -> list[Ranking]:
    """Rank every image against every image with the representation's own ranker; ids are positions."""
    ranker = made.make_ranker()
    ranker.add(np.arange(len(encodings), dtype=np.int64), [e.vector for e in encodings])
    return [ranker.rank(encoding.vector, len(encodings)) for encoding in encodings]


def relevances(found: Sequence[Ranking], data: Set) -> Iterator[TiedRanking]:
    """Yield for each query which of its hits are of its class, with their scores, its own group left out."""
    labels, groups = data.labels, data.groups
    for i, ranking in enumerate(found):
        others = groups[ranking.ids] != groups[i]
        yield TiedRanking(labels[ranking.ids[others]] == labels[i], ranking.scores[others])


def judged(
    scores: NDArray[np.floating], data: Set
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return average precision, P@1 and P@10 of each query, its own group left out; NaN without an answer.

    ``scores`` is (n, n), a row for each query, larger is closer; of equal scores the expected value counts.
    """
    labels, groups = data.labels, data.groups
    found = []
    for i, row in enumerate(scores):
        allowed = np.flatnonzero(groups != groups[i])
        best = allowed[np.argsort(-row[allowed], kind="stable")]
        ranking = TiedRanking(labels[best] == labels[i], row[best])
        precisions = [ranking.precision_at(k) if ranking.relevant.any() else np.nan for k in (1, 10)]
        found.append([ranking.average_precision(), *precisions])
    precision, first, ten = np.array(found).T
    return precision, first, ten


def one_thread() -> None:
    """Let OpenCV and the linear algebra compute in one thread: processes share the cores already."""
    cv2.setNumThreads(1)
    threadpool_limits(1)


_equipped: dict[str, Representation] = {}  # what this process encodes with


def equip(name: str, settings: Mapping[str, object], arrays: Arrays) -> None:
    """Give a process the representation that it samples or encodes with."""
    one_thread()
    _equipped["it"] = make(name, settings)
    if arrays:
        _equipped["it"].restore(arrays)


def sample(item: Item) -> Arrays:
    """Draw from one image, in a process that ``equip`` prepared."""
    return _equipped["it"].sample(item.read())


def encode_item(item: Item) -> Encoding:
    """Encode one image, in a process that ``equip`` prepared."""
    return _equipped["it"].encode(item.read())
