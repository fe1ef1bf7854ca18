"""What learnt metrics are worth by themselves, and blended with their base, by the number of labels.

    python -m benchmarks.quality.blend [SET...] [--by NAME] [--most 180] [--splits 2] [--cache FOLDER]

Whole groups (patients, lesions, near-duplicates) are dealt to two halves. So many labels a class, at most,
are drawn from one half, and ``nca`` learns from them; each picture of the other half ranks the others of that
half, its own group left out. ``blended`` chooses how much the base counts as ``semblance learn-metric`` does.
mAP / P@1 in percent, mean of the splits; below, paired randomisation tests by group, p adjusted by Holm for
the sets of a row. Vectors are kept in ``--cache``.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.defaults import SETS, kept_one
from benchmarks.shared.labelled_sets import DATA, Set, drawn
from retrieval.errors import FitError
from retrieval.metric_learning import MetricLearner, blend_of, learn_held_out
from retrieval.ranker import order
from retrieval.statistics.fisher_exact import holm
from retrieval.statistics.paired_tests import Comparison, compare
from retrieval.statistics.tied_ranking import TiedRanking

LABELS = (5, 10, 20, 1_000_000)
ROWS = ("base", "metric alone", "blended")
Floats = NDArray[np.float64]


def judged(scores: Floats, labels: NDArray[np.str_], groups: NDArray[np.str_]) -> Floats:
    """Return average precision and P@1 of each query, (n, 2), in percent; NaN without an answer."""
    found = []
    for i, row in enumerate(scores.astype(np.float32)):
        allowed = np.flatnonzero(groups != groups[i])
        best = order(allowed, row[allowed], len(allowed))
        tied = TiedRanking(labels[best.ids] == labels[i], best.scores)
        right = tied.relevant.any()
        found.append([tied.average_precision(), tied.precision_at(1) if right else np.nan])
    return 100 * np.array(found)


def few(labels: NDArray[np.str_], places: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Return at most n places of each class, rising."""
    own = np.random.default_rng(seed).permutation(places)
    return np.sort(np.concatenate([own[labels[own] == name][:n] for name in np.unique(labels[own])]))


def split(
    data: Set, vectors: NDArray[np.float32], n: int, seed: int
) -> tuple[NDArray[np.int64], list[Floats]]:
    """Return the queries of a split, and what the rows measure for each; no rows if nothing can be learnt."""
    labels, groups = np.array(data.labels), np.array(data.groups)
    owners, owner = np.unique(groups, return_inverse=True)
    half = (np.random.default_rng(seed).permutation(len(owners)) % 2)[owner]
    asked = np.flatnonzero(half == 1)
    known = few(labels, np.flatnonzero(half == 0), n, seed)
    own, classes = list(vectors[known]), labels[known].tolist()
    learner = MetricLearner(seed=seed)
    try:
        whole = learner.learn(own, classes)
        used = learner.drawn(own, classes)
    except FitError:
        return asked, []
    held_out = learn_held_out(learner, own, classes, groups[known].tolist(), range(len(known)))
    projections, folds = ([whole], np.zeros(len(used), dtype=np.int64))
    if held_out is not None:
        projections, folds = list(held_out.projections), held_out.folds[used]
    few_own, few_classes, few_groups = ([part[i] for i in used] for part in (own, classes, groups[known]))
    weight = blend_of(projections, folds, few_own, few_classes, few_groups, seed=seed).weight
    after = whole.project_all(list(vectors[asked])).astype(np.float64)
    base = vectors[asked].astype(np.float64) @ vectors[asked].T
    metric = after @ after.T
    return asked, [judged(s, labels[asked], groups[asked]) for s in (base, metric, metric + weight * base)]


def measured(data: Set, vectors: NDArray[np.float32], n: int, splits: int) -> dict[str, Floats]:
    """Return the mean over the splits of each query's measures, (n, 2), by row; NaN if it never asked."""
    sums = {row: np.full((splits, len(data), 2), np.nan) for row in ROWS}
    for seed in range(splits):
        asked, found = split(data, vectors, n, seed)
        for row, values in zip(ROWS, found, strict=False):
            sums[row][seed, asked] = values
    with np.errstate(invalid="ignore"):
        n_asked = {row: np.count_nonzero(~np.isnan(values), axis=0) for row, values in sums.items()}
        return {row: np.nansum(values, axis=0) / n_asked[row] for row, values in sums.items()}


def tests(
    sets: Mapping[str, Set], found: Mapping[str, Mapping[str, Floats]], against: str, measure: int
) -> Iterator[tuple[str, Comparison]]:
    """Yield blended minus another row, by set, p adjusted for the sets."""
    raw = []
    for name, rows in found.items():
        pair = {row: rows[row][:, measure] for row in ("blended", against)}
        (one,) = compare(pair, sets[name].groups)
        sign = 1 if one.first == "blended" else -1
        raw.append((name, replace(one, difference=sign * one.difference)))
    for (name, one), p in zip(raw, holm([one.p for _, one in raw]).tolist(), strict=True):
        yield name, replace(one, adjusted=p)


def print_table(sets: Mapping[str, Set], vectors: Mapping[str, NDArray[np.float32]], splits: int) -> None:
    """Print the measures by labels and row, then the differences with their tests."""
    heads = " | ".join([*sets, "mean"])
    print(f"| labels a class | | {heads} |\n|---|---|" + "--:|" * (len(sets) + 1))
    results = {n: {name: measured(sets[name], vectors[name], n, splits) for name in sets} for n in LABELS}
    for n, found in results.items():
        for row in ROWS:
            means = [np.nanmean(found[name][row], axis=0) for name in sets]
            cells = [f"{mean[0]:.1f} / {mean[1]:.1f}" for mean in [*means, np.mean(means, axis=0)]]
            print(f"| {_shown(n)} | {row} | {' | '.join(cells)} |")
    print(f"\n| labels a class | mAP, P@1 | {heads} |\n|---|---|" + "--:|" * (len(sets) + 1))
    for n, found in results.items():
        for against in ROWS[:2]:
            both = [dict(tests(sets, found, against, measure)) for measure in (0, 1)]
            cells = [", ".join(_bold(one[name]) for one in both) for name in sets]
            mean = [np.mean([c.difference for c in one.values()]) for one in both]
            row = f"| {_shown(n)} | blended − {against} | {' | '.join(cells)}"
            print(f"{row} | {mean[0]:+.1f}, {mean[1]:+.1f} |")


def _shown(n: int) -> str:
    return str(n) if n < 1000 else "half"


def _bold(c: Comparison) -> str:
    return f"**{c.difference:+.1f}**" if c.adjusted < 0.05 else f"{c.difference:+.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--by", default="superpixel", choices=["superpixel", "dense", "deep"])
    parser.add_argument("--most", type=int, default=180, help="pictures of a set, drawn at random; 0: all")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path("defaults.cache"))
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    sets = {name: drawn(Set.load(name, args.data), args.most) for name in args.sets}
    vectors = {name: kept_one(data, args.by, args.cache) for name, data in sets.items()}
    sizes = ", ".join(f"{name} {len(data)}" for name, data in sets.items())
    print(f"Commit {commit.stdout.strip() or 'unknown'}; {args.by}; images: {sizes}.\n")
    print_table(sets, vectors, args.splits)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
