"""``semblance learn-metric``: learn from labels which differences count, on the vectors of an index."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from retrieval.errors import OptionError
from retrieval.metric_learning import METHODS
from viewer.queries.query import default_by
from viewer.safe_text import counted, does, first_few, printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.completion import complete_column, complete_representation
from ..options.label_flags import known_labels, label_table
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.index.writer import MetricOptions, MetricReport
    from retrieval.metric_learning import CrossValidation

EXAMPLE = """example:
  semblance learn-metric scans.index --by superpixel
  semblance learn-metric scans.index --by superpixel --labels labels.csv --where "split = 'train'"
  semblance query scans.index ct/12.dcm --by superpixel+nca
  semblance learn-metric scans.index --drop superpixel+nca

What is learnt is a representation of its own, called as the one it was learnt on, a +, and the method
(or --name). No image is read again; later runs of `semblance index` derive the vectors of new
images. When `--refit` lets the base learn again, the metric is dropped, and is to be learnt again.

Without --labels the labels count that the index has. An image of several labels (joined by ;) belongs
to the class of all of them together. Classes with one image are left out.

The trial at the end learns on two thirds of the groups (patients) and lets the other third ask, thrice:
it says how well the metric does for images that it has not seen. If it shows a gain, queries that name
no representation are answered by the metric in place of its base; if it shows neither gain nor loss, by
both; if it shows a loss, by the base alone, and the metric is asked by its name."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@option(
    "--by",
    shell_complete=complete_representation,
    metavar="NAME",
    excludes="what",
    help="the representation whose vectors it is learnt on [the first of the index]",
)
@option(
    "--drop",
    shell_complete=complete_representation,
    metavar="NAME",
    excludes="what",
    help="take a learnt metric out of the index instead",
)
@known_labels
@option(
    "--method",
    choices=list(METHODS),
    default="nca",
    metavar="NAME",
    help="; ".join(f"{name}: {meaning}" for name, meaning in METHODS.items()) + " [nca]",
)
@option("--components", type=positive, metavar="N", help="principal axes [96, or 0.9 of the images if fewer]")
@option("--shrinkage", type=float, default=0.1, metavar="X", help="of the covariance within classes [0.1]")
@option("--where", metavar="EXPR", help="learn only from images whose metadata fit an expression")
@option(
    "--not-same",
    shell_complete=complete_column,
    metavar="X",
    help="what the trial keeps together [patient, else group, study, series, slide]",
)
@option("--name", metavar="NAME", help="what is put behind the + [the method]")
@option("--seed", type=int, default=0, metavar="N", help="of what is drawn at random [0]")
@option(
    "--blend", type=float, metavar="X", help="weight of its base beside it [the best for held-out images]"
)
@option("--no-trial", is_flag=True, help="do not measure whether it helps")
@option("--json", is_flag=True, help="print the summary as JSON")
@quiet
def run(args: Arguments) -> int:
    """Learn, say on stderr of what and how well it does, and print a summary on stdout."""
    from retrieval.index.writer import IndexWriter

    if args.drop is not None:
        _check_drops_alone(args)
        with IndexWriter.open(args.index) as index:
            index.drop_metric(args.drop)
        said = f"{printable(str(args.index))}: {printable(args.drop)} dropped"
        print(json.dumps({"dropped": [args.drop]}) if args.json else said)
        return 0
    with IndexWriter.open(args.index) as index, ProgressBar("steps", args.quiet) as progress:
        report = index.learn_metric(_options(args, _base(index, args.by)), progress=progress)
        # Said every time: a metric changes what a plain query answers, and nobody expects that.
        answering = index.default_representations
    for line in [*notes(report, not args.no_trial), note_on_default(answering, report.name)]:
        print(printable(line), file=sys.stderr)
    print(json.dumps(_summary(report)) if args.json else _sentence(args, report))
    return 0


def _check_drops_alone(args: Arguments) -> None:
    """Raise OptionError for an option of learning beside ``--drop``: it would be passed over."""
    learning = ("labels", "components", "where", "not_same", "name", "blend", "no_trial")
    usual = {"method": "nca", "shrinkage": 0.1, "seed": 0, **dict.fromkeys(learning)}
    if given := [name for name, value in usual.items() if getattr(args, name) not in (value, False)]:
        raise OptionError("does not go with --drop; leave one of the two out", given[0])


def _base(index: Index, by: str | None) -> str:
    """Return the representation to learn on: the one named, else the first that is no metric itself."""
    return by or next((name for name in index.representations if "+" not in name), "") or default_by(index)


def note_on_default(answering: Sequence[str], learnt: str) -> str:
    """Return the line that says which representations answer a query without ``--by`` from now on."""
    alone = "" if list(answering) == [learnt] else f"; --by {learnt} asks the metric alone"
    return f"queries without --by are now answered by {', '.join(answering)}{alone}"


def _options(args: Arguments, by: str) -> MetricOptions:
    from retrieval.index.writer import MetricOptions
    from retrieval.metric_learning import MetricLearner

    learner = MetricLearner(args.method, args.components, args.shrinkage, args.seed)
    labels = label_table(args.labels)
    return MetricOptions(
        *(by, learner, labels, args.where, args.not_same, args.name),
        has_trial=not args.no_trial,
        blend=args.blend,
    )


def notes(report: MetricReport, has_trial: bool) -> list[str]:
    """Return what the user should know: what was learnt from, what was left out, and what the trial found."""
    # Eight classes fit on a line; more are for --json.
    counts = ", ".join(f"{name} {n:,}" for name, n in list(report.classes.items())[:8])
    more = ", …" if len(report.classes) > 8 else ""
    n = sum(report.classes.values())
    lines = [f"learnt from {counted(n, 'image')} of {len(report.classes)} classes: {counts}{more}"]
    if report.left_out:
        lines.append(f"left out, for a class needs two images: {first_few(report.left_out, 5)}")
    if report.n_unlabelled:
        n = report.n_unlabelled
        some = f"{counted(n, 'image')} {does(n, 'have')} no label"
        lines.append(f"{some} and {does(n, 'were')} not learnt from")
    if report.unmatched:
        n = len(report.unmatched)
        lines.append(f"{counted(n, 'label')} {does(n, 'name')} no image: {first_few(report.unmatched)}")
    if report.n_joined:
        n = report.n_joined
        copies = f"{counted(n, report.group or 'image')} {does(n, 'share')}"
        lines.append(f"near-duplicates: {copies} one with another, kept on one side")
    if not report.is_new:
        lines.append(f"{report.name} was there and is replaced")
    lines.append(_blend_note(report))
    return [*lines, *([_trial_note(report.trial, report.group)] if has_trial else [])]


def _blend_note(report: MetricReport) -> str:
    # Always said: two metrics of the same labels answer differently if one is blended and one is not.
    blend, base = report.blend, report.name.partition("+")[0]
    if not blend.weight:
        return f"ranks alone, without {base}"
    fixed = "the factor is that for so few labels a class, or of --blend"
    why = "the factor was the best of six for held-out images" if blend.is_chosen else fixed
    return f"ranks by z(metric) + {blend.factor:g} z({base}); {why}"


def _trial_note(trial: CrossValidation | None, group: str | None) -> str:
    if trial is None:
        return "no trial: there are too few groups or images to hold some back"
    low, high = (100 * value for value in trial.gain)
    apart = f"no {group} on both sides" if group else "no groups are known, each image counts alone"
    # An interval that holds 0 shows nothing, however large the mean gain is.
    verdict = "" if low > 0 else "; it does not help here" if high < 0 else "; that it helps is not shown"
    return (
        f"trial, {trial.n_queries:,} held-out images ask each other ({apart}): "
        f"mAP {100 * trial.map_before:.1f} before, {100 * trial.map_after:.1f} with the metric "
        f"(gain {low:+.1f} to {high:+.1f}, 95 %), "
        f"P@1 {100 * trial.p1_before:.1f} before, {100 * trial.p1_after:.1f}{verdict}"
    )


def _sentence(args: Arguments, report: MetricReport) -> str:
    return f"{printable(str(args.index))}: {report.name} learnt, {report.dimension} numbers an image"


def _summary(report: MetricReport) -> dict[str, Any]:
    return {**asdict(report), "trial": None if report.trial is None else report.trial.account}
