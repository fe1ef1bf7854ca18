"""The contest: every way of ranking, on the same queries of one data set."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.comparison import plain
from benchmarks.comparison.dataset import Dataset
from benchmarks.shared.labelled_sets import DATA
from retrieval.answers.smoothing import POOL, smooth
from retrieval.evaluation import Evaluation, EvaluationOptions
from retrieval.evaluation.cross_fitting import cross_fitted
from retrieval.evaluation.leaks import LeakFinder
from retrieval.evaluation.measure import measure
from retrieval.evaluation.metric_systems import by_metric
from retrieval.evaluation.ranking_scores import Standard
from retrieval.evaluation.systems import (
    Liked,
    Mask,
    System,
    baselines,
    by_representation,
    fused,
    with_blind_feedback,
)
from retrieval.evaluation.task import EvaluationTask, prepare
from retrieval.index import Index
from retrieval.index.storage.snapshot import Snapshot
from retrieval.ranker import Ranking
from retrieval.rankers.cosines import held_cosines
from retrieval.rankers.dense import ExactRanker

WORDS = ("superpixel", "dense", "sift")
CUTOFFS = (1, 2, 3, 5, 10, 20, 50)
BLIND, NEIGHBOURS = 10, 5
PLANNED = (
    ("superpixel, equal", "sift, equal"),
    ("superpixel, equal", "dense, equal"),
    ("vlad", "superpixel"),
    ("asmk", "superpixel"),
    ("deep", "SqueezeNet GeM"),
    ("words", "deep"),
    ("words & deep, sum", "words"),
    ("words & deep, sum", "deep"),
    ("words & deep, z", "words"),
    ("words & deep, z", "deep"),
    ("words & deep, smooth", "words & deep, z"),
    ("words & deep, learnt", "words, learnt"),
    ("words & deep, learnt", "deep"),
    ("words & deep, learnt, blind", "words, learnt"),
    ("words & deep, learnt, blind", "deep"),
    ("words & deep, learnt, blind", "words, learnt, blind"),
    ("words & deep, learnt, blind", "deep, blind"),
    ("words+nca", "deep+nca"),
    ("words+nca & deep+nca, sum", "words+nca"),
    ("words+nca & deep+nca, sum", "deep+nca"),
    ("words+nca & deep+nca, learnt", "words+nca, learnt"),
    ("words+nca & deep+nca, learnt", "deep+nca"),
)
"""The pairs that are tested, and that Holm's correction is for.

The last two were added when the results of the others were known.
"""


@dataclass(frozen=True, eq=False)
class Contest:
    """Results of one data set.

    Parameters
    ----------
    name : of the set.
    evaluation : the measures of every system.
    milliseconds : that a query costs, by system.
    recipes : their hashes, by representation.
    plain : mAP in [0, 1] of the plain pipelines on the same queries, by detector.
    """

    name: str
    evaluation: Evaluation
    milliseconds: Mapping[str, float]
    recipes: Mapping[str, str]
    plain: Mapping[str, float] = field(default_factory=dict)


def run(dataset: Dataset, equal: Path, own: Path, squeezenet: np.ndarray | None, seed: int) -> Contest:
    """Rank and measure by every system; ``squeezenet`` holds vectors by the order of names, or is None."""
    with Index.open(equal) as first, Index.open(own) as second:
        if list(first.names) != list(second.names):
            raise SystemExit(f"{own}: holds other pictures than {equal}; delete both")
        contest = first.ask(lambda one: second.ask(lambda other: _run(dataset, one, other, squeezenet, seed)))
        options = EvaluationOptions(labels=dataset.labels, seed=seed)
        task = second.ask(lambda own: prepare(own, options))
        return replace(contest, plain=plain.mean_ap(second.names, task, second.read))


def _run(
    dataset: Dataset, equal: Snapshot, own: Snapshot, squeezenet: np.ndarray | None, seed: int
) -> Contest:
    task = prepare(own, EvaluationOptions(labels=dataset.labels, seed=seed))
    systems, weights = contestants(equal, own, task, squeezenet, seed)
    spent: dict[str, float] = {}
    timed = [_timed(system, spent) for system in systems]
    finder = LeakFinder(own, [s for s in systems if s.name in ("superpixel", "deep", "thumbnail")])
    present = {system.name for system in systems}
    found = measure(
        own,
        task,
        timed,
        Standard(CUTOFFS),
        finder=finder,
        weights=weights,
        chosen=[pair for pair in PLANNED if present.issuperset(pair)],
    )
    costs = {name: _cost(name, systems, spent) / len(found.queries) for name in spent}
    recipes = {f"{name}, equal": str(b.recipe) for name, b in equal.stored.items()}
    recipes |= {name: str(b.recipe) for name, b in own.stored.items()}
    milliseconds = {name: 1000 * seconds for name, seconds in costs.items()}
    return Contest(dataset.name, found, milliseconds, recipes)


def contestants(
    equal: Snapshot, own: Snapshot, task: EvaluationTask, squeezenet: np.ndarray | None, seed: int
) -> tuple[list[System], dict[str, Mapping[str, float]]]:
    """Return every system of the table, and the weights of what learns them."""
    single = {name: by_representation(own, name) for name in own.stored}
    words = _called("words", fused([single[name] for name in WORDS], "sum"))
    smooth_words = fused([smoothed(own, single[name]) for name in WORDS], "sum")
    deep = single["deep"]
    learnt_words, word_weights = cross_fitted([single[name] for name in WORDS], task, seed)
    learnt_words = _called("words, learnt", learnt_words)
    everyone = [*(single[name] for name in WORDS), deep]
    learnt, all_weights = cross_fitted(everyone, task, seed)
    learnt = _called("words & deep, learnt", learnt)
    metrics = [by_metric(own, f"{name}+nca", task, seed) for name in (*WORDS, "deep")]
    learnt_metrics, metric_weights = cross_fitted(metrics, task, seed)
    word_metric = _called("words+nca", fused(metrics[:3], "sum"))
    systems = [
        *baselines(own, seed),
        *(
            _called(f"{name}, equal", by_representation(equal, name))
            for name in ("sift", "dense", "superpixel")
        ),
        *(single[name] for name in (*WORDS, "vlad", "asmk")),
        words,
        learnt_words,
        *([] if squeezenet is None else [by_vectors("SqueezeNet GeM", squeezenet)]),
        deep,
        _called("words & deep, rrf", fused([words, deep], "rrf")),
        _called("words & deep, sum", fused([words, deep], "sum")),
        _called("words & deep, z", fused([words, deep], "z")),
        _called("words & deep, smooth", fused([smooth_words, smoothed(own, deep)], "z")),
        learnt,
        *(_called(f"{s.name}, blind", with_blind_feedback(s, BLIND)) for s in (learnt_words, deep, learnt)),
        metrics[0],
        word_metric,
        _called("words+nca, learnt", cross_fitted(metrics[:3], task, seed)[0]),
        metrics[3],
        _called("words+nca & deep+nca, sum", fused([word_metric, metrics[3]], "sum")),
        _called("words+nca & deep+nca, learnt", learnt_metrics),
    ]
    return systems, {
        "words, learnt": word_weights,
        "words & deep, learnt": all_weights,
        "words+nca & deep+nca, learnt": metric_weights,
    }


def smoothed(own: Snapshot, system: System) -> System:
    """Return the system whose best hits are smoothed over their neighbours, as ``--smooth`` does."""
    ranker = own.ranker(system.name)

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        found = system.rank(position, allowed, liked)
        return smooth(found, held_cosines(ranker, found.ids[:POOL]), NEIGHBOURS)

    return System(system.name, ranking, sample=system.sample)


def by_vectors(name: str, vectors: np.ndarray) -> System:
    """Return the system that ranks by the cosine of vectors (n, d), one a picture by position."""
    ranker = ExactRanker(vectors.shape[1])
    ranker.add(np.arange(len(vectors), dtype=np.int64), vectors)
    return System(name, lambda position, allowed, _: ranker.rank(vectors[position], len(allowed), allowed))


def squeezenet_vectors(dataset: Dataset, own: Path, cache: Path, data: Path = DATA) -> np.ndarray | None:
    """Return SqueezeNet's vectors of all pictures of an index, kept for next time; None without weights."""
    kept = cache / f"{dataset.name}.squeezenet.npz"
    with Index.open(own) as index:
        names = list(index.names)
        if kept.is_file():
            with np.load(kept) as arrays:
                if arrays["names"].tolist() == names:
                    return arrays["vectors"]
        from benchmarks.shared.networks import imagenet_vectors

        found = imagenet_vectors((index.read(name) for name in names), data, ["SqueezeNet GeM"])
    if not found:
        return None
    vectors = found["SqueezeNet GeM"]
    np.savez(kept, names=np.array(names), vectors=vectors)
    return vectors


def _called(name: str, system: System) -> System:
    return System(name, system.ranking, system.members, system.is_blind)


def _cost(name: str, systems: Sequence[System], spent: Mapping[str, float]) -> float:
    """Return the seconds of a system, with those of what it fuses: each member is ranked once for all."""
    members = {system.name: system.members for system in systems}
    return spent[name] + sum(
        _cost(one, systems, spent) for one in members[name] if one in spent and one != name
    )


def _timed(system: System, spent: dict[str, float]) -> System:
    spent[system.name] = 0.0

    def ranking(position: int, allowed: Mask, liked: Sequence[int]) -> Ranking:
        start = time.perf_counter()
        found = system.ranking(position, allowed, tuple(liked))
        spent[system.name] += time.perf_counter() - start
        return found

    return System(system.name, ranking, system.members, system.is_blind)
