"""Print how often the label that the nearest pictures vote for is right, and whether its confidence is true.

    python -m benchmarks.quality.classify [SET...] [--data FOLDER] [--jobs N] [-k N]

The groups of a set (patients, lesions, near-duplicates) are dealt into five folds. The pictures of each fold
are classified by those of the other four, and the confidence is learnt from those alone, each asked without
its own group (``retrieval.answers.knn``). *Before* takes the share of the votes for a confidence, *after*
is calibrated. The error is never 0 for so few pictures: *of a true one* is what it would be on average if
every confidence were exactly right. Intervals: 95 %, bootstrap by group, 1,000 draws.

The second table is what the weights of votes were chosen by: every picture asks, its own group left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.indexing import RECIPES, index_set, labelled
from benchmarks.shared.labelled_sets import DATA
from retrieval.answers.fusion import fuse
from retrieval.answers.knn import calibrate, n_voting, vote
from retrieval.index import Index
from retrieval.index.search.best_fused import rank_by_all
from retrieval.index.search.encode_query import encode_query
from retrieval.index.search.query_options import QueryOptions
from retrieval.ranker import Ranking
from retrieval.statistics.calibration_measures import brier, expected_calibration_error
from retrieval.statistics.measures import bootstrap_interval

SETS = ("brain4", "ultrasound3", "wbc5")
FOLDS = 5
DRAWS = 1000
Mask = NDArray[np.bool_]

WEIGHTS: dict[str, Callable[[NDArray[np.float64], int], NDArray[np.float64]]] = {
    "1 each": lambda scores, k: np.ones(k),
    "score": lambda scores, k: np.maximum(scores[:k], 0),
    "distance (Dudani)": lambda scores, k: scores[:k] - scores[k],
    "1 / rank": lambda scores, k: 1 / np.arange(1, k + 1),
}


class Collection:
    """The labelled pictures of a set with their rankings by some representations."""

    def __init__(self, index: Index, by: Sequence[str]) -> None:
        names = labelled(index)
        self.labels = [index.picture(name).labels for name in names]
        self.groups = np.array([str(index.picture(name).metadata["group"]) for name in names])
        self._number = {index.names.index(name): i for i, name in enumerate(names)}
        self._rankings = [[self._ranked(index, name, one) for one in by] for name in names]

    def _ranked(self, index: Index, name: str, by: str) -> Ranking:
        options = QueryOptions(by=[by])
        found = index.ask(lambda s: rank_by_all(s, encode_query(s, name, options), len(s), None, options))
        kept = [i for i, id in enumerate(found.ids.tolist()) if id in self._number]
        ids = np.array([self._number[id] for id in found.ids[kept].tolist()], dtype=np.int64)
        return Ranking(ids, found.scores[kept])

    def ranking(self, query: int, among: Mask) -> Ranking:
        """Rank pictures for one of them, as if there were no others."""
        found = [Ranking(r.ids[among[r.ids]], r.scores[among[r.ids]]) for r in self._rankings[query]]
        return found[0] if len(found) == 1 else fuse(found)

    def voted(self, query: int, among: Mask, k: int) -> tuple[float, bool]:
        """Return the share of the winner, and whether it is right."""
        ranking = self.ranking(query, among & (self.groups != self.groups[query]))
        n = n_voting(ranking.scores, k)
        shares = vote([self.labels[i] for i in ranking.ids[:n].tolist()], ranking.scores[:n], k)
        best = next(iter(shares), "")
        return shares.get(best, 0.0), best in self.labels[query]


def cross_fitted(pictures: Collection, k: int) -> tuple[Any, Any, Any]:
    """Return shares, confidence and right answers of all pictures, each a test of its fold."""
    owners, group = np.unique(pictures.groups, return_inverse=True)
    fold = (np.random.default_rng(0).permutation(len(owners)) % FOLDS)[group]
    shares, confidence, right = (np.zeros(len(fold)) for _ in range(3))
    for number in range(FOLDS):
        rest, tests = fold != number, np.flatnonzero(fold == number)
        known = [pictures.voted(i, rest, k) for i in np.flatnonzero(rest).tolist()]
        found = [pictures.voted(i, rest, k) for i in tests.tolist()]
        shares[tests], right[tests] = zip(*found, strict=True)
        confidence[tests] = calibrate(*zip(*known, strict=True)).confidence(shares[tests])
    return shares, confidence, right.astype(bool)


def interval(measure: Callable[[Any, Any], float], sure: Any, right: Any, groups: Any) -> str:
    """Return a measure with its interval, in percent."""
    owners, group = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(group == i) for i in range(len(owners))]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([members[i] for i in random.integers(len(members), size=len(members))])
        drawn.append(measure(sure[rows], right[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{100 * measure(sure, right):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def ideal_error(confidence: Any) -> float:
    """Return the mean error of calibration of confidence that is exactly true."""
    random = np.random.default_rng(0)
    drawn = [
        expected_calibration_error(confidence, random.random(len(confidence)) < confidence)
        for _ in range(200)
    ]
    return float(np.mean(drawn))


def line(pictures: Collection, k: int) -> str:
    """Return the measures of one set and recipe, as cells of a table."""
    shares, confidence, right = cross_fitted(pictures, k)
    groups = pictures.groups
    low, high = bootstrap_interval(right.astype(float), groups)
    kinds = [own[0] for own in pictures.labels]
    commonest = max(kinds.count(kind) for kind in set(kinds)) / len(kinds)
    cells = [
        f"{100 * right.mean():.1f} ({100 * low:.1f} to {100 * high:.1f})",
        f"{100 * commonest:.1f}",
        interval(expected_calibration_error, shares, right, groups),
        interval(expected_calibration_error, confidence, right, groups),
        f"{100 * ideal_error(confidence):.1f}",
        f"{brier(shares, right):.3f}",
        f"{brier(confidence, right):.3f}",
        *(_answered(confidence, right, unsure) for unsure in (0.5, 0.8)),
    ]
    return " | ".join(cells)


def _answered(confidence: Any, right: Any, unsure: float) -> str:
    sure = confidence >= unsure
    return f"{sure.mean():.0%}, {right[sure].mean():.0%} right" if sure.any() else "none"


def accuracies(pictures: Collection, k: int) -> list[float]:
    """Return for each way to weigh votes how often the winner is right, own groups left out."""
    right: dict[str, list[bool]] = {way: [] for way in WEIGHTS}
    for query, own in enumerate(pictures.labels):
        ranking = pictures.ranking(query, pictures.groups != pictures.groups[query])
        scores = ranking.scores.astype(np.float64)
        for way, weigh in WEIGHTS.items():
            shares: dict[str, float] = {}
            for id, weight in zip(ranking.ids[:k].tolist(), weigh(scores, k), strict=True):
                for label in pictures.labels[id]:
                    shares[label] = shares.get(label, 0.0) + weight
            right[way].append(max(shares, key=lambda label: shares[label]) in own)
    return [float(np.mean(found)) for found in right.values()]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--recipe", action="append", choices=list(RECIPES), help="[all]")
    parser.add_argument("-k", type=int, default=10, help="votes [10]")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    recipes = {name: by for name, by in RECIPES.items() if name in (args.recipe or RECIPES)}
    print(
        "| set | by | right, % | commonest class | calibration error before | after | of a true one "
        "| Brier before | after | answered from 0.5 | from 0.8 |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    votes = []
    for name in args.sets:
        with tempfile.TemporaryDirectory() as scratch:
            names = [one for by in recipes.values() for one in by]
            with index_set(name, Path(scratch), names, args.data, args.jobs) as index:
                for recipe, by in recipes.items():
                    pictures = Collection(index, by)
                    print(f"| {name} | {recipe} | {line(pictures, args.k)} |", flush=True)
                    for k in (5, 10, 20):
                        cells = [f"{value:.1%}" for value in accuracies(pictures, k)]
                        votes.append(f"| {name} | {recipe} | {k} | {' | '.join(cells)} |")
    print(f"\n| set | by | k | {' | '.join(WEIGHTS)} |\n|---|---|--:|{'--:|' * len(WEIGHTS)}")
    print("\n".join(votes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
