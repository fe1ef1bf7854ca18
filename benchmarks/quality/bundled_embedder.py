"""Measure the bundled embedder, by default, against ImageNet networks on sets that its training never saw.

    python -m benchmarks.quality.bundled_embedder [SET...] [--weights FILE] [--side N] [--orientations N]
        [--symmetries N] [--[no-]projected] [--words] [--rounds 7]

Each picture of a set asks once, and the pictures of its own patient, lesion or group of near-duplicates are
left out of the answer, the same for every row. Cosine; the ImageNet networks see pictures stretched to
224 × 224. ``deep`` is what an index does: the mean embedding of its pictures is taken away, which takes no
labels; ``not centred`` is the network as it is, and ``centred`` does the same for a rival. Percent; mAP over
the whole ranking; intervals: 95 %, bootstrap by group, 1,000 draws.
``difference``: mAP minus that of SqueezeNet GeM on the same queries.

Time is of the networks alone, from squares of bytes in memory to embeddings, taking turns within one loop.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bovw
from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.leave_one_out import encode, rankings, relevances
from benchmarks.shared.networks import imagenet_vectors, own_vectors
from benchmarks.speed.embedder_times import print_times
from benchmarks.speed.throughput import verdict
from deep import deep
from deep.networks import weight_files
from deep.representation import DeepEmbedding
from retrieval.answers.fusion import fuse
from retrieval.ranker import Ranking
from retrieval.rankers.dense import ExactRanker
from retrieval.registry import make
from retrieval.statistics.measures import bootstrap_interval

SETS = ("ultrasound3", "brain4", "cxr3", "skin7", "histology5", "wbc5")
RIVAL = "SqueezeNet GeM"


@dataclass(frozen=True, eq=False)
class Measured:
    """Measures of one row on one set: float (n,), one a query, in [0, 1]; NaN without an answer."""

    precisions: NDArray[np.float64]
    first: NDArray[np.float64]
    first_ten: NDArray[np.float64]

    @classmethod
    def of(cls, found: Sequence[Ranking], data: Set) -> Measured:
        """Measure the rankings of all pictures of a set."""
        relevant = list(relevances(found, data))
        precisions = np.array([r.average_precision() for r in relevant])
        shares = [[r.precision_at(k) if r.relevant.any() else np.nan for r in relevant] for k in (1, 10)]
        return cls(precisions, *np.array(shares))

    @property
    def means(self) -> NDArray[np.float64]:
        """Return mAP, P@1 and P@10 in percent."""
        return 100 * np.nanmean([self.precisions, self.first, self.first_ten], axis=1)


def by_cosine(vectors: NDArray[np.float32]) -> list[Ranking]:
    """Rank every vector of (n, d) for each of them."""
    ranker = ExactRanker(vectors.shape[1])
    ranker.add(np.arange(len(vectors), dtype=np.int64), vectors)
    return [ranker.rank(vector, len(vectors)) for vector in vectors]


def by_deep(made: DeepEmbedding, data: Set) -> list[Ranking]:
    """Rank every picture by the embedder, as an index and its queries do: centred, in all orientations."""
    made = made.fit(item.read() for item in data)
    vectors = own_vectors(made, (item.read() for item in data))
    if made.chosen.orientations == 1:
        return by_cosine(vectors)
    ranker = made.make_ranker()
    ranker.add(np.arange(len(vectors), dtype=np.int64), vectors)
    return [ranker.rank(made.encode_query(item.read()).vector, len(vectors)) for item in data]


def by_words(data: Set, jobs: int) -> list[Ranking]:
    """Rank every picture by the visual words that an index gets by default."""
    made = [make(name, {}) for name in bovw.WORDS]
    found = [rankings(each, encode(each, data.items, jobs)) for each in made]
    return [fuse(pair) for pair in zip(*found, strict=True)]


def plain(made: DeepEmbedding) -> DeepEmbedding:
    """Return the same network without the mean taken away."""
    return DeepEmbedding(replace(made.chosen, centred=False), made.source)


def centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors (n, d) of unit length minus their mean."""
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(rows - rows.mean(axis=0), dtype=np.float32)


def measured(made: DeepEmbedding, data: Set, folder: Path, jobs: int) -> Iterator[tuple[str, Measured]]:
    """Yield each row of one set; that of the words first, if there are processes for them."""
    if jobs:
        yield "visual words, default", Measured.of(by_words(data, jobs), data)
    yield "deep", Measured.of(by_deep(made, data), data)
    yield "deep, not centred", Measured.of(by_deep(plain(made), data), data)
    for name, vectors in imagenet_vectors((item.read() for item in data), folder).items():
        yield name, Measured.of(by_cosine(vectors), data)
        if name == RIVAL:
            yield f"{name}, centred", Measured.of(by_cosine(centred(vectors)), data)


def print_set(data: Set, found: dict[str, Measured]) -> None:
    """Print the rows of one set."""
    rival = found.get(RIVAL)
    for name, row in found.items():
        mean_ap, p1, p10 = row.means
        low, high = (100 * end for end in bootstrap_interval(row.precisions, data.groups))
        apart = "" if rival is None or rival is row else difference(row, rival, data)
        print(
            f"| {data.name} | {name} | {mean_ap:.1f} | {low:.1f} to {high:.1f} | {p1:.1f} | {p10:.1f} "
            f"| {apart} |",
            flush=True,
        )


def difference(row: Measured, rival: Measured, data: Set) -> str:
    """Return the mean difference of the average precisions, paired by query, and its interval."""
    values = 100 * (row.precisions - rival.precisions)
    low, high = bootstrap_interval(values, data.groups)
    return f"{np.nanmean(values):+.1f} ({low:+.1f} to {high:+.1f})"


def print_means(found: dict[str, dict[str, Measured]]) -> None:
    """Print the means over sets, each set counting once, and whether ours are at least the rivals'."""
    names = list(next(iter(found.values())))
    print("\nMeans over the sets, each counting once: mAP / P@1 / P@10\n")
    print(f"| sets | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    means = {name: np.mean([rows[name].means for rows in found.values()], axis=0) for name in names}
    cells = (" / ".join(f"{value:.1f}" for value in mean) for mean in means.values())
    print(f"| {len(found)} | {' | '.join(cells)} |")
    print("\nWanted: at least the mAP and the P@1 of SqueezeNet on average.\n")
    for ours in ("deep", "deep, not centred"):
        for rival in (name for name in names if name.startswith("SqueezeNet")):
            print(verdict_on(ours, rival, means))


def verdict_on(ours: str, rival: str, means: dict[str, NDArray[np.float64]]) -> str:
    """Return one line: how far ours is above a rival on average."""
    mean_ap, p1, _ = means[ours] - means[rival]
    reached = verdict(bool(mean_ap >= 0 and p1 >= 0))
    return f"- {ours} − {rival}: mAP {mean_ap:+.1f}, P@1 {p1:+.1f}: {reached}."


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--weights", default=weight_files.BUNDLED, help="of another embedder")
    parser.add_argument("--side", type=int, help="of the square that it sees; its own by default")
    parser.add_argument("--orientations", type=int, default=1, help="of queries; the best counts")
    parser.add_argument("--symmetries", type=int, default=2, help="of images and queries; averaged")
    parser.add_argument(
        "--projected",
        action=argparse.BooleanOptionalAction,
        help="by the projection, or by the pooled levels; without it as an index takes these weights",
    )
    parser.add_argument("--words", action="store_true", help="measure visual words as well")
    parser.add_argument("--rounds", type=int, default=7, help="of the times; 0 for none")
    parser.add_argument("--pictures", type=int, default=32, help="in a round")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    chosen = {"symmetries": args.symmetries}
    if args.projected is not None:
        chosen["projected"] = args.projected
    made = deep(weights=args.weights, side=args.side, orientations=args.orientations, **chosen)
    print("| set | | mAP | 95 % interval | P@1 | P@10 | difference |\n|---|---|--:|---|--:|--:|---|")
    found = {}
    for data in (Set.load(name, args.data) for name in args.sets):
        found[data.name] = dict(measured(made, data, args.data, args.jobs if args.words else 0))
        print_set(data, found[data.name])
    print_means(found)
    if not any(name.startswith("SqueezeNet") for name in next(iter(found.values()))):
        print(f"\nThe ImageNet networks are left out, for want of {args.data / 'weights'}.")
    if args.rounds:
        print_times(args.weights, made.side, args.data, args.pictures, args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
