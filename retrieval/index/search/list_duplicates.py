"""The groups of near-duplicates of an index, and which of them are of several patients."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ...answers.duplicate_groups import joined
from ...metadata.groups import PEOPLE
from ..progress import Progress, silent
from ..storage.annotations import Annotations
from ..storage.near_duplicates import near_duplicates
from ..storage.snapshot import Snapshot


@dataclass(frozen=True)
class Duplicate:
    """One image of a group of near-duplicates.

    Parameters
    ----------
    id : its name in the index.
    likeness : how much its fine structure correlates with that of the nearest other of the group, in [0, 1].
    case : its patient, or group; empty if none is known.
    label : its label, several joined by ``;``; empty if it has none.
    """

    id: str
    likeness: float
    case: str = ""
    label: str = ""


@dataclass(frozen=True)
class DuplicateGroup:
    """Images that are near-duplicates of each other, in the order of their names.

    Parameters
    ----------
    column : what ``case`` of the images is: ``patient`` or ``group``; None if images have neither.
    is_across : the images are of more than one patient, as far as it is known.
    """

    images: tuple[Duplicate, ...]
    column: str | None
    is_across: bool


def list_duplicates(snapshot: Snapshot, progress: Progress = silent) -> list[DuplicateGroup]:
    """Return all groups of near-duplicates, those across patients first, then by the first image's name.

    A chain of pairs is one group, so that two of its images may be less alike than a pair must be.
    """
    pairs = near_duplicates(snapshot).pairs(
        range(len(snapshot)), lambda done, total: progress("look", done, total)
    )
    likeness: dict[int, float] = defaultdict(float)
    for pair in pairs:
        for position in (pair.one, pair.other):
            likeness[position] = max(likeness[position], pair.likeness)
    numbers = joined(range(len(snapshot)), [(pair.one, pair.other) for pair in pairs]).tolist()
    members: dict[int, list[int]] = defaultdict(list)
    for position in sorted(likeness):
        members[numbers[position]].append(position)
    made = _groups(snapshot, list(members.values()), likeness)
    # The ones that matter most: one person under two names.
    return sorted(made, key=lambda group: (not group.is_across, group.images[0].id))


def _groups(snapshot: Snapshot, members: list[list[int]], likeness: dict[int, float]) -> list[DuplicateGroup]:
    annotations = Annotations(snapshot)
    column, owners = annotations.groups(None)
    if column not in PEOPLE:  # a copy in another series may be of the same patient
        column = None
    cells = [()] * len(snapshot) if column is None else annotations.values(column)
    labels = annotations.labels
    return [
        DuplicateGroup(
            tuple(
                Duplicate(
                    snapshot.names[one],
                    likeness[one],
                    str(cells[one][0]) if cells[one] else "",
                    ";".join(labels[one]),
                )
                for one in group
            ),
            column,
            # An image of nobody known may be of anyone: it makes no group one of several patients.
            len({owners[one] for one in group if cells[one]}) > 1,
        )
        for group in members
    ]
