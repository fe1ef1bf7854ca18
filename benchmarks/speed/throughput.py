"""Time the embedder as the product runs it against eager float32 PyTorch of the same network.

    python -m benchmarks.speed.throughput [--weights FILE] [--rounds 7] [--threads 2] [--pictures 64]
        [--files 512]

Everything starts from squares of bytes in memory and ends with embeddings in memory. ``eager`` is the network
as it was trained, normalisations unfolded, NCHW; ``runner`` is what ``deep`` runs by torch: folded,
channels-last; ``numpy`` what it runs without, in a thread a core. All take turns within one loop; the median
over the rounds, and of the ratio to the first row within a round its least and greatest.

The second table is ``semblance index --by deep`` on a folder of JPEGs, by torch and by numpy in turns: start
of the program, decoding in processes and publishing included. The third is a first query by a file.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from deep.networks import weight_files, weights
from deep.networks.embedder import Embedder
from deep.networks.inference import OwnNetwork, TorchRunner
from deep.networks.numpy_network import NumpyNetwork
from deep.representation import DeepEmbedding

BATCHES = (1, 8, 32, 64)
TARGET = 2.0
_SIDE = 512
_RUNS = 3
_CHOSEN = """
import sys
import deep.networks.registry as registry
registry.only_by_torch = lambda chosen: {by_torch}
registry.quickens_torch = lambda precision: False
from cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""
_BY = {"torch": _CHOSEN.format(by_torch=True), "numpy": _CHOSEN.format(by_torch=False)}

Squares = NDArray[np.uint8]
Run = Callable[[Squares], object]


def eager(network: nn.Module, n: int, squares: Squares) -> None:
    """Run a network as it is, float32 and NCHW, n pictures at a time."""
    with torch.inference_mode():
        for first in range(0, len(squares), n):
            network(torch.from_numpy(squares[first : first + n]).float() / 255)


def by_runner(runner: TorchRunner, n: int, squares: Squares) -> None:
    """Run what the product runs, n pictures at a time."""
    for first in range(0, len(squares), n):
        runner.embed(squares[first : first + n])


def by_numpy(network: NumpyNetwork, n: int, squares: Squares) -> None:
    """Run what the product runs without torch, n pictures at a time."""
    for first in range(0, len(squares), n):
        network.embed(squares[first : first + n])


def runs(network: Embedder, data: bytes) -> dict[str, Run]:
    """Return every way to run the network; the first is the one that the others are measured against."""
    found: dict[str, Run] = {f"eager float32, batch {n}": partial(eager, network, n) for n in (1, 32)}
    for precision in ("float32", "bfloat16"):
        runner = TorchRunner(OwnNetwork(network), precision)
        found |= {f"runner {precision}, batch {n}": partial(by_runner, runner, n) for n in BATCHES}
    numpy, n = NumpyNetwork(data, "weights"), DeepEmbedding.batch_size
    found |= {f"numpy float32, batch {size}": partial(by_numpy, numpy, size) for size in (1, n)}
    product = TorchRunner(OwnNetwork(network))
    name = f"the product with torch: {str(product.precision).removeprefix('torch.')}, batch {n}"
    return found | {name: partial(by_runner, product, n)}


def in_turns(chosen: Mapping[str, Callable[[], object]], rounds: int) -> NDArray[np.float64]:
    """Return the seconds of each run in each round, (rounds, n); one round before them is not counted."""
    times = np.empty((rounds + 1, len(chosen)))
    for row in times:
        for column, run in enumerate(chosen.values()):
            start = time.perf_counter()
            run()
            row[column] = time.perf_counter() - start
    return times[1:]


def spread(values: NDArray[np.float64]) -> str:
    """Return the median, and the least and the greatest."""
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    return f"{middle:.2f} [{low:.2f} to {high:.2f}]"


def print_rates(data: bytes, n: int, rounds: int) -> None:
    """Print pictures a second of each way to run the network of a weight file."""
    network = weights.parse(data, "weights")
    side = network.architecture.side
    squares = np.random.default_rng(0).integers(0, 256, (n, 3, side, side), dtype=np.uint8)
    chosen = runs(network, data)
    seconds = in_turns({name: partial(run, squares) for name, run in chosen.items()}, rounds)
    print(f"{n} squares of {side} × {side} a round, {rounds} rounds, {torch.get_num_threads()} threads\n")
    print("| | pictures a second | × eager, one at a time |\n|---|--:|--:|")
    for name, column in zip(chosen, seconds.T, strict=True):
        print(f"| {name} | {n / np.median(column):.0f} | {spread(seconds[:, 0] / column)} |")
    ratio = float(np.median(seconds[:, 0] / seconds[:, -1]))
    print(f"\nWanted: {TARGET:g} × or more. The product: {ratio:.2f} ×, {verdict(ratio >= TARGET)}.")


def verdict(is_reached: bool) -> str:
    """Return how it is said that something is reached."""
    return "reached" if is_reached else "not reached"


def print_index(source: str, n: int) -> None:
    """Print how long ``semblance index --by deep`` takes of n JPEG files, and a query of the index by one."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder) / "pictures", n)
        place, found = Path(folder), np.empty((_RUNS, 2, 2))
        for row in found:
            for i, by in enumerate(_BY):
                shutil.rmtree(place / by, ignore_errors=True)
                order = ["index", "pictures", "-o", by, "--by", "deep", "--weights", source]
                row[i, 0] = seconds_of(place, by, order)
                row[i, 1] = seconds_of(place, by, ["query", by, "pictures/00000.jpg"])
    print(
        "\n| `--by deep` | index, seconds | pictures a second | query by a file, seconds |\n|---|--:|--:|--:|"
    )
    for by, (indexed, queried) in zip(_BY, np.median(found, axis=0).tolist(), strict=True):
        about = f"{n} JPEG files of {_SIDE} × {_SIDE}, by {by}"
        print(f"| {about} | {indexed:.1f} | {n / indexed:.0f} | {queried:.1f} |")


def seconds_of(place: Path, by: str, words: list[str]) -> float:
    """Return how long a command takes whose networks are run by torch, or by numpy."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _BY[by], *words], cwd=place, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return time.perf_counter() - start


def write_files(folder: Path, n: int) -> None:
    """Write n different colour JPEG files, smooth with some noise as photographs are."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(n):
        coarse = Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), dtype=np.float32)
        noisy = np.clip(smooth + random.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{i:05d}.jpg", quality=90)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default=weight_files.BUNDLED, help="of another embedder")
    parser.add_argument("--pictures", type=int, default=64, help="in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--files", type=int, default=512, help="how many JPEGs to index; 0 for none")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print_rates(weight_files.read(args.weights), args.pictures, args.rounds)
    if args.files:
        print_index(str(weight_files.where(args.weights).resolve()), args.files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
