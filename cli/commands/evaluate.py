"""``semblance evaluate``: how well each representation retrieves, with intervals and paired tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrieval.errors import SettingError
from retrieval.evaluation.evaluation_options import FUSIONS
from retrieval.evaluation.protocols import PROTOCOLS
from viewer.notes import note_on_names
from viewer.safe_text import counted, does, first_few, printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.completion import complete_representation
from ..options.label_flags import class_options, label_table, not_same
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.evaluation import Evaluation, EvaluationOptions

EXAMPLE = """example:
  semblance evaluate scans.index
  semblance evaluate scans.index --labels labels.csv --by superpixel --by deep --not-same patient
  semblance evaluate scans.index --by superpixel --by deep --trec runs/ --json
  semblance evaluate scans.index --labels irma.csv --protocol irma

Every labelled image asks once, by its stored vector; right is what shares a label with it. Images
of the query's own patient (or group) are left out of its answer, and so is what has no label. Ways of
ranking are measured one by one, and those given apart also fused; --by A,B measures the fusion alone.

Intervals are 95 %, by bootstrap over patients (or groups). Differences are tested by randomisation of
paired differences, patient by patient, and corrected by Holm for all pairs. The weights of the fusion
'learnt' come from the queries of other patients than the one that asks.

--queries takes ids joined by commas, or a file with an id a line. --queries split: images whose
column split says test ask, and those that say train are found."""


def cutoffs(text: str) -> tuple[int, ...]:
    """Read depths joined by commas, in rising order."""
    try:
        numbers = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        numbers = (0,)
    # Also what is no number: both get the same answer.
    if min(numbers) < 1:
        raise click.BadParameter(f"{text!r}: give whole numbers above 0, joined by commas")
    return numbers


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@class_options
@option(
    "--by",
    shell_complete=complete_representation,
    multiple=True,
    metavar="NAME[,NAME]",
    help="a representation, or several fused; may be repeated [all, and their fusion]",
)
@option(
    "--fusion",
    multiple=True,
    choices=FUSIONS,
    metavar="RULE",
    help=f"{', '.join(FUSIONS)}; may be repeated [all]",
)
@not_same
@option(
    "--queries", metavar="IDS|split", help="ids, or a file with an id a line, or split [all with a label]"
)
@option("--where", metavar="EXPR", help="find only images whose metadata fit an expression")
@option("--protocol", choices=PROTOCOLS, metavar="NAME", help=f"a published one: {', '.join(PROTOCOLS)}")
@option("--hierarchy", metavar="SEP", help="labels are codes, whose levels this separates, such as /")
@option("--depth", type=int, metavar="N", help="how many levels must agree [all of the query's]")
@option("--cutoffs", type=cutoffs, default="1,5,10", metavar="K,…", help="of P, ACC and MV [1,5,10]")
@option("--blind", type=positive, metavar="N", help="rank again, the first N hits counted as liked")
@option("--no-baselines", is_flag=True, help="without random order, thumbnail and colour histogram")
@option("--no-leaks", is_flag=True, help="do not look for near-duplicates")
@option("--seed", type=int, default=0, metavar="N", help="of what is drawn at random [0]")
@option("--trec", type=place, metavar="FOLDER", help="write qrels and a run of each system there")
@option("--json", is_flag=True, excludes="form", help="print everything as JSON")
@option("--csv", is_flag=True, excludes="form", help="print a line for each system, measure and class")
@quiet
def run(args: Arguments) -> int:
    """Measure, say on stderr what was left out, and print the tables on stdout."""
    from retrieval.evaluation import evaluate
    from scale.shards.opening import open_index

    from ..output.evaluation_tables import as_csv, as_json, as_text

    options = _options(args)
    with open_index(args.index, must_be_whole=True) as index, ProgressBar("queries", args.quiet) as progress:
        found = evaluate(index, options, trec=args.trec, progress=progress)
        # A table of the evaluation's own is compared with what the index knows, of which it is no part.
        names = note_on_names(index, found.column) if args.labels is None else None
    # Runs and JSON name every image that asked.
    args.shown += found.queries
    # Fusions are named after all that they fuse.
    is_fused = any(" & " in name for name in found.values)
    alone = "--fusion changes nothing: there is one representation; give --by more than once"
    is_blind = any(name.endswith(f"blind {args.blind}") for name in found.values)
    plain = "--blind changes nothing: it is measured of no baseline; give another --by"
    for line in [
        *notes(found),
        *([names] if names else []),
        *([alone] if args.fusion and not is_fused else []),
        *([plain] if args.blind and not is_blind else []),
    ]:
        print(printable(line), file=sys.stderr)
    form = as_json if args.json else as_csv if args.csv else as_text
    sys.stdout.write(form(found))
    return 0


def _options(args: Arguments) -> EvaluationOptions:
    from retrieval.evaluation import EvaluationOptions

    return EvaluationOptions(
        by=args.by,
        fusion=tuple(dict.fromkeys(args.fusion)) if args.fusion else FUSIONS,
        labels=label_table(args.labels),
        label=args.label,
        hierarchy=args.hierarchy,
        depth=args.depth,
        not_same=args.not_same,
        queries=_queries(args.queries),
        where=args.where,
        protocol=args.protocol,
        cutoffs=args.cutoffs,
        blind=args.blind or 0,
        baselines=not args.no_baselines,
        has_leaks=not args.no_leaks,
        seed=args.seed,
    )


def _queries(text: str | None) -> Sequence[str] | str | None:
    # `split` is a word of the library: it asks by the column of that name.
    if text is None or text == "split":
        return text
    # A file of that name goes first; ids with commas can be put in one.
    if not Path(text).is_file():
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        # Editors on Windows write a mark at the start, which is no part of the first id.
        lines = Path(text).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"queries: {text}: cannot be read; give a text file with an id a line") from error
    return [line.strip() for line in lines if line.strip()]


def notes(found: Evaluation) -> list[str]:
    """Return what the user should know: how many asked, and what was left out."""
    n = len(found.queries)
    left_out = f"images of its own {found.column} are" if found.column else "only itself is"
    asked = f"{counted(n, 'query')} of {counted(len(set(found.classes)), 'class')}"
    lines = [f"{asked}, {counted(found.n_database, 'image')} to find; for each query {left_out} left out"]
    if found.n_measured < n:
        n -= found.n_measured
        asked = f"{counted(n, 'query')} {does(n, 'have')}"
        lines.append(f"{asked} no right answer to find, and {does(n, 'count')} nowhere")
    if found.n_unlabelled:
        n = found.n_unlabelled
        lines.append(
            f"{counted(n, 'image')} {does(n, 'have')} no label, and {does(n, 'were')} neither asked nor found"
        )
    if found.unmatched:
        some = f"{counted(len(found.unmatched), 'row')} of the table {does(len(found.unmatched), 'name')}"
        lines.append(f"{some} no image: {first_few(found.unmatched)}")
    if found.ties:
        shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in found.ties.items())
        lines.append(f"scores that tie: {shares}; measures are means over the orders of tied hits")
    if found.knowing:
        rise = "; mAP, MAP@R and bpref rise by labels that mean nothing, too" if found.main == "mAP" else ""
        # A fusion is told by what it fuses.
        learnt = [name for name in found.knowing if " & " not in name] or list(found.knowing)
        lines.append(
            f"learnt from labels of the images to find, if never from the query's: {first_few(learnt)}{rise}"
            f"; pairs are compared by {found.compared_by}"
        )
    if found.leaks:
        # Near-duplicates in the database make any system look good: they are named, not hidden.
        n_leaking = len({leak.query for leak in found.leaks})
        lines.append(
            f"{counted(n_leaking, 'query')} {does(n_leaking, 'have')} a near-duplicate to find "
            f"({found.leaks[0].query} and {found.leaks[0].found}, …); the column 'clean' leaves them out"
        )
    if found.n_joined:
        n = found.n_joined
        some = f"{counted(n, found.column or 'image')} {does(n, 'share')} one with another, and"
        lines.append(f"near-duplicates: {some} {does(n, 'count')} as one in intervals and tests")
    return lines
