"""Renamed files: what was removed from an index stays out of it if its file only changed its name.

A removed file is known by where it was. If nothing is there any more, and a new file of the same folder has
its contents, then that is where it is now.
"""

from __future__ import annotations

import os
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from ..catalogue.database import Catalogue
from ..catalogue.files import State, note_stat
from ..catalogue.known_sources import KnownSource
from ..catalogue.pictures import partly_removed, removed_frames
from ..catalogue.tombstones import name_tombstone, tombstone_key
from .packed_files import Found
from .recognise import holds_the_same
from .scanned import Changes, Scope

_MOST_FRAMES = 250_000
"""Numbers of frames that are tried, as many as a file may have by default."""


def keep_files_out(
    catalogue: Catalogue, scope: Scope, new: array[int], gone: list[KnownSource], changes: Changes
) -> tuple[array[int], list[KnownSource]]:
    """Within a transaction: know removed files by their new names; return what is new and gone besides them.

    ``new`` are places in the list of the files of ``scope``.
    """
    moved: dict[int, int] = {}
    for file, before in _pairs(catalogue, scope, new, (one for one in gone if one.state is State.REMOVED)):
        name = catalogue.names.name(file.name)
        name_tombstone(catalogue, before.id, name, file.below)
        note_stat(catalogue, before.id, file.stat)
        changes.skipped.append((name, before.reason))
        changes.withdrawn.append(name)
        moved[file.at] = before.id
    kept = set(moved.values())
    return array("q", (at for at in new if at not in moved)), [one for one in gone if one.id not in kept]


def keep_frames_out(catalogue: Catalogue, scope: Scope, new: array[int], gone: Iterable[KnownSource]) -> None:
    """Within a transaction, when new files are added: frames that were removed of a file stay out of it."""
    partly = partly_removed(catalogue)
    having = (one for one in gone if one.state is State.READ and one.id in partly)
    for file, before in _pairs(catalogue, scope, new, having):
        sql = "SELECT id, name FROM source WHERE root = ? AND path = ?"
        ((id, name),) = catalogue.rows(sql, scope.number, catalogue.names.keep(file.below))
        rows = [(tombstone_key(catalogue.key, f"{name}#{n}"), id) for n in _numbers(catalogue, before)]
        catalogue.run_many("INSERT OR REPLACE INTO removed VALUES (?, ?)", rows)


def _numbers(catalogue: Catalogue, source: KnownSource) -> Iterator[int]:
    """Return the numbers of the frames that were removed of a file."""
    # Of their names there are hashes alone: each number is tried until all of these are found.
    wanted = removed_frames(catalogue, source.id)
    keys = ((n, tombstone_key(catalogue.key, f"{source.name}#{n}")) for n in range(_MOST_FRAMES))
    return islice((n for n, key in keys if key in wanted), len(wanted))


def _pairs(
    catalogue: Catalogue, scope: Scope, new: Iterable[int], gone: Iterable[KnownSource]
) -> Iterator[tuple[Found, KnownSource]]:
    """Yield new files with what each of them was, each of those once."""
    by_size: dict[int, list[KnownSource]] = defaultdict(list)
    for one in gone:
        by_size[one.stat.size].append(one)
    # Most often nothing was removed: then no file is looked at.
    for file in (scope.files[at] for at in new) if by_size else ():
        path = scope.root / os.fsdecode(file.below)
        of_size = by_size.get(file.stat.size, [])
        before = next((k for k in of_size if holds_the_same(k, path, file.stat, catalogue.key)), None)
        if before is not None:
            of_size.remove(before)
            yield file, before
