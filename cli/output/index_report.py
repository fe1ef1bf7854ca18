"""What a run of ``semblance index`` says: skipped files, counts, advice, and the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer.safe_text import counted, csv_text, first_few, printable

if TYPE_CHECKING:
    from retrieval.index.order import IndexState
    from retrieval.index.writer import LabelReport, UpdateReport

SHOWN = 20
"""How many skipped files are listed."""


ABOUT_CT = (
    "CT images are shown by the window that each file brings (auto), in which lungs are often black; "
    "for lungs make an index with --window lung"
)


def notes(
    report: UpdateReport, seconds: float, everything: Path | None = None, is_labelled_by_folder: bool = False
) -> list[str]:
    """Return the lines of the final report: skipped files, counts, advice, and the time it took.

    ``everything`` is the file that has all skipped files; labels by folder name files that are no images,
    of which nothing is said.
    """
    # Files that the user took out are no failures: they are counted, not listed.
    withdrawn = set(report.withdrawn)
    skipped = [(name, reason) for name, reason in report.skipped if name not in withdrawn]
    lines = [f"skipped {printable(_reason(name, reason))}" for name, reason in skipped[:SHOWN]]
    # A folder of videos must not push the counts off the screen.
    more = len(skipped) - SHOWN
    if more > 0:
        where = f"all in {everything}" if everything else "write them all with --skipped FILE"
        lines.append(f"and {more:,} more; {where}")
    counts = f"{report.added:,} added, {report.changed:,} changed, {report.removed:,} removed"
    lines.append(f"files: {counts}, {report.unchanged:,} unchanged, {len(skipped):,} skipped")
    if withdrawn:
        lines.append(f"{len(withdrawn):,} that were removed from the index stay out until their file changes")
    # A run that found nothing new has no rate.
    if report.pictures and seconds > 0:
        rate = report.pictures / seconds
        lines.append(f"{counted(report.pictures, 'image')} encoded in {seconds:.1f} s, {rate:.1f} images/s")
    return [*lines, *_about_labels(report.labels, is_labelled_by_folder), *map(printable, report.notes)]


def _about_labels(labels: LabelReport | None, is_by_folder: bool) -> list[str]:
    """Say what did not fit in the label table."""
    if labels is None:
        return []
    lines = []
    if n := labels.n_unlabelled:
        lines.append(f"{counted(n, 'image')} {'has' if n == 1 else 'have'} no label")
    if labels.unmatched and not is_by_folder:
        first = first_few(labels.unmatched)
        lines.append(f"{len(labels.unmatched):,} of {labels.n_rows:,} labels name no image: {first}")
        # All rows fail for one reason, most often: paths that start at another folder.
        if len(labels.unmatched) == labels.n_rows:
            lines.append(
                "paths of labels are relative to the folder that is indexed, with / between the parts"
            )
    return lines


def _reason(name: str, reason: str) -> str:
    # Readers begin with the file's name, others do not.
    return reason if reason.startswith(name) else f"{name}: {reason}"


def sentence(state: IndexState) -> str:
    """Return what the index holds now, in one line."""
    by = ", ".join(state.representations)
    return f"{printable(str(state.output))}: {counted(state.n_pictures, 'image')}, ranked by {by}"


def timing_lines(report: UpdateReport) -> list[str]:
    """Return where the seconds went: those of stages that take turns, and those of the worker processes."""
    shown = {"seconds": report.timings.stages, "seconds of the workers": report.timings.workers}
    return [
        f"{whose}: {', '.join(f'{stage} {seconds:.2f}' for stage, seconds in spent.items())}"
        for whose, spent in shown.items()
        if spent
    ]


def summary(state: IndexState, seconds: float) -> dict[str, Any]:
    """Return what was done and what the index holds now, as JSON has it."""
    report = state.report
    return {
        "pictures": state.n_pictures,
        "representations": list(state.representations),
        "encoded": report.pictures,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "skipped": [{"id": name, "reason": reason} for name, reason in report.skipped],
        "notes": list(report.notes),
        "seconds": round(seconds, 3),
        "timings": {
            "stages": _rounded(report.timings.stages),
            "workers": _rounded(report.timings.workers),
        },
    }


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(one, 3) for stage, one in seconds.items()}


def skipped_csv(skipped: Sequence[tuple[str, str]]) -> str:
    """Write a line for each skipped file: its name, and why."""
    return csv_text([("id", "reason"), *skipped])
