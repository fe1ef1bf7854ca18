"""Measure the bundled embedder, as it comes, against ImageNet networks on sets that its training never saw.

    python -m benchmarks.quality.bundled_embedder [SET...] [--weights FILE] [--side N] [--orientations N]
        [--words] [--rounds 7]

Each picture of a set asks once, and the pictures of its own patient, lesion or group of near-duplicates are
left out of the answer, the same for every row. Cosine; the ImageNet networks see pictures stretched to
224 × 224. ``deep`` is what an index does: the mean embedding of its pictures is taken away, which takes no
labels; ``not centred`` is the network as it is, and ``centred`` does the same for a rival. Percent; mAP over
the whole ranking; intervals: 95 %, bootstrap by group, 1,000 draws.
``difference``: mAP minus that of SqueezeNet GeM on the same queries. ``noted``: mAP / P@1 / P@10 of the same
network, measured once before this project had code.

Time is of the networks alone, from squares of bytes in memory to embeddings, taking turns within one loop.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import bovw
from benchmarks.quality.ablation import encode, rankings, relevances
from benchmarks.shared.imagenet_networks import SIDE, SqueezeNet
from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.networks import imagenet_vectors, opened, own_vectors
from benchmarks.speed.throughput import Squares, by_runner, eager, in_turns, spread, verdict
from deep import deep
from deep.networks import weight_files, weights
from deep.networks.embedder import Embedder, gem
from deep.networks.inference import OwnNetwork, Runner
from deep.representation import DeepEmbedding
from retrieval.answers.fusion import fuse
from retrieval.ranker import Ranking
from retrieval.rankers.dense import ExactRanker
from retrieval.registry import make
from retrieval.statistics.measures import average_precision, bootstrap_interval, precision_at

SETS = ("ultrasound3", "brain4", "cxr3", "skin7", "histology5", "wbc5")
RIVAL = "SqueezeNet GeM"
PRECISIONS = ("float32", "bfloat16")
BATCH = DeepEmbedding.batch_size
LARGEST_RATIO = 0.5
NOTED = {
    "SqueezeNet GeM": (
        "51.6 / 66.7 / 59.8",
        "41.1 / 81.3 / 68.2",
        "50.1 / 69.9 / 56.2",
        "27.1 / 54.5 / 39.6",
        "39.2 / 65.3 / 52.9",
        "70.7 / 91.6 / 83.6",
    ),
    "SqueezeNet average": (
        "47.2 / 64.4 / 57.3",
        "41.9 / 80.7 / 68.5",
        "49.5 / 64.8 / 57.2",
        "26.5 / 55.0 / 39.9",
        "44.4 / 76.3 / 62.1",
        "65.7 / 92.3 / 82.2",
    ),
    "MobileNetV2 average": (
        "44.8 / 66.7 / 53.1",
        "44.7 / 84.8 / 69.6",
        "48.3 / 68.9 / 55.9",
        "23.2 / 39.6 / 32.8",
        "45.8 / 83.7 / 64.2",
        "63.9 / 89.3 / 80.7",
    ),
}
"""By network, in the order of ``SETS``."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What one row is worth on one set: float (n,) a query in [0, 1], NaN where nothing could be found."""

    precisions: NDArray[np.float64]
    first: NDArray[np.float64]
    first_ten: NDArray[np.float64]

    @classmethod
    def of(cls, found: Sequence[Ranking], data: Set) -> Measured:
        """Measure the rankings of all pictures of a set."""
        relevant = list(relevances(found, data))
        precisions = np.array([average_precision(r) for r in relevant])
        shares = [[precision_at(r, k) if r.any() else np.nan for r in relevant] for k in (1, 10)]
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
    """Rank every picture by the visual words that an index gets where none is named."""
    made = [make(name, {}) for name in bovw.DEFAULT]
    found = [rankings(each, encode(each, data.items, jobs)) for each in made]
    return [fuse(pair) for pair in zip(*found, strict=True)]


def plain(made: DeepEmbedding) -> DeepEmbedding:
    """Return the same network without the mean taken away."""
    return DeepEmbedding(replace(made.chosen, centred=False), made.source)


def centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors (n, d) of unit length less their mean."""
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(rows - rows.mean(axis=0), dtype=np.float32)


def measured(made: DeepEmbedding, data: Set, folder: Path, jobs: int) -> Iterator[tuple[str, Measured]]:
    """Yield each row of one set; that of the words first, where there are processes for them."""
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
        noted = dict(zip(SETS, NOTED.get(name, ()), strict=False)).get(data.name, "")
        print(
            f"| {data.name} | {name} | {mean_ap:.1f} | {low:.1f} to {high:.1f} | {p1:.1f} | {p10:.1f} "
            f"| {apart} | {noted} |",
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
    """Return one line: how far ours stands above a rival on average."""
    mean_ap, p1, _ = means[ours] - means[rival]
    reached = verdict(bool(mean_ap >= 0 and p1 >= 0))
    return f"- {ours} − {rival}: mAP {mean_ap:+.1f}, P@1 {p1:+.1f}: {reached}."


def print_times(source: str, side: int, folder: Path, n: int, rounds: int) -> None:
    """Print milliseconds a picture of the embedder and of SqueezeNet, each way in turns, and the ratios."""
    trunk = opened(SqueezeNet, folder)
    if trunk is None:
        print("\nTime: left out, for want of SqueezeNet's weights.")
        return
    draw = partial(np.random.default_rng(0).integers, 0, 256, dtype=np.uint8)
    ours, theirs = draw(size=(n, 3, side, side)), draw(size=(n, 3, SIDE, SIDE))
    ways = {**own_ways(weights.load(source), ours), **rival_ways(trunk, theirs)}
    seconds = dict(zip(ways, in_turns(ways, rounds).T, strict=True))
    print(f"\nMilliseconds a picture, {n} a round, median of {rounds}, {torch.get_num_threads()} threads\n")
    print(f"| | deep at {side} px | SqueezeNet at {SIDE} px | deep / SqueezeNet |\n|---|--:|--:|--:|")
    for way in (key.removeprefix("deep ") for key in ways if key.startswith("deep ")):
        print_time(way, seconds[f"deep {way}"], seconds[f"SqueezeNet {way}"], n)
    precision = str(Runner(OwnNetwork(weights.load(source))).precision).removeprefix("torch.")
    best = min((name for name in ways if name.startswith("SqueezeNet")), key=lambda k: np.median(seconds[k]))
    product = seconds[f"deep {precision}, batch {BATCH}"]
    print_time(f"the product, against the best of SqueezeNet ({best[11:]})", product, seconds[best], n)
    single = seconds["deep eager float32, one at a time"], seconds["SqueezeNet eager float32, one at a time"]
    print(f"\nWanted: a ratio of {LARGEST_RATIO} at most.\n")
    for name, ratio in (("eager, one at a time", single), ("the product, batches", (product, seconds[best]))):
        share = float(np.median(ratio[0] / ratio[1]))
        print(f"- {name}: {share:.2f}: {verdict(share <= LARGEST_RATIO)}.")


def print_time(way: str, own: NDArray[np.float64], rival: NDArray[np.float64], n: int) -> None:
    """Print one row of the table of times."""
    mine, other = (f"{1000 * np.median(column) / n:.1f}" for column in (own, rival))
    print(f"| {way} | {mine} | {other} | {spread(own / rival)} |")


def own_ways(network: Embedder, squares: Squares) -> dict[str, Callable[[], object]]:
    """Return the ways to run the embedder: as PyTorch would, and as the product does."""
    found: dict[str, Callable[[], object]] = {
        "deep eager float32, one at a time": partial(eager, network, 1, squares)
    }
    for precision in PRECISIONS:
        runner = Runner(OwnNetwork(network), precision)
        found[f"deep {precision}, one at a time"] = partial(by_runner, runner, 1, squares)
        found[f"deep {precision}, batch {BATCH}"] = partial(by_runner, runner, BATCH, squares)
    return found


def rival_ways(trunk: nn.Module, squares: Squares) -> dict[str, Callable[[], object]]:
    """Return the same ways to run SqueezeNet with GeM pooling, channels-last where ours is."""
    found: dict[str, Callable[[], object]] = {
        "SqueezeNet eager float32, one at a time": partial(eager, Pooled(trunk), 1, squares)
    }
    for precision in PRECISIONS:
        fast = Pooled(copy.deepcopy(trunk), getattr(torch, precision))
        found[f"SqueezeNet {precision}, one at a time"] = partial(eager, fast, 1, squares)
        found[f"SqueezeNet {precision}, batch {BATCH}"] = partial(eager, fast, BATCH, squares)
    return found


class Pooled(nn.Module):
    """A trunk with GeM pooling; channels-last, and computed in a precision, where one is given."""

    def __init__(self, trunk: nn.Module, precision: torch.dtype | None = None) -> None:
        super().__init__()
        self.trunk, self.precision = trunk, precision
        if precision is not None:
            trunk.to(precision, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pixels: Tensor) -> Tensor:
        """Return pooled maps (n, channels)."""
        if self.precision is not None:
            pixels = pixels.to(self.precision, memory_format=torch.channels_last)
        return gem(self.trunk(pixels).float(), 3.0)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--weights", default=weight_files.BUNDLED, help="of another embedder")
    parser.add_argument("--side", type=int, help="of the square that it sees; its own where it is not given")
    parser.add_argument("--orientations", type=int, default=1)
    parser.add_argument("--words", action="store_true", help="measure visual words as well")
    parser.add_argument("--rounds", type=int, default=7, help="of the times; 0 for none")
    parser.add_argument("--pictures", type=int, default=32, help="in a round")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    made = deep(weights=args.weights, side=args.side, orientations=args.orientations)
    print(
        "| set | | mAP | 95 % interval | P@1 | P@10 | difference | noted |\n|---|---|--:|---|--:|--:|---|---|"
    )
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
