"""``semblance train``: turn a folder and a label table into a better embedding."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from retrieval.errors import SemblanceError, SettingError
from viewer.answer import printable

from ..options.argument_types import place, positive
from ..options.representation_flags import explanations, reader
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from deep.networks.embedder import Embedder
    from deep.training.augmentation import Augmentation
    from deep.training.dataset import Examples
    from deep.training.epoch_result import EpochResult
    from deep.training.splits import Split
    from deep.training.train import Trained
    from deep.training.training_settings import TrainingSettings

SHOWN = 20
"""How many notes about pictures are listed."""

EXAMPLE = """example:
  semblance train scans/ --labels labels.csv -o model.safetensors
  semblance train scans/ --labels labels.csv --loss contrastive --epochs 50 -o model.safetensors
  semblance index scans/ -o scans.index --by deep --weights model.safetensors

labels.csv: a header, a column path (relative to the folder), a column label (several joined by ;
are a class of their own), and, if there are, patient (or group) and split (train, val or test). No
patient stands on both sides of the validation, and pictures of the test are never read.

A run that was interrupted goes on with --resume, from a checkpoint beside the output."""


@dataclasses.dataclass(frozen=True)
class TrainingFiles:
    """Where results go; ``curve`` and ``log`` only where they are wanted."""

    output: Path
    curve: Path | None
    log: Path | None

    @property
    def checkpoint(self) -> Path:
        """The file that an interrupted run goes on from."""
        return self.output.with_name(f"{self.output.name}.checkpoint")


def configure(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Add the arguments of the command: the fields of the settings and of the augmentation are flags."""
    from deep.training.augmentation import Augmentation
    from deep.training.training_settings import TrainingSettings

    parser.epilog = EXAMPLE
    add = parser.add_argument
    add("folder", type=place, metavar="FOLDER", help="a folder of pictures")
    add("--labels", type=place, required=True, metavar="CSV", help="the table of labels")
    add("-o", "--output", type=place, required=True, metavar="FILE", help="the weights, FILE.safetensors")
    add("--from", dest="start", default="bundled", metavar="X", help="bundled, scratch, or FILE [bundled]")
    add("--window", metavar="W", help="lung, brain, bone, …, or centre,width, as for index [auto]")
    add("--jobs", type=positive, metavar="N", help="processes that decode [one a core]")
    add("--resume", action="store_true", help="go on with a run that was interrupted")
    add("--curve", type=place, metavar="PNG", help="where loss and MAP@R are drawn [beside the weights]")
    add("--log", type=place, metavar="FILE", help="write a line of JSON for each epoch")
    add("--json", action="store_true", help="print the summary as JSON")
    _add_fields(parser.add_argument_group("training"), TrainingSettings)
    _add_fields(parser.add_argument_group("random views of the pictures"), Augmentation)


def run(args: argparse.Namespace) -> int:
    """Train, say on stderr how it goes, and print on stdout what came of it."""
    from deep.training.augmentation import Augmentation
    from deep.training.training_settings import TrainingSettings

    settings, variation = (
        TrainingSettings(**_given(args, TrainingSettings)),
        Augmentation(**_given(args, Augmentation)),
    )
    places = _places(args)
    _check_places(places, args.resume)
    _require_torch()
    examples, sides, network = _prepared(args, settings)
    trained = _trained(args, places, settings, variation, (examples, sides, network))
    _save(trained, places, _card(args.start, settings, variation, trained, sides))
    _draw(trained, places)
    with suppress(OSError):
        places.checkpoint.unlink(missing_ok=True)
    summary = _summary(trained, sides, places)
    print(json.dumps(summary) if args.json else _sentences(summary, args.folder))
    return 0


def _prepared(args: argparse.Namespace, settings: TrainingSettings) -> tuple[Examples, Split, Embedder]:
    """Look at the table, the files and the start weights, cheapest first; then decode and divide."""
    from deep.training.dataset import read_examples
    from deep.training.labelled_files import labelled_files
    from deep.training.splits import split
    from deep.training.train import begin
    from retrieval.metadata.label_table import LabelTable
    from retrieval.readers.window import Window

    window = None if args.window is None else Window.parse(args.window)
    files = labelled_files(args.folder, LabelTable.read(args.labels), _say)
    network = begin(args.start, settings.seed)
    with ProgressBar("files") as progress:
        side = network.architecture.side
        examples = read_examples(files, side, window=window, jobs=args.jobs, progress=progress)
    for note in examples.notes[:SHOWN]:
        _say(note)
    if len(examples.notes) > SHOWN:
        _say(f"and {len(examples.notes) - SHOWN:,} more")
    sides = split(examples.labels, examples.groups, examples.splits, settings.validation, settings.seed)
    for note in sides.notes:
        _say(note)
    n_training, n_held = len(sides.training), len(sides.validation)
    _say(f"{n_training:,} pictures to learn from, {n_held:,} held out, {len(set(examples.labels))} classes")
    return examples, sides, network


def _trained(
    args: argparse.Namespace,
    places: TrainingFiles,
    settings: TrainingSettings,
    variation: Augmentation,
    given: tuple[Examples, Split, Embedder],
) -> Trained:
    from deep.training.train import train

    if args.resume and not places.checkpoint.exists():
        _say(f"{places.checkpoint}: no checkpoint; begins at the start")
    tell = _teller(places.log, settings.epochs)
    try:
        with ProgressBar("batches") as progress:
            return train(
                *given,
                settings,
                variation,
                checkpoint=places.checkpoint,
                resume=args.resume,
                report=tell,
                progress=progress,
            )
    except KeyboardInterrupt as stop:
        raise SemblanceError("interrupted; run the same command with --resume to go on") from stop


def _teller(log: Path | None, n_epochs: int) -> Callable[[EpochResult], None]:
    """Return what says each epoch on stderr, and in the log."""
    if log is not None:
        log.write_text("", encoding="utf-8")

    def tell(epoch: EpochResult) -> None:
        loss = "before" if epoch.loss is None else f"loss {epoch.loss:.4f}"
        worth = f"MAP@R {100 * epoch.map_at_r:.1f}, spread {epoch.spread:.3f}, {epoch.seconds:.1f} s"
        _say(f"epoch {epoch.number}/{n_epochs}: {loss}, {worth}")
        if log is not None:
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(dataclasses.asdict(epoch)) + "\n")

    return tell


def _save(trained: Trained, places: TrainingFiles, card: Mapping[str, Any]) -> None:
    """Write the weights beside their place, and rename them."""
    from deep.networks import weights

    beside = places.output.with_name(f".{places.output.name}.{os.getpid()}")
    try:
        weights.save(beside, trained.network, card)
        beside.replace(places.output)
    except OSError as error:
        raise SemblanceError(f"{places.output}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _draw(trained: Trained, places: TrainingFiles) -> None:
    from deep.training.checkpoints import write_whole
    from deep.training.curves import draw

    if places.curve is not None:
        write_whole(draw(trained.history, trained.best), places.curve)


def _places(args: argparse.Namespace) -> TrainingFiles:
    """Say where results go. A curve that was not asked for is left out where it cannot be drawn."""
    from deep.training.curves import require_matplotlib

    try:
        require_matplotlib()
    except SettingError as error:
        if args.curve is not None:
            raise
        _say(str(error))
        return TrainingFiles(args.output, None, args.log)
    curve = args.curve or args.output.with_name(f"{args.output.name.removesuffix('.safetensors')}.png")
    return TrainingFiles(args.output, curve, args.log)


def _check_places(places: TrainingFiles, resume: bool) -> None:
    """Refuse places that cannot be written, and a checkpoint that would be overwritten."""
    for path in filter(None, (places.output, places.curve, places.log)):
        if path.is_dir():
            raise SettingError(f"{path}: is a folder; name a file")
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise SettingError(
                f"{path}: its folder is not there or cannot be written; make it, or name another"
            )
    if places.checkpoint.exists() and not resume:
        raise SettingError(
            f"{places.checkpoint}: of a run that was interrupted; give --resume to go on with it, or remove "
            "the file to begin anew"
        )


def _require_torch() -> None:
    from importlib.util import find_spec

    for name in ("torch", "safetensors"):
        if find_spec(name) is None:
            raise SettingError(f"training takes {name}; pip install 'semblance[deep]'")


def _card(
    start: str, settings: TrainingSettings, variation: Augmentation, trained: Trained, sides: Split
) -> dict[str, Any]:
    return {
        "start": start if start in ("bundled", "scratch") else "a file",
        "plan": dataclasses.asdict(settings),
        "augmentation": dataclasses.asdict(variation),
        "pictures": {"training": len(sides.training), "validation": len(sides.validation)},
        "map_at_r": {"before": trained.history[0].map_at_r, "after": trained.history[trained.best].map_at_r},
        "best_epoch": trained.best,
    }


def _summary(trained: Trained, sides: Split, places: TrainingFiles) -> dict[str, Any]:
    return {
        "weights": str(places.output),
        "curve": None if places.curve is None else str(places.curve),
        "map_at_r_before": trained.history[0].map_at_r,
        "map_at_r": trained.history[trained.best].map_at_r,
        "best_epoch": trained.best,
        "epochs": len(trained.history) - 1,
        "pictures": len(sides.training),
        "held_out": len(sides.validation),
        "seconds": round(sum(epoch.seconds for epoch in trained.history), 1),
    }


def _sentences(summary: Mapping[str, Any], folder: Path) -> str:
    before, after = 100 * summary["map_at_r_before"], 100 * summary["map_at_r"]
    best, n_epochs = summary["best_epoch"], summary["epochs"]
    came = (
        f"best in epoch {best} of {n_epochs}" if best else f"no epoch of {n_epochs} was better than the start"
    )
    weights, index = summary["weights"], f"{folder.name or 'my'}.index"
    return (
        f"{weights}: MAP@R {before:.1f} before, {after:.1f} after; {came}\n"
        f"use it: semblance index {folder} -o {index} --by deep --weights {weights}"
    )


def _add_fields(group: argparse._ArgumentGroup, kind: type) -> None:
    """Add a flag for each field of a dataclass, explained by its docstring."""
    from deep.training.training_settings import TAKES, LossName, MiningName

    shapes = {int: "N", float: "X", float | None: "X", LossName: "NAME", MiningName | None: "NAME"}
    named = {LossName: f": {', '.join(TAKES)}"}
    hints, meanings = get_type_hints(kind), explanations(kind)
    for field in dataclasses.fields(kind):
        hint, default = hints[field.name], field.default
        shown = "" if default is None else f" [{default}]"
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            type=reader(hint, default),
            choices=get_args(hint) if get_origin(hint) is Literal else None,
            default=argparse.SUPPRESS,
            metavar=shapes.get(hint),
            help=(
                meanings[field.name].replace("``", "").removesuffix(".") + named.get(hint, "") + shown
            ).replace("%", "%%"),
        )


def _given(args: argparse.Namespace, kind: type) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in vars(args).items() if name in names}


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
