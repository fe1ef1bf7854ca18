"""The files that a training writes: the weights, the curve, the log, and the checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import SettingError
from retrieval.rankers.atomic_write import replacing, write_atomically

from .say import say

if TYPE_CHECKING:
    from deep.training.train import Trained


@dataclass(frozen=True)
class TrainingFiles:
    """Where results go; ``curve`` and ``log`` only if they are wanted."""

    output: Path
    curve: Path | None
    log: Path | None

    @property
    def checkpoint(self) -> Path:
        """The file that an interrupted run goes on from."""
        return self.output.with_name(f"{self.output.name}.checkpoint")


def training_files(output: Path, curve: Path | None, log: Path | None) -> TrainingFiles:
    """Return where results go. A curve that was not asked for is left out if it cannot be drawn.

    SettingError if one was asked for and cannot be drawn.
    """
    from deep.training.curves import require_matplotlib

    try:
        require_matplotlib()
    except SettingError as error:
        # Who names a curve wants it; the usual one beside the weights is a bonus.
        if curve is not None:
            raise
        say(str(error))
        return TrainingFiles(output, None, log)
    beside = output.with_name(f"{output.name.removesuffix('.safetensors')}.png")
    return TrainingFiles(output, curve or beside, log)


def check_places(files: TrainingFiles, resume: bool) -> None:
    """Refuse files that cannot be written, and a checkpoint that would be overwritten."""
    # Before hours of training, not after them.
    for path in filter(None, (files.output, files.curve, files.log)):
        if path.is_dir():
            raise SettingError(f"{path}: is a folder; name a file")
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise SettingError(
                f"{path}: its folder is not there or cannot be written; make it, or name another"
            )
    if files.checkpoint.exists() and not resume:
        raise SettingError(
            f"{files.checkpoint}: of a run that was interrupted; give --resume to go on with it, or remove "
            "the file to begin anew"
        )


def save(trained: Trained, files: TrainingFiles, card: Mapping[str, Any]) -> None:
    """Write the weights, whole or not at all: a killed run leaves no half of a file. Raise SemblanceError."""
    from deep.networks import weights

    with replacing(files.output) as beside:
        weights.save(beside, trained.network, card)


def draw_curve(trained: Trained, files: TrainingFiles) -> None:
    """Draw the loss and MAP@R of each epoch, if a curve is wanted."""
    from deep.training.curves import draw

    if files.curve is not None:
        write_atomically(draw(trained.history, trained.best), files.curve)
