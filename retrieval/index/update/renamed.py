"""Renamed files: what was removed from an index stays out of it if its file only changed its name.

A removed file is known by where it was. If nothing is there any more, and a new file of the same folder has
its contents, then that is where it is now; unless it is a copy of it that stayed in the index, and has moved.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from ...readers.limits import current_limits
from ...readers.tiling import Frame, Tiling, tiles_of
from ..catalogue.database import Catalogue
from ..catalogue.files import State, note_stat
from ..catalogue.known_sources import KnownSource
from ..catalogue.pictures import partly_removed, removed_frames
from ..catalogue.tombstones import name_tombstone, tombstone_key
from .packed_files import Found
from .recognise import holds_the_same, part_at
from .scanned import Changes, Scope
from .slide_bands import facts_at

_MOST_FRAMES = 250_000
"""Numbers of frames that are tried, as many as a file may have by default."""


def keep_files_out(
    catalogue: Catalogue, scope: Scope, new: array[int], gone: list[KnownSource], changes: Changes
) -> tuple[array[int], list[KnownSource]]:
    """Within a transaction: know removed files by their new names; return what is new and gone besides them.

    ``new`` are places in the list of the files of ``scope``.
    """
    moved: dict[int, int] = {}
    for file, before in _pairs(catalogue, scope, new, gone, lambda one: one.state is State.REMOVED):
        name = catalogue.names.name(file.name)
        name_tombstone(catalogue, before.id, name, file.below)
        note_stat(catalogue, before.id, file.stat)
        changes.skipped.append((name, before.reason))
        changes.withdrawn.append(name)
        moved[file.at] = before.id
    kept = set(moved.values())
    return array("q", (at for at in new if at not in moved)), [one for one in gone if one.id not in kept]


def displaced(
    catalogue: Catalogue,
    scope: Scope,
    new: Iterable[int],
    gone: Sequence[KnownSource],
    changed: Sequence[tuple[Found, KnownSource]],
) -> set[int]:
    """Return the places of changed files that hold a removed one now, or that took the place of such a file.

    Files that are numbered again take each other's names: the removed one is there, and not where it was.
    """
    places = [*new, *(file.at for file, _ in changed)]
    all_gone = [*gone, *(found for _, found in changed)]
    partly = partly_removed(catalogue)
    pairs = list(_pairs(catalogue, scope, places, all_gone, lambda one: one.id in partly))
    holders, moved = {file.at for file, _ in pairs}, {before.id for _, before in pairs}
    return {file.at for file, found in changed if file.at in holders or found.id in moved}


def keep_frames_out(
    catalogue: Catalogue,
    scope: Scope,
    new: array[int],
    gone: Sequence[KnownSource],
    tiling: Tiling | None = None,
) -> None:
    """Within a transaction, when new files are added: frames that were removed of a file stay out of it.

    ``tiling`` : how slides are cut into tiles, which are their frames.
    """
    partly = partly_removed(catalogue)

    def has_removed(one: KnownSource) -> bool:
        return one.state is State.READ and one.id in partly

    rows = []
    for file, before in _pairs(catalogue, scope, new, gone, has_removed):
        sql = "SELECT id, name FROM source WHERE root = ? AND path = ?"
        ((id, name),) = catalogue.rows(sql, scope.number, catalogue.names.keep(file.below))
        frames = _removed(catalogue, before, _possible(_path(scope, file), tiling))
        rows += [(tombstone_key(catalogue.key, f"{name}#{frame}"), id) for frame in frames]
    # At last: two files that took each other's names have the same keys.
    catalogue.run_many("INSERT OR REPLACE INTO removed VALUES (?, ?)", rows)


def _removed(catalogue: Catalogue, source: KnownSource, possible: Iterable[Frame]) -> Iterator[Frame]:
    """Return the frames that were removed of a file, of those that it may have."""
    # Of their names there are hashes alone: each frame is tried until all of these are found.
    wanted = removed_frames(catalogue, source.id)
    keys = ((frame, tombstone_key(catalogue.key, f"{source.name}#{frame}")) for frame in possible)
    return islice((frame for frame, key in keys if key in wanted), len(wanted))


def _possible(path: Path, tiling: Tiling | None) -> Iterator[Frame]:
    """Yield the frames that a file may have: all tiles of a slide, then numbers."""
    facts = facts_at(path, path.name, tiling, current_limits())
    if facts is not None and tiling is not None:
        for um_per_px in tiling.um_per_px:
            yield from tiles_of(tiling.grid(facts.extent, um_per_px), um_per_px)
    yield from range(_MOST_FRAMES)


def _pairs(
    catalogue: Catalogue,
    scope: Scope,
    new: Iterable[int],
    gone: Sequence[KnownSource],
    has_removed: Callable[[KnownSource], bool],
) -> Iterator[tuple[Found, KnownSource]]:
    """Yield new files with what each was, if anything was removed of that; each of those once.

    Of copies of one file those that stayed in the index come first: what is left is what was removed.
    """
    removed = [one for one in gone if one.part is not None and has_removed(one)]
    sizes = {one.stat.size for one in removed}
    by_part: dict[bytes | None, list[KnownSource]] = {one.part: [] for one in removed}
    for one in gone:
        if one.part in by_part:
            by_part[one.part].append(one)
    # Most often nothing was removed: then no file is looked at.
    files = (file for file in map(scope.files.__getitem__, new) if file.stat.size in sizes) if sizes else ()
    # Each is read once, however many files of its size are gone: those of a series all have one size.
    read = ((file, part_at(_path(scope, file), catalogue.key)) for file in files)
    candidates = [(file, by_part[part]) for file, part in read if part in by_part]
    candidates.sort(key=lambda pair: _base(pair[0].name) not in {_base(one.name) for one in pair[1]})
    for file, copies in candidates:
        path = _path(scope, file)
        same = (one for one in copies if holds_the_same(one, path, file.stat, catalogue.key))
        before = min(same, key=has_removed, default=None)
        if before is not None:
            copies.remove(before)
            if has_removed(before):
                yield file, before


def _path(scope: Scope, file: Found) -> Path:
    return scope.root / os.fsdecode(file.below)


def _base(name: str) -> str:
    return name.rpartition("/")[2]
