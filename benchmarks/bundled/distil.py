"""Distillation: the student learns what two teachers make of each view, and the classes of some.

Its embedding learns above all how alike two views are: the cosine of both teachers' pooled features, each
about its mean, side by side (Park et al. 2019), and among views of one set, which of them are the nearest
(Passalis and Tefas 2018).
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.bundled.pictures import SHARES, set_of
from benchmarks.bundled.targets import GRID, REDUCED, Targets
from deep.networks.embedder import Embedder

N_CLASSES = 80
_WEIGHTS = (1.0, 0.5, 1.0, 1.0, 0.1, 10.0, 1.0)
_TEMPERATURE = 0.1


@dataclass(frozen=True)
class DistillationSettings:
    """How long and how fast to learn."""

    epochs: int = 9
    batch: int = 96
    rate: float = 2e-3
    decay: float = 0.05
    average: float = 0.998
    threads: int = 2
    seed: int = 0


class Heads(nn.Module):
    """What turns the student's maps and embedding into what the teachers say; thrown away afterwards."""

    def __init__(self, network: Embedder) -> None:
        super().__init__()
        shape = network.architecture
        self.maps = nn.Conv2d(shape.widths[-1], 512 + REDUCED, 1)
        self.squeezenet = nn.Linear(shape.dimension, 512)
        self.mobilenet = nn.Linear(shape.dimension, 1280)
        self.classes = nn.Linear(shape.dimension, N_CLASSES, bias=False)


def distil(network: Embedder, data: Targets, settings: DistillationSettings, checkpoint: Path) -> Embedder:
    """Train the network, and return the moving average of its weights."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    heads = Heads(network)
    learner = _Learner(network, heads, data, settings)
    start = learner.resume(checkpoint) if checkpoint.exists() else 0
    for epoch in range(start, settings.epochs):
        learner.epoch(epoch)
        learner.keep(checkpoint, epoch + 1)
    return learner.averaged


class _Learner:
    def __init__(
        self, network: Embedder, heads: Heads, data: Targets, settings: DistillationSettings
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = Embedder(network.architecture)
        self.averaged.load_state_dict(network.state_dict())
        self.heads, self.data, self.settings = heads, data, settings
        first = torch.tensor(data.maps[:2048].astype(np.float32))
        self.spread = first.std(dim=(0, 2, 3)).view(1, -1, 1, 1) + 1e-3
        parameters = [*network.parameters(), *heads.parameters()]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.decay},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ]
        )
        self.n_steps = len(data.views) // settings.batch
        self.sets = torch.tensor([set_of(settings.seed, i) for i in range(len(data.views))])
        pooled = (data.squeezenet, data.mobilenet)
        self.centres = [torch.tensor(array.mean(axis=0, dtype=np.float32)) for array in pooled]
        self.set_centres = [self._of_sets(array) for array in pooled]

    def epoch(self, epoch: int) -> None:
        """See every view once."""
        self.network.train()
        started, sums = time.perf_counter(), torch.zeros(len(_WEIGHTS))
        for step, chosen in enumerate(self._batches(epoch)):
            self._set_rate(epoch * self.n_steps + step)
            losses = self._losses(chosen)
            self.optimiser.zero_grad(set_to_none=True)
            (losses * torch.tensor(_WEIGHTS)).sum().backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.optimiser.step()
            self._average(epoch * self.n_steps + step)
            sums += losses.detach()
            if step % 50 == 49:
                mean = " ".join(f"{value:.4f}" for value in (sums / (step + 1)).tolist())
                rate = (step + 1) * self.settings.batch / (time.perf_counter() - started)
                line = f"epoch {epoch} step {step + 1}/{self.n_steps} {mean} {rate:.0f}/s"
                print(line, file=sys.stderr, flush=True)

    def _batches(self, epoch: int) -> Iterator[np.ndarray[Any, Any]]:
        order = np.random.default_rng((self.settings.seed, epoch)).permutation(len(self.data.views))
        for i in range(self.n_steps):
            yield np.sort(order[i * self.settings.batch : (i + 1) * self.settings.batch])

    def _losses(self, chosen: np.ndarray[Any, Any]) -> Tensor:
        """Return the losses: two of maps, two of pooled maps, that of the classes, two of likeness."""
        data = self.data
        first, second = (torch.tensor(array[chosen]).float() for array in (data.maps, data.other_maps))
        views = torch.tensor(data.views[chosen])
        if flips := bool(torch.rand(()) < 0.5):
            views = views.flip(3)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            maps = self.network.maps((views.float() / 255).contiguous(memory_format=torch.channels_last))
            said = F.adaptive_avg_pool2d(self.heads.maps(maps[-1]), GRID).float()
        said = said.flip(3) if flips else said
        embedding = self.network.embed(self.network.pool(maps))
        labels = torch.tensor(data.labels[chosen]).long()
        logits = 16 * F.linear(embedding, F.normalize(self.heads.classes.weight, dim=1))
        wrong = F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
        said_of_first, said_of_second = self.heads.squeezenet(embedding), self.heads.mobilenet(embedding)
        pooled_first = torch.tensor(data.squeezenet[chosen]).float()
        pooled_second = torch.tensor(data.mobilenet[chosen]).float()
        sets = self.sets[chosen]
        pooled = (pooled_first, pooled_second)
        likeness, near = (
            _likeness([p - c for p, c in zip(pooled, centres, strict=True)])
            for centres in (self.centres, [of_sets[sets] for of_sets in self.set_centres])
        )
        return torch.stack(
            [
                F.mse_loss(said[:, :512], (first / self.spread).clamp(max=8)),
                F.mse_loss(said[:, 512:], second),
                _apart(said_of_first, pooled_first),
                _apart(said_of_second, pooled_second - self.centres[1]),
                wrong / max(1, int((labels >= 0).sum())),
                F.mse_loss(embedding @ embedding.T, likeness),
                _strange(embedding @ embedding.T, near, sets[:, None] == sets[None]),
            ]
        )

    def _of_sets(self, pooled: np.ndarray[Any, Any]) -> Tensor:
        """Return the mean of pooled features (n, channels) in each set, (sets, channels)."""
        means = [pooled[self.sets.numpy() == i].mean(axis=0, dtype=np.float32) for i in range(len(SHARES))]
        return torch.tensor(np.stack(means))

    def _set_rate(self, step: int) -> None:
        total, warm = self.settings.epochs * self.n_steps, 300
        share = min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / total))
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate * share

    def _average(self, step: int) -> None:
        keep = min(self.settings.average, (step + 1) / (step + 10))
        with torch.no_grad():
            means, values = self.averaged.state_dict().values(), self.network.state_dict().values()
            for mean, value in zip(means, values, strict=True):
                mean.lerp_(value, 1 - keep) if mean.is_floating_point() else mean.copy_(value)

    def keep(self, checkpoint: Path, epoch: int) -> None:
        """Write all that is needed to go on."""
        state = {
            "epoch": epoch,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "heads": self.heads.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    def resume(self, checkpoint: Path) -> int:
        """Go on from a checkpoint; returns the epoch that is next."""
        state = torch.load(checkpoint, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.heads.load_state_dict(state["heads"])
        self.optimiser.load_state_dict(state["optimiser"])
        return int(state["epoch"])


def _likeness(features: Sequence[Tensor]) -> Tensor:
    """Return the cosines (n, n) of features, each kind of unit length, side by side."""
    rows = F.normalize(torch.cat([F.normalize(each, dim=1) for each in features], dim=1), dim=1)
    return rows @ rows.T


def _strange(said: Tensor, right: Tensor, among: Tensor) -> Tensor:
    """Return how strange the neighbours of a view are, among the other views of its set: KL divergence."""
    out = ~among | torch.eye(len(said), dtype=torch.bool)
    kept = (~out).sum(dim=1) > 1
    theirs = (right / _TEMPERATURE).masked_fill(out, -1e4).softmax(dim=1)
    ours = (said / _TEMPERATURE).masked_fill(out, -1e4).log_softmax(dim=1)
    return F.kl_div(ours[kept], theirs[kept], reduction="batchmean")


def _apart(said: Tensor, right: Tensor) -> Tensor:
    return (1 - F.cosine_similarity(said, right, dim=1)).mean()
