"""The second stage: the vector of an index learns how alike views are to several levels of three networks.

The student goes on from where the first stage or another round left it, its normalisations folded into its
convolutions, so that what is learnt is what is run. Its levels of the first stage are among the targets, so
that it loses little of what it knew. A step sees pairs of views of one picture, from four sets. Which views
are alike is learnt among those of a set (cosines, and which are the nearest), about the mean of the set as an
index has it, and among all; besides, what the teachers' maps and levels hold.
"""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.bundled.level_targets import GRID, LEVELS, MAPS, SHARES, WEIGHTS, LevelTargets
from deep.networks.embedder import Embedder

OF_STAGE = {1: ("fire4", "stride16"), 2: ("fire4", "stride16", "stride32"), 3: ("fire9", "stride32")}
"""The teachers' maps that each stage of the student learns."""
N_SETS, N_PAIRS = 4, 16  # of a step
_OF_LOSSES = {"alike": 40.0, "alike in a set": 80.0, "nearest": 3.0, "levels": 0.5, "maps": 0.5}
_TEMPERATURE = 0.1
_CLIPPED = 6.0  # standard deviations
_SOME = 2048  # views that means and deviations are taken of


@dataclass(frozen=True)
class LevelSettings:
    """How long and how fast to learn."""

    minutes: float = 52
    rate: float = 5e-4
    decay: float = 0.02
    average: float = 0.998
    seed: int = 0


class Heads(nn.Module):
    """What turns the student's maps and pooled levels into the teachers'; thrown away afterwards."""

    def __init__(self, network: Embedder) -> None:
        super().__init__()
        shape = network.architecture
        self.levels = nn.Linear(shape.pooled, sum(LEVELS.values()))
        self.maps = nn.ModuleList(
            nn.Conv2d(shape.widths[stage], sum(LEVELS[name] for name in names), 1)
            for stage, names in OF_STAGE.items()
        )


def distil_levels(network: Embedder, data: LevelTargets, settings: LevelSettings) -> Embedder:
    """Train a folded network for some minutes, and return the moving average of its weights."""
    torch.manual_seed(settings.seed)
    learner = _Learner(network, data, settings)
    epoch = 0
    while learner.epoch(epoch):
        epoch += 1
    return learner.averaged


class _Learner:
    def __init__(self, network: Embedder, data: LevelTargets, settings: LevelSettings) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.projection.requires_grad_(False)
        self.averaged = copy.deepcopy(self.network)
        self.heads, self.data, self.settings = Heads(network), data, settings
        some = np.sort(
            np.random.default_rng(0).choice(len(data.views), min(_SOME, len(data.views)), replace=False)
        )
        self.levels = _standard(torch.tensor(data.levels[some].astype(np.float32)), 1e-4)
        self.maps = {name: _standard(torch.tensor(data.maps[name][some].astype(np.float32))) for name in MAPS}
        sizes = torch.tensor(list(LEVELS.values()))
        self.counts = torch.stack([torch.tensor(WEIGHTS[name]).repeat_interleave(sizes) for name in SHARES])
        self.parameters = [it for it in self.network.parameters() if it.requires_grad]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in self.parameters if p.ndim > 1], "weight_decay": settings.decay},
                {"params": [p for p in self.parameters if p.ndim <= 1], "weight_decay": 0.0},
                {"params": list(self.heads.parameters()), "weight_decay": settings.decay},
            ]
        )
        self.started, self.n_steps = time.perf_counter(), 0

    def epoch(self, epoch: int) -> bool:
        """See nearly every view once; return whether there is time for more."""
        for chosen in self._batches(epoch):
            done = (time.perf_counter() - self.started) / (60 * self.settings.minutes)
            if done >= 1:
                return False
            self._set_rate(done)
            losses = self._losses(chosen)
            self.optimiser.zero_grad(set_to_none=True)
            sum(_OF_LOSSES[name] * loss for name, loss in losses.items()).backward()  # type: ignore[union-attr]
            nn.utils.clip_grad_norm_(self.parameters, 5.0)
            self.optimiser.step()
            self.n_steps += 1
            self._average()
            if self.n_steps % 50 == 0:
                said = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
                print(f"step {self.n_steps}, {done:.0%}: {said}", file=sys.stderr, flush=True)
        return True

    def _batches(self, epoch: int) -> Iterator[NDArray[np.intp]]:
        """Yield steps: the views of sixteen pictures from each of four sets."""
        random = np.random.default_rng((epoch, 3))
        of_pairs = self.data.sets[::2]
        rest = [list(random.permutation(np.flatnonzero(of_pairs == i))) for i in range(len(SHARES))]
        while True:
            left = np.array([len(pairs) // N_PAIRS for pairs in rest], float)
            if (left > 0).sum() < N_SETS:
                return
            sets = random.choice(len(left), N_SETS, replace=False, p=left / left.sum())
            pairs = [rest[i].pop() for i in sets for _ in range(N_PAIRS)]
            yield np.array([2 * pair + view for pair in pairs for view in (0, 1)])

    def _losses(self, chosen: NDArray[np.intp]) -> dict[str, Tensor]:
        views = torch.tensor(self.data.views[chosen]).float() / 255
        theirs = torch.tensor(self.data.levels[chosen].astype(np.float32))
        if flips := bool(torch.rand(()) < 0.5):
            views = views.flip(3)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            maps = self.network.maps(views.contiguous(memory_format=torch.channels_last))
        maps = [found.float() for found in maps]
        ours = self.network.pool(maps)
        weighed = theirs * self.counts[torch.tensor(self.data.sets[chosen].astype(np.int64))]
        in_sets = [it.view(N_SETS, 2 * N_PAIRS, -1) for it in (ours, weighed)]
        said, right = (_cosines(rows) for rows in in_sets)
        mean, spread = self.levels
        return {
            "alike": F.mse_loss(_cosines(ours), _cosines(weighed)),
            "alike in a set": F.mse_loss(said, right),
            "nearest": _apart(said, right),
            "levels": F.mse_loss(self.heads.levels(8 * ours), _clipped((theirs - mean) / spread)),
            "maps": self._of_maps(maps, chosen, flips),
        }

    def _of_maps(self, maps: list[Tensor], chosen: NDArray[np.intp], flips: bool) -> Tensor:
        total = torch.zeros(())
        right = {}
        for name in MAPS:
            mean, spread = self.maps[name]
            right[name] = _clipped(
                (torch.tensor(self.data.maps[name][chosen].astype(np.float32)) - mean) / spread
            )
        for head, names, found in zip(self.heads.maps, OF_STAGE.values(), maps, strict=True):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                said = head(F.adaptive_avg_pool2d(found, GRID))
            wanted = torch.cat([right[name] for name in names], dim=1)
            total = total + F.mse_loss(said.float(), wanted.flip(3) if flips else wanted) / len(maps)
        return total

    def _set_rate(self, done: float) -> None:
        warm = min(1.0, (self.n_steps + 1) / 150)
        rate = self.settings.rate * warm * 0.5 * (1 + math.cos(math.pi * done))
        # The heads begin from nothing.
        for group, times in zip(self.optimiser.param_groups, (1, 1, 3), strict=True):
            group["lr"] = rate * times

    def _average(self) -> None:
        keep = min(self.settings.average, self.n_steps / (self.n_steps + 9))
        with torch.no_grad():
            pairs = zip(self.averaged.parameters(), self.network.parameters(), strict=True)
            for mean, value in pairs:
                mean.lerp_(value, 1 - keep)


def _standard(values: Tensor, least: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel of (n, channels, ...), broadcastable to it."""
    axes = (0, *range(2, values.ndim))
    return values.mean(dim=axes, keepdim=True), values.std(dim=axes, keepdim=True) + least


def _clipped(values: Tensor) -> Tensor:
    return values.clamp(-_CLIPPED, _CLIPPED)


def _cosines(rows: Tensor) -> Tensor:
    """Return the cosines (..., n, n) of vectors (..., n, d) about their mean, as an index compares them."""
    rows = F.normalize(rows - rows.mean(dim=-2, keepdim=True), dim=-1)
    return rows @ rows.transpose(-1, -2)


def _apart(said: Tensor, right: Tensor) -> Tensor:
    """Return how far the nearest others of each view are from the right ones: KL divergence."""
    itself = torch.eye(said.shape[-1], dtype=torch.bool)
    ours, theirs = ((it / _TEMPERATURE).masked_fill(itself, -1e4) for it in (said, right))
    apart = F.kl_div(ours.log_softmax(dim=-1), theirs.softmax(dim=-1), reduction="none")
    return apart.sum(dim=-1).mean()
