"""Folders that have moved below another one, from which they are scanned: they stay folders of their own."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from ..catalogue.database import Catalogue
from ..catalogue.files import Stat, State
from ..catalogue.known_sources import each_source
from ..catalogue.roots import IndexedRoot, all_roots, roots
from .recognise import holds_files_of, is_there
from .scanned import Scope

_PROBES = 20
"""Images of a folder by which it is looked for: some may be gone."""
_SAME_TIME = 2 * 10**9
"""Nanoseconds: some file systems know no finer times, and what is moved keeps its own."""


def moved_below(catalogue: Catalogue, scopes: Sequence[Scope], salt: bytes) -> list[Path]:
    """Return the folders, below those that were scanned, that hold what is not where it was indexed any more.

    What was removed of a folder is known by paths below it: taken for a part of another it would come back.
    """
    scanned = {scope.root for scope in scopes}
    others = [root for root in all_roots(catalogue) if root.is_displaced or root.path not in scanned]
    if not others:
        return []
    found: dict[int, Path] = {}
    stays: dict[int, bool] = {}
    for root, folder in _candidates(catalogue, scopes, others):
        if root.id not in stays:  # a copy of a folder that is still there is another folder
            stays[root.id] = is_there(catalogue, root, salt)
        if stays[root.id] or root.id in found or folder in scanned:
            continue
        if holds_files_of(catalogue, folder, root, salt):
            found[root.id] = folder
    return list(dict.fromkeys(found.values()))


def _candidates(
    catalogue: Catalogue, scopes: Sequence[Scope], others: Sequence[IndexedRoot]
) -> Iterator[tuple[IndexedRoot, Path]]:
    """Yield, each pair once, folders with a file at the path, and of the size and time, of one of a root."""
    probes: dict[bytes, list[tuple[IndexedRoot, bytes, Stat]]] = defaultdict(list)
    for root in others:
        images = (one for one in each_source(catalogue, root.id) if one[1].state is State.READ)
        for path, known in islice(images, _PROBES):
            probes[_base(path)].append((root, path, known.stat))
    seen: set[tuple[int, Path]] = set()
    numbers = roots(catalogue)
    for scope in (one for one in scopes if one.is_whole and probes):
        for file in (file for page in scope.files.pages() for file in page):
            for root, path, stat in probes.get(_base(file.below), ()):
                # The folder itself that was scanned is recognised as it is.
                is_below = file.below.endswith(b"/" + path)
                if is_below and stat.size == file.stat.size and _at_one_time(stat, file.stat):
                    pair = root.id, scope.root / os.fsdecode(file.below[: -len(path) - 1])
                    if pair not in seen:
                        seen.add(pair)
                        # What is indexed there already is no other folder.
                        if not _is_known(catalogue, numbers.get(scope.root), file.below):
                            yield root, pair[1]


def _is_known(catalogue: Catalogue, root: int | None, below: bytes) -> bool:
    sql = "SELECT 1 FROM source WHERE root = ? AND path = ?"
    return root is not None and bool(catalogue.rows(sql, root, catalogue.names.keep(below)))


def _at_one_time(one: Stat, other: Stat) -> bool:
    return abs(one.mtime_ns - other.mtime_ns) <= _SAME_TIME


def _base(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
