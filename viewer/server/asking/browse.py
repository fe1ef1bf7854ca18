"""Browsing: the images of an index as lists, in groups, and by what their columns hold."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import OptionError
from retrieval.index import Entry
from retrieval.index.storage.annotations import Annotations
from retrieval.index.storage.snapshot import Snapshot
from retrieval.metadata.condition_tree import plain

from ..opened import Opened

MOST_ITEMS = 200
"""Of a page of a list."""
_MOST_VALUES = 50
_MARK = "#"
"""Between the name of a file and the number of its frame."""
_UNLISTED = {"id", "source", "normal", "any_issuer"}
"""Columns that have another value in every image, or mean nothing to a reader."""

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """The images that share a value: how many, the middle one, and their labels."""

    value: str
    count: int
    cover: Entry
    labels: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Listed:
    """A part of a list, how long the whole list is, and where the next part begins, None at the end."""

    entries: tuple[Entry, ...] = ()
    groups: tuple[Group, ...] = ()
    total: int = 0
    next: str | None = None


@dataclass(frozen=True)
class ColumnValues:
    """A column, its commonest values with their counts, and how many values there are."""

    name: str
    values: tuple[tuple[str, int], ...]
    distinct: int


def list_images(opened: Opened, where: str | None, first: int, after: str | None) -> Listed:
    """Return images that meet a condition, in the order of their names. SettingError for a bad condition."""
    return opened.index.ask(lambda snapshot: _images(snapshot, where, first, after))


def list_groups(opened: Opened, by: str, where: str | None, first: int, after: str | None) -> Listed:
    """Return the groups of a column, in the order of their values. SettingError for a bad one."""
    return opened.index.ask(lambda snapshot: _groups(snapshot, by, where, first, after))


def list_columns(opened: Opened, where: str | None) -> tuple[ColumnValues, ...]:
    """Return all columns with their commonest values. SettingError for a bad condition."""
    return opened.index.ask(lambda snapshot: _columns(snapshot, where))


def count_labels(opened: Opened) -> list[tuple[str, int]]:
    """Return all labels and how many images carry each, the commonest first."""
    return opened.index.ask(lambda snapshot: _counted(snapshot, "label", np.arange(len(snapshot))))


def _images(snapshot: Snapshot, where: str | None, first: int, after: str | None) -> Listed:
    found = _meeting(snapshot, where)
    # Names are in order: a cursor is the name of the last image, which may have gone by now.
    names = snapshot.names
    start = 0 if after is None else bisect_right(found.tolist(), after, key=lambda place: names[place])
    chosen = found[start : start + _checked(first)]
    # Entries of one page alone are read, whatever the length of the list.
    entries = tuple(snapshot.entries(chosen.tolist()))
    is_last = start + len(chosen) >= len(found)
    return Listed(entries, total=len(found), next=None if is_last else entries[-1].name)


def _groups(snapshot: Snapshot, by: str, where: str | None, first: int, after: str | None) -> Listed:
    members: dict[str, list[int]] = {}
    cells = snapshot.columns.values(by)
    # A column may hold several values, such as labels: an image is in the group of each.
    for position in _meeting(snapshot, where).tolist():
        for value in cells[position]:
            members.setdefault(plain(value), []).append(position)
    values = sorted(members)
    start = 0 if after is None else bisect_right(values, after)
    chosen = values[start : start + _checked(first)]
    groups = tuple(_group(snapshot, value, members[value]) for value in chosen)
    is_last = start + len(chosen) >= len(values)
    return Listed(groups=groups, total=len(values), next=None if is_last else chosen[-1])


def _group(snapshot: Snapshot, value: str, members: Sequence[int]) -> Group:
    cover = snapshot.columns.entry(_middle(snapshot, members))
    return Group(value, len(members), cover, tuple(_counted(snapshot, "label", np.array(members))))


def _middle(snapshot: Snapshot, members: Sequence[int]) -> int:
    """Return the middle one of a group, which shows more of a series than its first, often air."""
    if _MARK in snapshot.names[members[0]]:
        # By its name frame 10 is before frame 2.
        names = {position: snapshot.names[position] for position in members}
        members = sorted(members, key=lambda position: _by_frame(names[position]))
    return members[len(members) // 2]


def _by_frame(name: str) -> tuple[str, int, str]:
    file, _, frame = name.rpartition(_MARK)
    return (file, int(frame), "") if frame.isdecimal() else (name, 0, frame)


def _columns(snapshot: Snapshot, where: str | None) -> tuple[ColumnValues, ...]:
    found = _meeting(snapshot, where)
    listed = []
    for name in snapshot.columns.names:
        if name in _UNLISTED:
            continue
        if counted := _counted(snapshot, name, found):
            listed.append(ColumnValues(name, tuple(counted[:_MOST_VALUES]), len(counted)))
    return tuple(listed)


def _counted(snapshot: Snapshot, column: str, positions: Positions) -> list[tuple[str, int]]:
    cells = snapshot.columns.values(column)
    counts = Counter(plain(value) for position in positions.tolist() for value in cells[position])
    # Equal counts by value, so that the list does not jump from one time to the next.
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _meeting(snapshot: Snapshot, where: str | None) -> Positions:
    """Return the positions of the images that meet a condition, rising."""
    return np.flatnonzero(Annotations(snapshot).meets(where or None)).astype(np.int64)


def _checked(first: int) -> int:
    if not 1 <= first <= MOST_ITEMS:
        raise OptionError(f"{first} is no length of a list; ask for 1 to {MOST_ITEMS}", "first")
    return first
