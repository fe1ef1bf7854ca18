"""Training: a network, labelled squares and a plan become a better network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ..networks import weights
from ..networks.embedder import Embedder
from ..networks.inference import use_threads
from .augmentation import Augmentation
from .dataset import Examples, Progress
from .learner import Epoch, Learner
from .splits import Split
from .training_settings import Plan

_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Trained:
    """The network of the best epoch, what came of all, and the number of the best."""

    network: Embedder
    history: tuple[Epoch, ...]
    best: int


def train(
    examples: Examples,
    sides: Split,
    network: Embedder,
    plan: Plan | None = None,
    variation: Augmentation | None = None,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    tell: Callable[[Epoch], None] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Learn from the training side until MAP@R on the validation side gets no better.

    The network given is changed. Where a checkpoint is named it is written after each epoch; with ``resume``
    the training goes on from it, and ends as if it had never stopped. The caller removes it.

    Raises
    ------
    FitError : the embeddings have become equal, or the loss is not a number.
    SettingError : a checkpoint of other data or settings.
    """
    plan, variation = plan or Plan(), variation or Augmentation()
    told, mark = tell or _silent, _fingerprint(examples, sides, network, plan, variation)
    use_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        learner = Learner(examples, sides, network, plan, variation)
        goes_on = resume and checkpoint is not None and checkpoint.exists()
        history = learner.resume(checkpoint, mark) if goes_on and checkpoint else [learner.begin()]
        for epoch in history:
            told(epoch)
        while len(history) <= plan.epochs and len(history) - learner.best <= plan.patience:
            history.append(learner.epoch(len(history), progress))
            if checkpoint is not None:
                learner.checkpoint(history, mark).write(checkpoint)
            told(history[-1])
        return Trained(learner.best_network(), tuple(history), learner.best)


def begin(source: str, seed: int) -> Embedder:
    """Return the network that a training begins with: ``bundled``, ``scratch``, or that of a weight file.

    Raises
    ------
    SettingError : no such file, or a damaged one.
    """
    if source != "scratch":
        return weights.load(source)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Embedder()


def _fingerprint(
    examples: Examples, sides: Split, network: Embedder, plan: Plan, variation: Augmentation
) -> str:
    """Return a hash of all that decides what comes of a training."""
    told = [asdict(plan), asdict(variation), examples.names, examples.labels, examples.groups]
    digest = hashlib.sha256(json.dumps([*told, sides.training.tolist(), sides.validation.tolist()]).encode())
    for start in range(0, len(examples.squares), _AT_ONCE):
        digest.update(examples.squares[start : start + _AT_ONCE].tobytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _silent(epoch: Epoch) -> None:
    pass
