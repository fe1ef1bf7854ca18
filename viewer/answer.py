"""The answer to one query, as it is shown: the same for every form of output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.answers.enrichment import Findings
    from retrieval.answers.fusion import Vote
    from retrieval.answers.grouping import Case
    from retrieval.metadata.reference_table import Reference

Box = tuple[int, int, int, int]
"""x, y, width and height in pixels, as the command line writes them."""

XYWH = tuple[float, float, float, float]
"""The same as the command line reads them, or in millimetres."""

USUAL = ("patient", "study", "series")
"""The groups that files name, the widest first."""


@dataclass(frozen=True)
class Caption:
    """What is shown of one picture.

    Parameters
    ----------
    id : its name in the index, or the path that was given.
    label : its label, empty where there is none.
    group : what it belongs to: series, study, patient, and the columns of the label table.
    """

    id: str
    label: str = ""
    group: Mapping[str, str] = field(default_factory=dict)

    @property
    def closest(self) -> dict[str, str]:
        """Return what people want to see of the groups: the patient, else the study, else the series."""
        usual = next((key for key in USUAL if key in self.group), None)
        return {key: value for key, value in self.group.items() if key == usual or key not in USUAL}


@dataclass(frozen=True)
class Row:
    """One line of an answer: a picture with its rank (from 1), its score, and its box and case if known.

    ``proof`` is how many local matches within the box agree in space; ``votes`` are those of the
    representations of a fused answer.
    """

    caption: Caption
    rank: int
    score: float
    box: Box | None = None
    case: Case | None = None
    proof: int | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The query and its ranked pictures, best first.

    Parameters
    ----------
    query : the query.
    by : the representation that ranked, or several joined by ``+``.
    rows : best first.
    findings : what the matching cases have in common, where that was asked for.
    references : what a table says of the labels that were found.
    """

    query: Caption
    by: str
    rows: tuple[Row, ...]
    findings: Findings | None = None
    references: tuple[Reference, ...] = ()

    def same_label(self, row: Row) -> bool | None:
        """Tell whether a row shares a label with the query; None where either has none."""
        wanted, found = labels(self.query.label), labels(row.caption.label)
        return bool(wanted & found) if wanted and found else None


def labels(text: str) -> set[str]:
    """Split a label column: several labels are joined by ``;``."""
    return {part.strip() for part in text.split(";") if part.strip()}


def printable(text: str) -> str:
    """Return text that is safe on a terminal: control characters and half characters become escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
