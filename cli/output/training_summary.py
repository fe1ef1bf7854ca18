"""What a training says of itself: a line for each epoch, the card of the weights, and the summary."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer.safe_text import printable

from .say import say
from .training_files import TrainingFiles

if TYPE_CHECKING:
    from deep.training.augmentation import Augmentation
    from deep.training.epoch_result import EpochResult
    from deep.training.splits import Split
    from deep.training.train import Trained
    from deep.training.training_settings import TrainingSettings


def teller(log: Path | None, n_epochs: int) -> Callable[[EpochResult], None]:
    """Return what says each epoch on stderr, and in the log."""
    if log is not None:
        # Emptied first: lines of an earlier run would be read as epochs of this one.
        log.write_text("", encoding="utf-8")

    def tell(epoch: EpochResult) -> None:
        loss = "before" if epoch.loss is None else f"loss {epoch.loss:.4f}"
        result = f"MAP@R {100 * epoch.map_at_r:.1f}, spread {epoch.spread:.3f}, {epoch.seconds:.1f} s"
        say(f"epoch {epoch.number}/{n_epochs}: {loss}, {result}")
        if log is not None:
            # Opened for each line: a run that is killed keeps all epochs that it has finished.
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(dataclasses.asdict(epoch)) + "\n")

    return tell


def card(
    start: str, settings: TrainingSettings, variation: Augmentation, trained: Trained, sides: Split
) -> dict[str, Any]:
    """Return what is kept with the weights of how they were trained."""
    return {
        # The path of a weight file may name people or projects, so it is not kept with the weights.
        "start": start if start in ("bundled", "scratch") else "a file",
        "plan": dataclasses.asdict(settings),
        "augmentation": dataclasses.asdict(variation),
        "pictures": {"training": len(sides.training), "validation": len(sides.validation)},
        "map_at_r": {"before": trained.history[0].map_at_r, "after": trained.history[trained.best].map_at_r},
        "best_epoch": trained.best,
    }


def summary_of(trained: Trained, sides: Split, files: TrainingFiles) -> dict[str, Any]:
    """Return what a training came to, as JSON has it."""
    return {
        "weights": str(files.output),
        "curve": None if files.curve is None else str(files.curve),
        "map_at_r_before": trained.history[0].map_at_r,
        "map_at_r": trained.history[trained.best].map_at_r,
        "best_epoch": trained.best,
        "epochs": len(trained.history) - 1,
        "pictures": len(sides.training),
        "held_out": len(sides.validation),
        "seconds": round(sum(epoch.seconds for epoch in trained.history), 1),
    }


def sentences(summary: Mapping[str, Any], folder: Path) -> str:
    """Return the summary in two lines: what was reached, and how to use the weights."""
    before, after = 100 * summary["map_at_r_before"], 100 * summary["map_at_r"]
    best, n_epochs = summary["best_epoch"], summary["epochs"]
    # Epoch 0 is the start itself: training that does not help says so.
    came = (
        f"best in epoch {best} of {n_epochs}" if best else f"no epoch of {n_epochs} was better than the start"
    )
    weights, index = printable(str(summary["weights"])), printable(f"{folder.name or 'my'}.index")
    return (
        f"{weights}: MAP@R {before:.1f} before, {after:.1f} after; {came}\n"
        f"use it: semblance index {printable(str(folder))} -o {index} --by deep --weights {weights}"
    )
