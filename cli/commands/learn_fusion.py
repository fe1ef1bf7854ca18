"""``semblance learn-fusion``: learn from labels how much each representation counts when they are fused."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from viewer.safe_text import counted, printable

from ..options.argument_types import place
from ..options.command import command
from ..options.completion import complete_representation
from ..options.label_flags import class_options, label_table, not_same
from ..options.parameters import Arguments, argument, option

if TYPE_CHECKING:
    from retrieval.index.catalogue.learned_fusions import LearntFusion

EXAMPLE = """example:
  semblance learn-fusion scans.index --by superpixel --by deep
  semblance learn-fusion scans.index --by superpixel --by deep --labels labels.csv --where "split = 'train'"
  semblance query scans.index ct/12.dcm --by superpixel --by deep

Labelled images ask, up to 300 drawn at random, those of their own patient (or group) left out; the
weights are those whose weighted sum of normalised scores has the best mean average precision. They are
kept in the index for just these representations, until one of them is fitted anew.

The trial learns from half of the groups and lets the other half ask: it says how well the weights do
for images that they were not learnt from. With a learnt metric among the representations, images find
only those that it has not learnt from either: what it was taught would raise its weight. Unless the
weights do worse than the rule that the index fuses by without them (z), queries by just these
representations that name no --fusion are fused by them from then on."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@option(
    "--by",
    shell_complete=complete_representation,
    multiple=True,
    required=True,
    metavar="NAME",
    help="a representation; give two or more",
)
@class_options
@not_same
@option("--where", metavar="EXPR", help="learn only from images whose metadata fit an expression")
@option("--seed", type=int, default=0, metavar="N", help="of what is drawn at random [0]")
@option("--json", is_flag=True, help="print what was learnt as JSON")
def run(args: Arguments) -> int:
    """Learn, say on stderr what the trial found, and print the weights on stdout."""
    from retrieval.evaluation import FusionOptions, learn_fusion

    labels = label_table(args.labels)
    # All of them, fused: weights mean something only for just these representations.
    options = FusionOptions(tuple(args.by), labels, args.label, args.not_same, args.where, args.seed)
    learnt = learn_fusion(args.index, options)
    print(printable(trial_note(learnt)), file=sys.stderr)
    weights = ", ".join(
        f"{name} {weight:.2f}" for name, weight in zip(learnt.by, learnt.weights, strict=True)
    )
    unproven = "; no trial shows them as good as fusion without them: ask for them by --fusion learnt"
    decided = "" if learnt.decides else unproven
    said = f"{printable(str(args.index))}: weights {weights}{decided}"
    print(json.dumps(asdict(learnt)) if args.json else said)
    return 0


def trial_note(learnt: LearntFusion) -> str:
    """Return how well the weights did in the trial."""
    n = f"learnt from {counted(learnt.n_queries, 'query')}"
    if not learnt.trial:
        return f"{n}; no trial: there are too few groups or images to hold some back"
    parts = ", ".join(f"{name} {100 * value:.1f}" for name, value in learnt.trial.items())
    return f"{n}; trial, {counted(learnt.n_trial, 'held-out query')}, mAP: {parts}"
