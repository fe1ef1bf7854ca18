"""Training: a network learns from labelled squares to put images of one class close together."""

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
from .epoch_result import EpochResult
from .splits import Split
from .trainer import Trainer
from .training_settings import TrainingSettings

_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Trained:
    """The network of the best epoch, the results of all epochs, and the number of the best."""

    network: Embedder
    history: tuple[EpochResult, ...]
    best: int


def train(
    examples: Examples,
    sides: Split,
    network: Embedder,
    settings: TrainingSettings | None = None,
    variation: Augmentation | None = None,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    report: Callable[[EpochResult], None] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Learn from the training side until MAP@R on the validation side gets no better.

    Parameters
    ----------
    examples : labelled squares.
    sides : which of them are learnt from, and which are held out.
    network : to begin with; it is changed.
    settings, variation : of the training and of its random views.
    checkpoint : a file that is written after each epoch; the caller removes it.
    resume : go on from the checkpoint, if there is one, and end as if the training had never stopped.
    report : takes the results of each epoch.
    progress : takes what is done, how many batches of it, and of how many.

    Raises
    ------
    FitError : the embeddings have become equal, or the loss is not a number.
    SettingError : a checkpoint of other data or settings.
    """
    settings, variation = settings or TrainingSettings(), variation or Augmentation()
    say, fingerprint = report or _silent, _fingerprint(examples, sides, network, settings, variation)
    use_threads()
    with torch.random.fork_rng(devices=[]):  # the caller's own draws go on as if nothing had been drawn
        torch.manual_seed(settings.seed)
        trainer = Trainer(examples, sides, network, settings, variation)
        resumes = resume and checkpoint is not None and checkpoint.exists()
        history = trainer.resume(checkpoint, fingerprint) if resumes and checkpoint else [trainer.begin()]
        for epoch in history:
            say(epoch)
        while len(history) <= settings.epochs and len(history) - trainer.best <= settings.patience:
            history.append(trainer.epoch(len(history), progress))
            # Written before it is reported: what a log says is never lost.
            if checkpoint is not None:
                trainer.checkpoint(history, fingerprint).write(checkpoint)
            say(history[-1])
        return Trained(trainer.best_network(), tuple(history), trainer.best)


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
    examples: Examples, sides: Split, network: Embedder, settings: TrainingSettings, variation: Augmentation
) -> str:
    """Return a hash of all that decides the result of a training."""
    named = [asdict(settings), asdict(variation), examples.names, examples.labels, examples.groups]
    digest = hashlib.sha256(json.dumps([*named, sides.training.tolist(), sides.validation.tolist()]).encode())
    for start in range(0, len(examples.squares), _AT_ONCE):  # the squares may be more than memory holds
        digest.update(examples.squares[start : start + _AT_ONCE].tobytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _silent(epoch: EpochResult) -> None:
    pass
