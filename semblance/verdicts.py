"""What an index says besides hits, as tables: classifications, findings, and evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrieval import evaluation
from retrieval.answers import enrichment, knn
from retrieval.answers.duplicate_groups import Copies
from viewer.findings import HEAD, copies_notes, finding_row, line, notice, verdict
from viewer.report_table import ReportTable, table_html
from viewer.safe_text import printable

from .table import Table


@dataclass(frozen=True)
class Classification(knn.Classification, Table):
    """What an image is called after the images that look like it; ``query`` is that image.

    It has ``label`` (None for "don't know"), ``confidence``, ``votes``, ``doubt`` and ``neighbours``.
    ``lacking`` says which images were not asked, because their shard was away; empty if all were.
    """

    query: str = ""
    lacking: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """Return one row, with the columns that the command line's CSV has."""
        votes = ";".join(f"{label}={share:.4f}" for label, share in self.votes.items())
        best = None if self.best is None else self.votes[self.best]
        about = {"query": self.query, "label": self.label, "confidence": self.confidence}
        return [{**about, "best": self.best, "share": best, "doubt": self.doubt, "votes": votes}]

    def _repr_html_(self) -> str:
        sure = "" if self.confidence is None else f", confidence {self.confidence:.2f}"
        # Why there is no label, where there is none.
        said = self.label or f"don't know ({self.doubt})"
        lines = [(printable(label), f"{share:.2f}") for label, share in self.votes.items()]
        caption = printable(f"{self.query}: {said}{sure}") + _notes(self.copies, self.lacking)
        return table_html(ReportTable(caption, ("label", "share of the votes"), lines))


@dataclass(frozen=True)
class Findings(enrichment.Findings, Table):
    """The labels that matching cases have in common, the least probable first; ``query`` is what was asked.

    It has ``labels``, those that are ``significant`` among them, ``verdict`` and ``is_unlike``, and
    ``lacking`` as a classification has it.
    """

    query: str = ""
    lacking: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each label, with the keys that the command line's JSON has."""
        return [{"query": self.query, **finding_row(one, self, is_flat=True)} for one in self.labels]

    def _repr_html_(self) -> str:
        caption = printable(f"{self.query}: {verdict(self)}") + (f" {notice(self)}" if self.is_unlike else "")
        caption += _notes(self.copies, self.lacking)
        lines = [tuple(map(printable, line(one, self))) for one in self.labels]
        return table_html(ReportTable(caption, HEAD, lines))


class Evaluation(evaluation.Evaluation, Table):
    """How well each representation retrieves; see ``retrieval.evaluation.Evaluation``."""

    def _repr_html_(self) -> str:
        # All queries together: classes are in `rows`.
        rows = [row for row in self.rows() if not row["class"]]
        lines = [(row["system"], row["measure"], *map(_percent, _means(row))) for row in rows]
        caption = f"{self.n_measured:,} queries, {self.n_database:,} images to find, in percent"
        head = ("by", "measure", "mean", "from", "to (95 %)", "macro")
        return table_html(ReportTable(caption, head, lines))


def _means(row: dict[str, Any]) -> tuple[float, ...]:
    return tuple(row[key] for key in ("mean", "low", "high", "macro"))


def _percent(value: float) -> str:
    # NaN is the one value that is not equal to itself: nothing could be measured.
    return f"{100 * value:.1f}" if value == value else "-"


def _notes(copies: Copies, lacking: str) -> str:
    return "".join(
        f"; {note}" for note in [*copies_notes(copies), *([printable(lacking)] if lacking else [])]
    )
