"""Time of the bundled embedder and of SqueezeNet, from squares of bytes in memory to embeddings, in turns."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.shared.imagenet_networks import SIDE, SqueezeNet
from benchmarks.shared.networks import opened
from benchmarks.speed.throughput import Squares, by_runner, eager, in_turns, spread, verdict
from deep.networks import weights
from deep.networks.embedder import Embedder, gem
from deep.networks.inference import OwnNetwork, TorchRunner
from deep.representation import DeepEmbedding

PRECISIONS = ("float32", "bfloat16")
BATCH = DeepEmbedding.batch_size
LARGEST_RATIO = 0.5
"""The time of the embedder as a share of SqueezeNet's, at most."""


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
    precision = str(TorchRunner(OwnNetwork(weights.load(source))).precision).removeprefix("torch.")
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
        runner = TorchRunner(OwnNetwork(network), precision)
        found[f"deep {precision}, one at a time"] = partial(by_runner, runner, 1, squares)
        found[f"deep {precision}, batch {BATCH}"] = partial(by_runner, runner, BATCH, squares)
    return found


def rival_ways(trunk: nn.Module, squares: Squares) -> dict[str, Callable[[], object]]:
    """Return the same ways to run SqueezeNet with GeM pooling, channels-last if ours is."""
    found: dict[str, Callable[[], object]] = {
        "SqueezeNet eager float32, one at a time": partial(eager, Pooled(trunk), 1, squares)
    }
    for precision in PRECISIONS:
        fast = Pooled(copy.deepcopy(trunk), getattr(torch, precision))
        found[f"SqueezeNet {precision}, one at a time"] = partial(eager, fast, 1, squares)
        found[f"SqueezeNet {precision}, batch {BATCH}"] = partial(eager, fast, BATCH, squares)
    return found


class Pooled(nn.Module):
    """A trunk with GeM pooling; channels-last, and computed in a precision, if one is given."""

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
