"""Print how well a ranking by projected vectors retrieves: PCA, kernel PCA and t-SNE beside learnt metrics.

    python -m benchmarks.quality.projection [SET...] [--by NAME] [--splits N] [--data FOLDER] [--jobs N]

Whole groups (patients, near-duplicates) are dealt to two halves. All that is learnt, axes and metrics, is
learnt on one half; each picture of the other half ranks the others of that half, its own group left out. So
all rows have the same queries and the same database, and no row has seen either, but for the words, which are
drawn from all pictures without a label, and for t-SNE, which knows no new pictures: it is laid out on the
very pictures that are ranked. Rows with two dimensions are ranked by Euclidean distance, all others by
cosine. ``nca, labels shuffled`` is learnt from labels dealt anew, and shows what the method alone does.
Intervals: 95 %, bootstrap by group, over the mean of each query in all splits in which it asks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import KernelPCA
from threadpoolctl import threadpool_limits

from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.leave_one_out import encode
from retrieval.metric_learning import METHODS, MetricLearner
from retrieval.metric_learning.large_margin import squared_distances
from retrieval.metric_learning.layout_2d import neighbour_embedding
from retrieval.metric_learning.matrix import stack, unit
from retrieval.metric_learning.principal_axes import principal_axes
from retrieval.registry import make
from retrieval.representation import Vector
from retrieval.statistics.measures import bootstrap_interval
from retrieval.statistics.tied_ranking import TiedRanking

SETS = ("brain4", "wbc5")
AXES = 96
Scores = NDArray[np.float64]
Judge = Callable[[Sequence[Vector], Sequence[str], Sequence[Vector]], Scores]
"""Learns from vectors with labels, and returns how alike others are, (n, n)."""


def cosine(rows: NDArray[np.float64]) -> Scores:
    """Return the cosine of every row with every row."""
    return unit(rows) @ unit(rows).T


def closeness(rows: NDArray[np.float64]) -> Scores:
    """Return the negative squared distance of every row to every row."""
    return -squared_distances(rows)


def full(known: Sequence[Vector], labels: Sequence[str], asked: Sequence[Vector]) -> Scores:
    """Judge by the vectors themselves."""
    rows = stack(asked)
    return np.asarray((rows @ rows.T).todense()) if hasattr(rows, "todense") else cosine(rows)


def components(k: int) -> Judge:
    """Judge by k principal components."""

    def judge(known: Sequence[Vector], labels: Sequence[str], asked: Sequence[Vector]) -> Scores:
        rows = principal_axes(stack(known), k).reduce(stack(asked))
        return closeness(rows) if k == 2 else cosine(rows)

    return judge


def kernel(k: int) -> Judge:
    """Judge by k kernel principal components; a Gaussian kernel as wide as the median distance."""

    def judge(known: Sequence[Vector], labels: Sequence[str], asked: Sequence[Vector]) -> Scores:
        axes = principal_axes(stack(known), 50)
        ours, theirs = unit(axes.reduce(stack(known))), unit(axes.reduce(stack(asked)))
        distances = squared_distances(ours)
        gamma = 1 / float(np.median(distances[np.triu_indices(len(ours), 1)]))
        rows = KernelPCA(k, kernel="rbf", gamma=gamma, random_state=0).fit(ours).transform(theirs)
        return closeness(rows) if k == 2 else cosine(rows)

    return judge


def embedding(known: Sequence[Vector], labels: Sequence[str], asked: Sequence[Vector]) -> Scores:
    """Judge by the t-SNE of the very pictures that are ranked."""
    rows = stack(asked)
    return closeness(neighbour_embedding(principal_axes(rows, 50).reduce(rows)))


def learnt(method: str, is_shuffled: bool = False) -> Judge:
    """Judge by a learnt metric."""

    def judge(known: Sequence[Vector], labels: Sequence[str], asked: Sequence[Vector]) -> Scores:
        given = np.random.default_rng(0).permutation(labels).tolist() if is_shuffled else list(labels)
        projection = MetricLearner(method).learn(known, given)
        return cosine(np.array([projection.project(vector) for vector in asked], dtype=np.float64))

    return judge


ROWS: Mapping[str, tuple[str, Judge]] = {
    "vectors as they are": ("", full),
    f"PCA, {AXES}": ("no", components(AXES)),
    f"kernel PCA, {AXES}": ("no", kernel(AXES)),
    "PCA, 2": ("no", components(2)),
    "kernel PCA, 2": ("no", kernel(2)),
    "t-SNE, 2 (of the pictures ranked)": ("no", embedding),
    **{method: ("yes", learnt(method)) for method in METHODS},
    "nca, labels shuffled": ("wrong ones", learnt("nca", is_shuffled=True)),
}
"""Each row of the table: does it use labels, and how it judges."""


def halves(groups: NDArray[np.str_], splits: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the pictures of both halves of the groups, in both roles, for each split."""
    names = np.unique(groups)
    for seed in range(splits):
        dealt = np.random.default_rng(seed).permutation(names)
        is_first = np.isin(groups, dealt[: len(dealt) // 2])
        yield np.flatnonzero(is_first), np.flatnonzero(~is_first)
        yield np.flatnonzero(~is_first), np.flatnonzero(is_first)


def judged(scores: Scores, labels: NDArray[np.str_], groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return average precision and P@1 of each query, (n, 2); NaN if nothing is right."""
    found = np.full((len(labels), 2), np.nan)
    for i, row in enumerate(scores):
        others = np.flatnonzero(groups != groups[i])
        best = others[np.argsort(-row[others], kind="stable")]
        ranking = TiedRanking(labels[best] == labels[i], row[best])
        if ranking.relevant.any():
            found[i] = ranking.average_precision(), ranking.precision_at(1)
    return found


def measures(data: Set, vectors: Sequence[Vector], splits: int) -> dict[str, NDArray[np.float64]]:
    """Return for each row the measures of each picture, (n, 2), the mean over all splits."""
    sums = {row: np.zeros((len(data), 2)) for row in ROWS}
    for known, asked in halves(data.groups, splits):
        ours, theirs = ([vectors[i] for i in part] for part in (known, asked))
        for row, (_, judge) in ROWS.items():
            scores = judge(ours, data.labels[known].tolist(), theirs)
            sums[row][asked] += judged(scores, data.labels[asked], data.groups[asked])
    return {row: total / splits for row, total in sums.items()}


def table(data: Set, found: Mapping[str, NDArray[np.float64]]) -> Iterator[str]:
    """Yield the lines of a set, in percent."""
    plain = next(iter(found.values()))[:, 0]
    for row, values in found.items():
        low, high = bootstrap_interval(values[:, 0], data.groups)
        worse, better = bootstrap_interval(values[:, 0] - plain, data.groups)
        gain = "" if row == next(iter(found)) else f"{100 * worse:+.1f} to {100 * better:+.1f}"
        mean, first = np.nanmean(values, axis=0)
        interval = f"{100 * low:.1f} to {100 * high:.1f}"
        yield (
            f"| {data.name} | {row} | {ROWS[row][0]} | {100 * mean:.1f} | {interval} | {gain} "
            f"| {100 * first:.1f} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--by", default="superpixel")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    print("| set | ranked by | labels | mAP | 95 % interval | gain over the vectors | P@1 |")
    print("|---|---|---|--:|---|---|--:|")
    for name in args.sets:
        data = Set.load(name, args.data)
        vectors = [e.vector for e in encode(make(args.by, {}), data.items, args.jobs)]
        with threadpool_limits(1):
            for line in table(data, measures(data, vectors, args.splits)):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
