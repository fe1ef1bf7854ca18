"""``semblance train``: turn a folder and a label table into a better embedding."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from deep.training.augmentation import Augmentation
from deep.training.training_settings import TAKES, LossName, MiningName, TrainingSettings
from retrieval.errors import SemblanceError, SettingError

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.field_flags import field_options, field_values
from ..options.label_flags import label_options, read_labels
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, argument, option, options, quiet
from ..output.progress import ProgressBar
from ..output.say import say
from ..output.training_files import TrainingFiles, check_places, draw_curve, save, training_files
from ..output.training_summary import card, sentences, summary_of, teller

if TYPE_CHECKING:
    from deep.networks.embedder import Embedder
    from deep.training.dataset import Examples
    from deep.training.splits import Split
    from deep.training.train import Trained

SHOWN = 20
"""How many notes about images are listed."""

METAVARS = {int: "N", float: "X", float | None: "X", LossName: "NAME", MiningName | None: "NAME"}

EXAMPLE = """example:
  semblance train scans/ --labels labels.csv -o model.safetensors
  semblance train scans/ --labels labels.csv --loss contrastive --epochs 50 -o model.safetensors
  semblance index scans/ -o scans.index --by deep --weights model.safetensors

labels.csv: a header, a column path (relative to the folder), a column label (several joined by ;
are a class of their own), and, if there are, patient (or group) and split (train, val or test). No
patient stands on both sides of the validation, and images of the test are never read.

--path-column and --label-column name the two if the table calls them otherwise.

A run that was interrupted goes on with --resume, from a checkpoint beside the output."""


@command(EXAMPLE)
@argument("folder", type=place, metavar="FOLDER", help="a folder of images")
@label_options
@option("-o", "--output", type=place, required=True, metavar="FILE", help="the weights, FILE.safetensors")
@option("--from", "start", default="bundled", metavar="X", help="bundled, scratch, or FILE [bundled]")
@option("--window", metavar="W", help="lung, brain, bone, …, or centre,width, as for index [auto]")
@option("--jobs", type=positive, metavar="N", help="processes that decode [one a core]")
@option("--resume", is_flag=True, help="go on with a run that was interrupted")
@option("--curve", type=place, metavar="PNG", help="where loss and MAP@R are drawn [beside the weights]")
@option("--log", type=place, metavar="FILE", help="write a line of JSON for each epoch")
@option("--json", is_flag=True, help="print the summary as JSON")
@options(*field_options(TrainingSettings, "training", METAVARS, {LossName: f": {', '.join(TAKES)}"}))
@options(*field_options(Augmentation, "random views of the images", METAVARS, {}))
@quiet
@limit_options
def run(args: Arguments) -> int:
    """Train, say on stderr how it goes, and print the summary on stdout."""
    settings = TrainingSettings(**field_values(args, TrainingSettings))
    variation = Augmentation(**field_values(args, Augmentation))
    # Before anything that wants a part of it: who lacks torch must not be sent after matplotlib first.
    _require_torch()
    files = training_files(args.output, args.curve, args.log)
    check_places(files, args.resume)
    examples, sides, network = _prepared(args, settings)
    trained = _trained(args, files, settings, variation, (examples, sides, network))
    save(trained, files, card(args.start, settings, variation, trained, sides))
    draw_curve(trained, files)
    # The weights are written; a checkpoint that stays behind does no harm.
    with suppress(OSError):
        files.checkpoint.unlink(missing_ok=True)
    summary = summary_of(trained, sides, files)
    print(json.dumps(summary) if args.json else sentences(summary, args.folder))
    return 0


def _prepared(args: Arguments, settings: TrainingSettings) -> tuple[Examples, Split, Embedder]:
    """Look at the table, the files and the start weights, cheapest first; then decode and divide."""
    from deep.training.dataset import read_examples
    from deep.training.keep_copies_together import keep_copies_together
    from deep.training.labelled_files import labelled_files
    from deep.training.splits import split
    from deep.training.train import begin
    from retrieval.readers.window import Window

    window = None if args.window is None else Window.parse(args.window)
    labels = read_labels(args, [args.folder])
    if labels is None:
        raise SettingError("--labels: no labels to learn from; give a table, or --label-by folder")
    wanted = labelled_files(args.folder, labels, say)
    # Weights are read before images: a wrong file is found in a second, decoding takes minutes.
    network = begin(args.start, settings.seed)
    with ProgressBar("files", args.quiet) as progress:
        side = network.architecture.side
        examples = read_examples(wanted, side, window=window, jobs=args.jobs, progress=progress)
    examples = keep_copies_together(examples)
    for note in examples.notes[:SHOWN]:
        say(note)
    if len(examples.notes) > SHOWN:
        say(f"and {len(examples.notes) - SHOWN:,} more")
    sides = split(examples.labels, examples.groups, examples.splits, settings.validation, settings.seed)
    for note in sides.notes:
        say(note)
    n_training, n_held = len(sides.training), len(sides.validation)
    say(f"{n_training:,} images to learn from, {n_held:,} held out, {len(set(examples.labels))} classes")
    return examples, sides, network


def _trained(
    args: Arguments,
    files: TrainingFiles,
    settings: TrainingSettings,
    variation: Augmentation,
    given: tuple[Examples, Split, Embedder],
) -> Trained:
    from deep.training.train import train

    if args.resume and not files.checkpoint.exists():
        say(f"{files.checkpoint}: no checkpoint; begins at the start")
    tell = teller(files.log, settings.epochs)
    try:
        with ProgressBar("batches", args.quiet) as progress:
            return train(
                *given,
                settings,
                variation,
                checkpoint=files.checkpoint,
                resume=args.resume,
                report=tell,
                progress=progress,
            )
    # The checkpoint of the last epoch is on disk: say how to go on from it.
    except KeyboardInterrupt as stop:
        raise SemblanceError("interrupted; run the same command with --resume to go on") from stop


def _require_torch() -> None:
    from importlib.util import find_spec

    for name in ("torch", "safetensors"):
        if find_spec(name) is None:
            raise SettingError(f"training takes {name}; pip install 'semblance[deep]'")
