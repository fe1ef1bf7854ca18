"""The learner: what changes while a network is trained, epoch by epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from retrieval.errors import FitError, SettingError

from ..networks.embedder import Embedder
from ..networks.inference import OwnNetwork, Runner
from .augmentation import Augmentation
from .batch_sampler import for_batch
from .checkpoints import Checkpoint, named, part
from .dataset import Examples, Progress
from .losses import make
from .splits import Split
from .training_settings import Plan
from .validation import map_at_r, spread

COLLAPSED = 0.01
"""Embeddings of less spread than this are all equal, or of a tenth of that of the start if it is less."""

_PROXY_RATE = 10.0
_LONGEST_STEP = 5.0
_FOLLOW = 0.1  # of the way to the batch's mean, each step
_AT_ONCE = 64
_EQUAL = 1e-6  # what is left of the spread by rounding


@dataclass(frozen=True)
class Epoch:
    """What came of an epoch; epoch 0 is the network before any training, and has no loss.

    Parameters
    ----------
    number : from 0.
    loss : the mean over its batches.
    map_at_r : of the held-out pictures, in [0, 1].
    spread : 1 less the mean cosine of two held-out pictures.
    seconds : it took.
    """

    number: int
    loss: float | None
    map_at_r: float
    spread: float
    seconds: float


class Learner:
    """Hold the weights, the proxies, the optimiser, and the best so far."""

    def __init__(
        self, examples: Examples, sides: Split, network: Embedder, plan: Plan, variation: Augmentation
    ) -> None:
        self.plan, self.variation, self.network = plan, variation, network
        self._squares = examples.squares
        names, labels = np.unique(np.array(examples.labels)[sides.training], return_inverse=True)
        self._training, self._labels = sides.training, labels.astype(np.int64)
        self._held = sides.validation
        self._held_labels = _numbers(np.array(examples.labels)[self._held])
        self._held_groups = _numbers(np.array(examples.groups)[self._held])
        self._batches = for_batch(self._labels, plan.batch, plan.classes, plan.seed)
        self._n_batches = len(self._batches)
        runner = Runner(OwnNetwork(network), plan.precision)
        self._device, self._precision = runner.device, runner.precision
        self._loss = make(plan.loss, len(names), network.architecture.dimension, **plan.loss_settings)
        self._proxies = self._loss if isinstance(self._loss, nn.Module) else nn.Module()
        self.network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._proxies.to(self._device)
        self._optimiser = torch.optim.AdamW(_groups(network, self._proxies, plan), lr=plan.learning_rate)
        self._shares = [group["lr"] for group in self._optimiser.param_groups]
        self.best, self._best_value, self._least = 0, -math.inf, 0.0
        self._best_weights: dict[str, Tensor] = {}

    def epoch(self, number: int, progress: Progress | None = None) -> Epoch:
        """See every picture of the training, then validate. The number alone decides what is drawn."""
        started, losses = time.monotonic(), []
        torch.manual_seed(int(np.random.SeedSequence((self.plan.seed, number)).generate_state(1)[0]))
        self.network.train(self.plan.normalisation == "learnt")
        for step, (squares, labels) in enumerate(self._views(number)):
            self._set_rate((number - 1) * self._n_batches + step)
            losses.append(self._step(squares, labels, number))
            if progress is not None:
                progress(f"epoch {number}/{self.plan.epochs}", step + 1, self._n_batches)
        return self.validate(number, float(np.mean(losses)), started)

    def begin(self) -> Epoch:
        """Validate the network as it is, then move its embeddings about zero.

        Pictures of one kind are all alike to a network that knows others; a loss that begins with cosines
        near 1 would sooner make them equal than tell them apart.
        """
        found = self.validate(0, None, time.monotonic())
        self.network.eval()
        total = torch.zeros(self.network.architecture.dimension, device=self._device)
        with torch.no_grad():
            for chosen in np.array_split(self._training, math.ceil(len(self._training) / _AT_ONCE)):
                total += self.network.projection(self._pooled(self._squares[chosen])).sum(dim=0)
            self.network.projection.bias.sub_(total / len(self._training))
        return found

    def validate(self, number: int, loss: float | None, started: float) -> Epoch:
        """Ask for every held-out picture, and keep the weights where they are the best so far."""
        runner = Runner(OwnNetwork(self.network), self.plan.precision)
        parts = np.array_split(self._held, math.ceil(len(self._held) / _AT_ONCE))
        embeddings = np.concatenate([runner.embed(self._squares[each]) for each in parts])
        value = map_at_r(embeddings, self._held_labels, self._held_groups)
        found = Epoch(number, loss, value, spread(embeddings), time.monotonic() - started)
        if number == 0:
            self._least = max(_EQUAL, min(COLLAPSED, found.spread / 10))
        _refuse_collapse(found, self._least)
        if value > self._best_value:
            self.best, self._best_value = number, value
            self._best_weights = {k: t.detach().cpu().clone() for k, t in self.network.state_dict().items()}
        return found

    def best_network(self) -> Embedder:
        """Return a network of the weights of the best epoch, ready for inference."""
        network = Embedder(self.network.architecture)
        network.load_state_dict(self._best_weights)
        return network.eval()

    def checkpoint(self, history: list[Epoch], fingerprint: str) -> Checkpoint:
        """Return all that is needed to go on after the last epoch of the history."""
        state = self._optimiser.state_dict()["state"]
        tensors = {
            f"{i}/{name}": torch.as_tensor(value) for i, kept in state.items() for name, value in kept.items()
        }
        return Checkpoint(
            {
                **named("network", self.network.state_dict()),
                **named("best", self._best_weights),
                **named("loss", self._proxies.state_dict()),
                **named("optimiser", tensors),
            },
            {"history": [asdict(epoch) for epoch in history], "best": self.best, "least": self._least},
            fingerprint,
        )

    def resume(self, path: Path, fingerprint: str) -> list[Epoch]:
        """Go on from a checkpoint, and return the epochs that are done."""
        found = Checkpoint.read(path, fingerprint)
        try:
            history = [Epoch(**epoch) for epoch in found.facts["history"]]
            self.best, self._least = found.facts["best"], found.facts["least"]
            self._best_value = history[self.best].map_at_r
            self._best_weights = part(found.tensors, "best")
            self.network.load_state_dict(part(found.tensors, "network"))
            self._proxies.load_state_dict(part(found.tensors, "loss"))
            self._optimiser.load_state_dict(
                {**self._optimiser.state_dict(), "state": _by_number(part(found.tensors, "optimiser"))}
            )
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise SettingError(f"{path}: damaged; remove it to begin anew") from error
        return history

    def _views(self, number: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """Yield random views (n, 3, side, side) and their classes; the next batch is made meanwhile."""

        def view(step: int, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
            random = np.random.default_rng((self.plan.seed, number, step))
            return self.variation.vary(self._squares[self._training[chosen]], random)

        batches = list(self._batches.epoch(number))
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(view, 0, batches[0])
            for step, chosen in enumerate(batches):
                squares = coming.result()
                if step + 1 < len(batches):
                    coming = ahead.submit(view, step + 1, batches[step + 1])
                yield squares, self._labels[chosen]

    def _step(self, squares: NDArray[np.uint8], labels: NDArray[np.int64], number: int) -> float:
        """Learn from one batch and return its loss."""
        projected = self.network.projection(self._pooled(squares))
        mean = projected.mean(dim=0)
        # About the mean of the batch, embeddings cannot all drift to one place; the bias follows it.
        embeddings = nn.functional.normalize(projected - mean, dim=1)
        loss = self._loss(embeddings, torch.from_numpy(labels).to(self._device))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FitError(
                f"the loss is not a number in epoch {number}; lower --learning-rate, or compute in "
                "--precision float32"
            )
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _LONGEST_STEP)
        self._optimiser.step()
        with torch.no_grad():
            self.network.projection.bias.sub_(mean, alpha=_FOLLOW)
        return value

    def _pooled(self, squares: NDArray[np.uint8]) -> Tensor:
        """Return the pooled levels of squares (n, 3, side, side); the trunk alone computes in bfloat16."""
        pixels = torch.from_numpy(np.ascontiguousarray(squares)).to(self._device).float() / 255
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        is_half = self._precision != torch.float32
        with torch.autocast(self._device.type, dtype=self._precision, enabled=is_half):
            maps = self.network.maps(pixels)
        return self.network.pool(maps)

    def _set_rate(self, step: int) -> None:
        """Rise in a line, fall as half a cosine (Loshchilov and Hutter 2017)."""
        total = self.plan.epochs * self._n_batches
        rise = max(1.0, self.plan.warm_up * total)
        share = min(1.0, (step + 1) / rise) * 0.5 * (1 + math.cos(math.pi * step / total))
        for group, highest in zip(self._optimiser.param_groups, self._shares, strict=True):
            group["lr"] = highest * share


def _groups(network: Embedder, proxies: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """Return the optimiser's parameters: trunk, projection and proxies, each at its own learning rate."""
    trunk = [*network.stem.parameters(), *network.stages.parameters()]
    for parameter in trunk:
        parameter.requires_grad_(plan.trunk_rate > 0)
    found = []
    for parameters, share in (
        (trunk if plan.trunk_rate > 0 else [], plan.trunk_rate),
        (list(network.projection.parameters()), 1.0),
        (list(proxies.parameters()), _PROXY_RATE),
    ):
        for kept, decay in (
            ([p for p in parameters if p.ndim > 1], plan.weight_decay if share != _PROXY_RATE else 0.0),
            ([p for p in parameters if p.ndim <= 1], 0.0),
        ):
            if kept:
                found.append({"params": kept, "lr": plan.learning_rate * share, "weight_decay": decay})
    return found


def _refuse_collapse(found: Epoch, least: float) -> None:
    if found.spread > least and math.isfinite(found.spread):
        return
    if found.number == 0:
        raise FitError(
            "all embeddings are equal before any training: the held-out pictures look the same to the "
            "network; check the pictures and their --window, or begin --from bundled"
        )
    raise FitError(
        f"all embeddings are equal after epoch {found.number} (mean cosine {1 - found.spread:.4f}): "
        "the training collapsed; lower --learning-rate, raise --margin, or choose --mining semi-hard"
    )


def _by_number(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    found: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition("/")
        found.setdefault(int(number), {})[name] = tensor
    return found


def _numbers(names: NDArray[np.str_]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
