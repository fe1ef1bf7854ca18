"""The trainer: what changes while a network is trained, epoch by epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from retrieval.errors import FitError, SettingError

from ..networks.embedder import Embedder
from ..networks.inference import OwnNetwork, TorchRunner
from .augmentation import Augmentation
from .batch_sampler import for_batch
from .checkpoints import Checkpoint, named, part
from .dataset import Examples, Progress
from .epoch_result import EpochResult, least_spread, refuse_collapse
from .losses import make
from .optimiser import Optimiser
from .splits import Split
from .training_settings import TrainingSettings
from .validation import map_at_r, spread

_LONGEST_STEP = 5.0  # of a gradient: one odd batch must not throw the weights far away
_FOLLOW = 0.1  # of the way to the batch's mean, each step
_AT_ONCE = 64  # images in a batch that nothing is learnt from


class Trainer:
    """Hold the weights, the proxies, the optimiser, and the best so far.

    Parameters
    ----------
    examples : labelled squares.
    sides : which of them are learnt from, and which are held out.
    network : is changed.
    settings, variation : of the training and of its random views.

    Attributes
    ----------
    best : the number of the epoch with the highest MAP@R so far.
    """

    def __init__(
        self,
        examples: Examples,
        sides: Split,
        network: Embedder,
        settings: TrainingSettings,
        variation: Augmentation,
    ) -> None:
        self.settings, self.variation, self.network = settings, variation, network
        self._squares = examples.squares
        names, labels = np.unique(np.array(examples.labels)[sides.training], return_inverse=True)
        self._training, self._labels = sides.training, labels.astype(np.int64)
        self._held = sides.validation
        self._held_labels = _numbers(np.array(examples.labels)[self._held])
        self._held_groups = _numbers(np.array(examples.groups)[self._held])
        self._batches = for_batch(self._labels, settings.batch, settings.classes, settings.seed)
        self._n_batches = len(self._batches)
        runner = TorchRunner(OwnNetwork(network), settings.precision)
        self._device, self._precision = runner.device, runner.precision
        dimension = network.architecture.dimension
        self._loss = make(settings.loss, len(names), dimension, **settings.loss_settings)
        self._proxies = self._loss if isinstance(self._loss, nn.Module) else nn.Module()
        self.network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._proxies.to(self._device)
        self._optimiser = Optimiser(network, self._proxies, settings, settings.epochs * self._n_batches)
        self.best, self._best_value, self._least = 0, -math.inf, 0.0
        self._best_weights: dict[str, Tensor] = {}

    def epoch(self, number: int, progress: Progress | None = None) -> EpochResult:
        """See every image of the training, then validate.

        The seed and the number alone decide what is drawn, so that a resumed training draws the same.
        """
        started, losses = time.monotonic(), []
        torch.manual_seed(int(np.random.SeedSequence((self.settings.seed, number)).generate_state(1)[0]))
        self.network.train(self.settings.normalisation == "learnt")
        for step, (squares, labels) in enumerate(self._views(number)):
            self._optimiser.set_rate((number - 1) * self._n_batches + step)
            losses.append(self._step(squares, labels, number))
            if progress is not None:
                progress(f"epoch {number}/{self.settings.epochs}", step + 1, self._n_batches)
        return self.validate(number, float(np.mean(losses)), started)

    def begin(self) -> EpochResult:
        """Validate the network as it is, then move its embeddings around zero.

        Images of one kind are all alike to a network that knows others; a loss that begins with cosines near
        1 would sooner make them equal than tell them apart.
        """
        result = self.validate(0, None, time.monotonic())
        self.network.eval()
        total = torch.zeros(self.network.architecture.dimension, device=self._device)
        with torch.no_grad():
            for chosen in np.array_split(self._training, math.ceil(len(self._training) / _AT_ONCE)):
                total += self.network.projection(self._pooled(self._squares[chosen])).sum(dim=0)
            # projection(x) − mean is a change of the bias alone.
            self.network.projection.bias.sub_(total / len(self._training))
        return result

    def validate(self, number: int, loss: float | None, started: float) -> EpochResult:
        """Let every held-out image ask for the others, and keep the weights if they are the best so far."""
        runner = TorchRunner(OwnNetwork(self.network), self.settings.precision)
        parts = np.array_split(self._held, math.ceil(len(self._held) / _AT_ONCE))
        embeddings = np.concatenate([runner.embed(self._squares[each]) for each in parts])
        value = map_at_r(embeddings, self._held_labels, self._held_groups)
        result = EpochResult(number, loss, value, spread(embeddings), time.monotonic() - started)
        if number == 0:
            self._least = least_spread(result)
        refuse_collapse(result, self._least)
        if value > self._best_value:
            self.best, self._best_value = number, value
            self._best_weights = {k: t.detach().cpu().clone() for k, t in self.network.state_dict().items()}
        return result

    def best_network(self) -> Embedder:
        """Return a network of the weights of the best epoch, ready for inference."""
        network = Embedder(self.network.architecture)
        network.load_state_dict(self._best_weights)
        return network.eval()

    def checkpoint(self, history: list[EpochResult], fingerprint: str) -> Checkpoint:
        """Return all that is needed to go on after the last epoch of the history."""
        return Checkpoint(
            {
                **named("network", self.network.state_dict()),
                **named("best", self._best_weights),
                **named("loss", self._proxies.state_dict()),
                **named("optimiser", self._optimiser.state()),
            },
            {"history": [asdict(epoch) for epoch in history], "best": self.best, "least": self._least},
            fingerprint,
        )

    def resume(self, path: Path, fingerprint: str) -> list[EpochResult]:
        """Go on from a checkpoint, and return the epochs that are done."""
        found = Checkpoint.read(path, fingerprint)
        try:
            history = [EpochResult(**epoch) for epoch in found.state["history"]]
            self.best, self._least = found.state["best"], found.state["least"]
            self._best_value = history[self.best].map_at_r
            self._best_weights = part(found.tensors, "best")
            self.network.load_state_dict(part(found.tensors, "network"))
            self._proxies.load_state_dict(part(found.tensors, "loss"))
            self._optimiser.restore(part(found.tensors, "optimiser"))
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise SettingError(f"{path}: damaged; remove it to begin anew") from error
        return history

    def _views(self, number: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """Yield random views (n, 3, side, side) and their classes (n,).

        A thread makes the next batch while the network computes: OpenCV and torch both release the lock.
        """

        def view(step: int, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
            # A generator a batch: the draws do not depend on which thread makes it, or when.
            random = np.random.default_rng((self.settings.seed, number, step))
            return self.variation.vary(self._squares[self._training[chosen]], random)

        batches = list(self._batches.epoch(number))
        with ThreadPoolExecutor(1) as ahead:
            next_squares = ahead.submit(view, 0, batches[0])
            for step, chosen in enumerate(batches):
                squares = next_squares.result()
                if step + 1 < len(batches):
                    next_squares = ahead.submit(view, step + 1, batches[step + 1])
                yield squares, self._labels[chosen]

    def _step(self, squares: NDArray[np.uint8], labels: NDArray[np.int64], number: int) -> float:
        """Learn from one batch and return its loss."""
        projected = self.network.projection(self._pooled(squares))  # (n, dimension)
        mean = projected.mean(dim=0)  # (dimension,)
        # Around the mean of the batch, embeddings cannot all drift to one place; the bias follows it.
        embeddings = nn.functional.normalize(projected - mean, dim=1)
        loss = self._loss(embeddings, torch.from_numpy(labels).to(self._device))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FitError(
                f"the loss is not a number in epoch {number}; lower --learning-rate, or compute in "
                "--precision float32"
            )
        self._optimiser.step(loss, self.network, _LONGEST_STEP)
        with torch.no_grad():
            self.network.projection.bias.sub_(mean, alpha=_FOLLOW)
        return value

    def _pooled(self, squares: NDArray[np.uint8]) -> Tensor:
        """Return the pooled levels of squares (n, 3, side, side): float32 (n, sum of their channels).

        The trunk alone computes in bfloat16: the powers of GeM pooling need the digits of float32.
        """
        pixels = torch.from_numpy(np.ascontiguousarray(squares)).to(self._device).float() / 255
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        is_half = self._precision != torch.float32
        with torch.autocast(self._device.type, dtype=self._precision, enabled=is_half):
            maps = self.network.maps(pixels)
        return self.network.pool(maps)


def _numbers(names: NDArray[np.str_]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
