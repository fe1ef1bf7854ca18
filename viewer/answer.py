"""The answer to one query, as it is shown: the same for every form of output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from retrieval.metadata.groups import NAMED_IN_FILES

if TYPE_CHECKING:
    from retrieval.answers.enrichment import Findings
    from retrieval.answers.fusion import Vote
    from retrieval.answers.grouping import Case
    from retrieval.index import Hit, Index
    from retrieval.metadata.reference_table import Reference

Box = tuple[int, int, int, int]
"""x, y, width and height in pixels, as the command line writes them."""

Affine = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f of x' = a x + b y + c, y' = d x + e y + f."""

XYWH = tuple[float, float, float, float]
"""The same as the command line reads them, or in millimetres."""


@dataclass(frozen=True)
class Caption:
    """The text shown with one image.

    Parameters
    ----------
    id : its name in the index, or the path that was given.
    label : its label, empty if it has none.
    group : what it belongs to: series, study, patient, and the columns of the label table.
    """

    id: str
    label: str = ""
    group: Mapping[str, str] = field(default_factory=dict)

    @property
    def closest(self) -> dict[str, str]:
        """Return the groups that are shown: the patient, else the study, else the series, and all columns."""
        # A patient has studies, and a study has series: the widest group says what two images share.
        usual = next((key for key in NAMED_IN_FILES if key in self.group), None)
        return {key: value for key, value in self.group.items() if key == usual or key not in NAMED_IN_FILES}


@dataclass(frozen=True)
class SliceImage:
    """One slice of a volume: of the query, or the one of a hit that matches it.

    Parameters
    ----------
    id : its name.
    image : encoded (JPEG, PNG or WebP); empty if there is none.
    score : of a hit's slice, its similarity to the query's slice; None for the query's own.
    """

    id: str
    image: bytes = b""
    score: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of an answer: an image with its rank (from 1), its score, and its box and case if known.

    Parameters
    ----------
    inliers : how many local matches within the box agree in space; None if no box is known.
    transform : takes x, y of the query to a x + b y + c, d x + e y + f of the hit, in pixels from the upper
        left corner; None if no local matches agree.
    votes : those of the representations of a fused answer.
    image : the encoded image (JPEG, PNG or WebP) that pages and sheets show; empty if there is none.
    slices : of a volume, the slices that match ``Answer.slices``, in their order.
    extent : of a mark that was followed through slices, the first and last slice of the image's stack that
        score like it.
    """

    caption: Caption
    rank: int
    score: float
    box: Box | None = None
    case: Case | None = None
    inliers: int | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)
    image: bytes = b""
    slices: tuple[SliceImage, ...] = ()
    transform: Affine | None = None
    extent: tuple[str, str] | None = None


@dataclass(frozen=True)
class Answer:
    """The query and its ranked images, best first.

    Parameters
    ----------
    query : the query.
    by : the representation that ranked, or several joined by ``+``.
    rows : best first.
    findings : what the matching cases have in common, if that was asked for.
    references : what a table says about the labels that were found.
    image : the query, encoded as in ``Row``.
    slices : of a volume, a few of its slices in their order.
    lacking : which images were not asked, because their shard was away; empty if all were.
    """

    query: Caption
    by: str
    rows: tuple[Row, ...]
    findings: Findings | None = None
    references: tuple[Reference, ...] = ()
    image: bytes = b""
    slices: tuple[SliceImage, ...] = ()
    lacking: str = ""

    def same_label(self, row: Row) -> bool | None:
        """Tell whether a row shares a label with the query; None if either has none."""
        # An unlabelled image may well show the same: it is neither right nor wrong.
        wanted, found = labels(self.query.label), labels(row.caption.label)
        return bool(wanted & found) if wanted and found else None


def caption_of(index: Index, id: str, column: str | None = None) -> Caption:
    """Return the text shown with an indexed image; ``column`` is one more that is shown among its groups."""
    entry = index.picture(id)
    group = dict(entry.groups)
    if column is not None and column in entry.metadata:
        group[column] = str(entry.metadata[column])
    return Caption(id, ";".join(entry.labels), group)


def row_of(index: Index, hit: Hit, column: str | None = None) -> Row:
    """Return a hit as it is shown, without its image."""
    caption = caption_of(index, hit.id, column)
    row = Row(caption, hit.rank, hit.score, _xywh(hit.box), hit.case, hit.n_inliers, hit.votes)
    return replace(row, transform=None if hit.transform is None else _affine(*hit.transform))


def _xywh(box: tuple[float, float, float, float] | None) -> Box | None:
    """Return a box of (row, col, height, width) as x, y, width, height."""
    if box is None:
        return None
    row, col, height, width = box
    # Whole pixels: no verification finds a box more exactly.
    return round(col), round(row), round(width), round(height)


def _affine(a: float, b: float, c: float, d: float) -> Affine:
    """Return a similarity of (row, col), counted from the centre of the first pixel, as one of x, y."""
    # With row = y - 1/2 and col = x - 1/2 on both sides.
    return a, -b, d + (1 - a + b) / 2, b, a, c + (1 - a - b) / 2


def labels(text: str) -> set[str]:
    """Split a label column: several labels are joined by ``;``."""
    return {part.strip() for part in text.split(";") if part.strip()}
