"""``semblance learn-profile``: learn from reports what images that look alike have."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from viewer.files import check_place, write_text
from viewer.queries.query import default_by
from viewer.safe_text import counted, csv_text, does, first_few, printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.completion import complete_column, complete_representation
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index.update.learn_profile import ProfileReport
    from retrieval.metric_learning.semantics import Association

EXAMPLE = """example:
  semblance learn-profile scans.index --by deep --reports reports.csv
  semblance learn-profile scans.index --by deep --reports reports.csv --text findings --terms terms.csv
  semblance query scans.index ct/12.dcm --by deep+profile
  semblance query scans.index --term emphysema
  semblance learn-metric scans.index --drop deep+profile

REPORTS names images in a column path, file or image, and has their text in columns such as report,
findings or diagnosis. TERMS has the columns term and pattern, a regular expression; without it 42 findings
are looked for, in English and German. What a sentence denies is not found.

Images are clustered by their vectors alone; each cluster has the log-odds of each term in its reports against
those of all, patients counted once and few of them shrunk towards 0; an image has those of the clusters that
it is near. That is a representation of its own; later runs of `semblance index` derive it for new images.
Of the reports the index keeps the names of terms and these numbers, and no text. Later runs of
`semblance index` say if the tables have changed, and `semblance index --remake` learns it again.

Printed are the cells of clusters and terms that are commoner than chance: exact tests by patient, corrected
by Holm for all cells. Reports that have nothing to do with looks give one in twenty runs any."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@option(
    "--by",
    shell_complete=complete_representation,
    metavar="NAME",
    help="the representation whose vectors are clustered [the first of the index]",
)
@option("--reports", type=place, required=True, metavar="CSV", help="a table of reports")
@option("--text", multiple=True, metavar="COLUMN", help="read this column as text; may be given again")
@option("--terms", type=place, metavar="CSV", help="a table of terms and patterns [42 findings]")
@option("--found", type=place, metavar="CSV", help="write the terms of each image, as a table of labels")
@option("--clusters", type=positive, metavar="N", help="of each clustering [a 16th of the images, 4 to 64]")
@option("--where", metavar="EXPR", help="learn only from images whose metadata fit an expression")
@option(
    "--not-same",
    shell_complete=complete_column,
    metavar="X",
    help="images that share it are one patient [patient, else group, study, series, slide]",
)
@option("--name", default="profile", metavar="NAME", help="what is put behind the + [profile]")
@option("--seed", type=int, default=0, metavar="N", help="of what is drawn at random [0]")
@option("--json", is_flag=True, help="print the summary as JSON")
@quiet
def run(args: Arguments) -> int:
    """Learn, say on stderr of what, and print the cells beyond chance on stdout."""
    from retrieval.index.storage.annotations import by_ids
    from retrieval.index.update.profile_options import ProfileOptions
    from retrieval.index.writer import IndexWriter
    from retrieval.metadata.reports import ReportFiles
    from retrieval.metric_learning.semantics import ProfileLearner

    if args.found is not None:
        check_place(args.found)
    # Both tables are read before the index is locked: a slip in one of them costs nothing then.
    files = ReportFiles.at(args.reports, args.terms, args.text or ())
    reports, terms = files.read()
    learner = ProfileLearner(args.clusters, seed=args.seed)
    with IndexWriter.open(args.index) as index, ProgressBar("steps", args.quiet) as progress:
        # A metric or another profile is no base: its vectors say what labels or reports taught it.
        by = args.by or next((n for n in index.representations if "+" not in n), "") or default_by(index)
        options = ProfileOptions(by, reports, terms, learner, args.where, args.not_same, args.name, files)
        report = index.learn_profile(options, progress=progress)
        # What is written is called as the index calls it: by pseudonyms, if it hides names.
        named = index.ask(lambda snapshot: by_ids(reports, snapshot))
    if args.found is not None:
        # As a table of labels: what was found in text is looked into with the tools for labels.
        rows = [(path, ";".join(row.labels)) for path, row in named.rows.items()]
        write_text(csv_text([("path", "label"), *rows]), args.found)
    for line in notes(report):
        print(printable(line), file=sys.stderr)
    if args.json:
        print(json.dumps(asdict(report)))
        return 0
    for line in table(report):
        print(printable(line))
    return 0


def notes(report: ProfileReport) -> Iterator[str]:
    """Yield what the user should know: what was learnt from, and what was left out."""
    cases = counted(report.n_patients, report.group) if report.group else "each counted alone"
    yield f"{report.name} learnt from {counted(report.n_images, 'image')} with a report, {cases}"
    yield f"terms: {', '.join(f'{name} {n:,}' for name, n in report.terms.items())}"
    # Named, because a term that somebody looks for and that is missing looks like a fault.
    if report.left_out:
        yield f"left out, affirmed of fewer than five patients: {', '.join(report.left_out)}"
    if report.unmatched:
        n = len(report.unmatched)
        yield f"{counted(n, 'report')} {does(n, 'name')} no image: {first_few(report.unmatched)}"
    if not report.has_folds:
        yield "too few patients for folds: `semblance evaluate` cannot tell how well it does"
    if not report.is_new:
        yield f"{report.name} was there and is replaced"


def table(report: ProfileReport) -> Iterator[str]:
    """Yield the lines of the cells beyond chance, and one that says how many were tested."""
    for one in report.associations:
        yield _line(one)
    # Said of none as well: a table without lines would look like a command that failed.
    n = len(report.associations)
    yield f"{n:,} of {report.n_cells:,} cells of clusters and terms are beyond chance (p ≤ 0.05 by Holm)"


def _line(one: Association) -> str:
    share = f"{one.found} of {one.size} patients, {one.labelled} of {one.total} in all"
    examples = f"; {', '.join(one.examples)}" if one.examples else ""
    return f"cluster {one.cluster}: {one.term}, {share}, p {one.adjusted:.2g}{examples}"
