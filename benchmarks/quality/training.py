"""Print what metric learning adds to the bundled network, on pictures of patients that it never saw.

    python -m benchmarks.quality.training [--sets brain4 skin7] [--rows NAME...] [--seeds 3] [-o FILE]

Half of the groups of each class (patients, lesions or near-duplicates; single pictures where a set tells of
none) are learnt from, by the function that ``semblance train`` calls, with its defaults; a fifth of these is
held out to stop. Then every picture of the other half asks for those of its class in the other half, its own
group left out. mAP is over the whole ranking. The measures of a query are averaged over the seeds;
intervals: 95 %, bootstrap by group, 1,000 draws. The halves are the same for all rows and seeds. ``frozen,
centred`` takes away the mean embedding of the half that the others learn from, as an index does; training
centres by itself.

Each row and seed is kept in the cache folder when it is done: the same command goes on where it stopped,
and prints all rows of the table that are there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.labelled_sets import DATA, Set
from deep.networks import weight_files
from deep.networks.embedder import Embedder
from deep.networks.inference import OwnNetwork, TorchRunner, use_threads
from deep.networks.preprocessing import prepare
from deep.training.dataset import Examples
from deep.training.splits import split
from deep.training.train import begin, train
from deep.training.training_settings import TrainingSettings
from deep.training.validation import relevances
from retrieval.statistics.measures import average_precision, bootstrap_interval

CENTRED = "frozen, centred"
ROWS: dict[str, TrainingSettings | None] = {
    "frozen": None,
    CENTRED: None,
    "triplet, batch-hard": TrainingSettings(loss="triplet", mining="batch-hard"),
    "triplet, semi-hard": TrainingSettings(loss="triplet", mining="semi-hard"),
    "triplet, random": TrainingSettings(loss="triplet", mining="random"),
    "contrastive": TrainingSettings(loss="contrastive"),
    "softmax": TrainingSettings(loss="softmax"),
    "supervised-contrastive": TrainingSettings(loss="supervised-contrastive"),
    "multi-similarity": TrainingSettings(loss="multi-similarity"),
    "proxy-anchor": TrainingSettings(loss="proxy-anchor"),
}


@dataclass(frozen=True, eq=False)
class Halves:
    """The pictures of a set as squares, and which of them are asked for after training on the others."""

    name: str
    examples: Examples
    tests: NDArray[np.bool_]

    def half(self, tests: bool) -> Examples:
        """Return the pictures of one half."""
        chosen, whole = np.flatnonzero(self.tests == tests), self.examples
        names, labels, groups = (
            tuple(values[i] for i in chosen) for values in (whole.names, whole.labels, whole.groups)
        )
        return Examples(whole.squares[chosen], names, labels, groups)


@dataclass(frozen=True)
class Result:
    """What one training came to: the average precision and the first hit of each query, NaN without any."""

    precisions: list[float]
    firsts: list[float]
    seconds: float
    epochs: int


def load(name: str, side: int, data: Path) -> Halves:
    """Read a set and divide it: of each class every other group, in the order of a hash."""
    items = Set.load(name, data)
    squares = np.stack([prepare(item.read(), side) for item in items])
    labels, groups = tuple(map(str, items.labels)), tuple(map(str, items.groups))
    examples = Examples(squares, tuple(item.name for item in items), labels, groups)
    return Halves(name, examples, divide(labels, groups))


def divide(labels: Sequence[str], groups: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which pictures are of the test half; a group of several classes counts for its first."""
    first: dict[str, str] = {}
    for label, group in zip(labels, groups, strict=True):
        first.setdefault(group, label)
    tests = set()
    for label in sorted(set(labels)):
        own = [group for group in first if first[group] == label]
        own.sort(key=lambda group: hashlib.sha256(group.encode()).hexdigest())
        tests |= set(own[1::2])
    return np.array([group in tests for group in groups])


def embedded(network: Embedder, half: Examples) -> NDArray[np.float32]:
    """Return the embeddings (n, d) of one half."""
    runner = TorchRunner(OwnNetwork(network))
    parts = np.array_split(half.squares, max(1, len(half.squares) // 64))
    return np.concatenate([runner.embed(part) for part in parts])


def measure(embeddings: NDArray[np.float32], half: Examples, seconds: float, epochs: int) -> Result:
    """Let every picture of the test half ask."""
    labels, groups = (np.unique(each, return_inverse=True)[1] for each in (half.labels, half.groups))
    found = relevances(embeddings, labels, groups)
    firsts = [float(each[0]) if each.any() else float("nan") for each in found]
    return Result([average_precision(each) for each in found], firsts, seconds, epochs)


def trained(halves: Halves, row: str, settings: TrainingSettings | None, start: str) -> Result:
    """Train on one half and ask with the other; without settings ask the network it begins with."""
    network = begin(start, 0 if settings is None else settings.seed)
    tests = halves.half(True)
    if settings is None:
        found = embedded(network, tests)
        if row == CENTRED:
            found -= embedded(network, halves.half(False)).mean(axis=0)
            found /= np.linalg.norm(found, axis=1, keepdims=True)
        return measure(found, tests, 0, 0)
    half, started = halves.half(False), time.monotonic()
    sides = split(half.labels, half.groups, None, settings.validation, settings.seed)
    done = train(half, sides, network, settings)
    seconds = time.monotonic() - started
    return measure(embedded(done.network, tests), tests, seconds, len(done.history) - 1)


def cached(
    halves: Halves, row: str, settings: TrainingSettings | None, start: str, cache: Path
) -> tuple[Path, str]:
    """Return the file of a result, and what it must say to be of these settings and these start weights."""
    weights = start if start == "scratch" else weight_files.fingerprint(weight_files.read(start))
    seed = 0 if settings is None else settings.seed
    inputs = json.dumps([weights, None if settings is None else asdict(settings)], sort_keys=True)
    return cache / f"{halves.name}-{row.replace(', ', '-')}-{seed}.json", inputs


def result(halves: Halves, row: str, settings: TrainingSettings | None, start: str, cache: Path) -> Result:
    """Return a result, from the cache if it is there."""
    path, inputs = cached(halves, row, settings, start, cache)
    if path.exists() and (kept := json.loads(path.read_text(encoding="utf-8")))["of"] == inputs:
        return Result(**kept["result"])
    found = trained(halves, row, settings, start)
    path.write_text(json.dumps({"of": inputs, "result": asdict(found)}), encoding="utf-8")
    return found


def line(halves: Halves, row: str, results: Sequence[Result]) -> str:
    """Return the line of a table, and the same on stderr as soon as it is known."""
    precisions = np.mean([each.precisions for each in results], axis=0)
    low, high = bootstrap_interval(precisions, np.array(halves.half(True).groups))
    per_seed = [100 * float(np.nanmean(each.precisions)) for each in results]
    first = 100 * np.nanmean([each.firsts for each in results])
    seconds, epochs = (np.mean([getattr(each, name) for each in results]) for name in ("seconds", "epochs"))
    seeds = " ".join(f"{value:.1f}" for value in per_seed)
    return (
        f"| {halves.name} | {row} | {np.mean(per_seed):.1f} | {100 * low:.1f} to {100 * high:.1f} | {seeds} "
        f"| {first:.1f} | {epochs:.0f} | {seconds:.0f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=["brain4", "skin7"])
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="at most [as `semblance train`]")
    parser.add_argument("--from", dest="start", default="bundled")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/results/cache"))
    parser.add_argument("-o", "--output", type=Path, help="write the table there as well")
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    use_threads()
    side = begin(args.start, 0).architecture.side
    lines = [
        "| set | row | mAP | 95 % interval | of each seed | P@1 | epochs | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for halves in (load(name, side, args.data) for name in args.sets):
        for row in args.rows:
            base = ROWS[row]
            if base is not None and args.epochs is not None:
                base = replace(base, epochs=args.epochs)
            runs = [None] if base is None else [replace(base, seed=seed) for seed in range(args.seeds)]
            results = [result(halves, row, settings, args.start, args.cache) for settings in runs]
            lines.append(line(halves, row, results))
            print(lines[-1], flush=True)
    if args.output:
        args.output.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
