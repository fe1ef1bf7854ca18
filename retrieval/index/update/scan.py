"""The scan: which files are new, changed or gone, compared with what the catalogue knows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import IndexFolderError, SettingError
from ...readers.folder import FoundFile, find_files
from ..catalogue.database import Catalogue
from ..catalogue.files import State, add_root, add_source, drop_sources, mark_changed, move_root, roots
from ..catalogue.reader_versions import retry_after_change
from ..catalogue.tombstones import is_buried, salt_of, tombstone_path_key
from ..progress import Progress
from ..storage.store import Store


@dataclass
class Scope:
    """A folder that was scanned: the indexed folder that it is or lies in, and what was found.

    ``prefix`` leads from the root to the scanned folder (``sub/``, or nothing); ``is_whole`` is False where
    single files were given, so that nothing is said of the others. ``unreadable`` holds (name, reason) of
    files and folders that could not be looked at.
    """

    root: Path
    prefix: str
    is_whole: bool
    files: list[FoundFile]
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    number: int = 0  # of the root, once it is recorded


@dataclass
class Changes:
    """What a scan found: numbers of sources, and the names of those that are not pictures of the index.

    ``withdrawn`` names those of the skipped that the user took out.
    """

    new: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    n_gone: int = 0
    n_unchanged: int = 0
    n_ignored: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)


def scan(store: Store, folders: Sequence[Path], progress: Progress) -> list[Scope]:
    """Look for files in folders; nothing is read or changed yet.

    Raises
    ------
    SettingError : a folder is not there. IndexFolderError : an indexed one is not there any more, or empty.
    """
    known = list(roots(store.catalogue))
    scopes: list[Scope] = []
    for folder in _with_roots_inside([_spelled(f) for f in folders], known):
        _check_there(folder, known)
        is_folder = folder.is_dir()
        base = folder if is_folder else folder.parent
        root = next((r for r in known if base.is_relative_to(r)), base)
        inside = [r for r in known if r != base and r.is_relative_to(base)]
        if root not in known:
            known.append(root)
        lines: list[str] = []
        files = []
        for file in find_files(folder, exclude=[store.folder.resolve(), *inside], report=lines.append):
            files.append(file)
            progress("scan", sum(len(s.files) for s in scopes) + len(files), 0)
        prefix = "" if base == root else f"{base.relative_to(root).as_posix()}/"
        scopes.append(Scope(root, prefix, is_folder, files, [_split(line) for line in lines]))
    return scopes


def record(store: Store, scopes: Sequence[Scope]) -> Changes:
    """Note in one commit what was found: what is new or changed is to be read, what is gone is forgotten."""
    changes = Changes()
    with store.catalogue.transaction():
        retry_after_change(store.catalogue)
        for scope in scopes:
            scope.number = _number(store.catalogue, scope, scopes)
            _record_scope(store.catalogue, scope, changes)
    return changes


def _record_scope(catalogue: Catalogue, scope: Scope, changes: Changes) -> None:
    known, salt = _known(catalogue, scope.number), salt_of(catalogue)
    if scope.is_whole and not scope.prefix and known and not scope.files and not scope.unreadable:
        raise IndexFolderError(
            f"{scope.root}: {len(known)} indexed files lay here and it is empty now; mount it again, "
            "or take them out with `semblance remove`"
        )
    for file in scope.files:
        path = os.fsencode(os.path.relpath(file.path, scope.root))
        name = f"{scope.prefix}{file.name}"
        found = known.pop(path, None) or known.pop(tombstone_path_key(salt, path), None)
        if found is None:
            changes.new.add(add_source(catalogue, scope.number, path, name, file.size, file.mtime_ns))
        elif (found.size, found.mtime_ns) != (file.size, file.mtime_ns):
            changes.changed.add(_changed(catalogue, scope, file, path, name, found))
        else:
            _count_unchanged(found, name, changes)
    changes.skipped += scope.unreadable
    gone = [found.id for path, found in known.items() if _is_gone(scope, path)]
    drop_sources(catalogue, gone)
    changes.n_gone += len(gone)


@dataclass(frozen=True)
class _Known:
    id: int
    name: str
    size: int
    mtime_ns: int
    state: State
    reason: str


def _known(catalogue: Catalogue, root: int) -> dict[bytes, _Known]:
    sql = "SELECT path, id, name, size, mtime_ns, state, reason FROM source WHERE root = ?"
    return {bytes(r[0]): _Known(r[1], r[2], r[3], r[4], State(r[5]), r[6]) for r in catalogue.rows(sql, root)}


def _changed(
    catalogue: Catalogue, scope: Scope, file: FoundFile, path: bytes, name: str, found: _Known
) -> int:
    """Note that a file is to be read again, under its name where that was forgotten; return its number."""
    if found.state is not State.REMOVED:
        mark_changed(catalogue, found.id, file.size, file.mtime_ns)
        return found.id
    drop_sources(catalogue, [found.id])
    return add_source(catalogue, scope.number, path, name, file.size, file.mtime_ns)


def _count_unchanged(found: _Known, name: str, changes: Changes) -> None:
    if found.state in (State.PENDING, State.FAILED):
        changes.new.add(found.id)
    elif found.state is State.IGNORED:
        changes.n_ignored += 1
    elif found.state is State.READ:
        changes.n_unchanged += 1
    else:
        is_removed = found.state is State.REMOVED
        changes.skipped.append((name if is_removed else found.name, found.reason))
        if is_removed:
            changes.withdrawn.append(name)


def _is_gone(scope: Scope, path: bytes) -> bool:
    if is_buried(path):  # where it lay is not known: only a scan of everything says that it is gone
        return scope.is_whole and not scope.prefix and not scope.unreadable
    if not scope.is_whole or not path.startswith(os.fsencode(scope.prefix)):
        return False
    # What lies in a folder that cannot be looked at may still be there.
    name = os.fsdecode(path).removeprefix(scope.prefix)
    hidden = {where for where, _ in scope.unreadable}
    return str(scope.root / scope.prefix) not in hidden and not any(
        name == where or name.startswith(f"{where}/") for where in hidden
    )


def _split(line: str) -> tuple[str, str]:
    where, _, reason = line.rpartition(": ")
    return where, reason


def _number(catalogue: Catalogue, scope: Scope, scopes: Sequence[Scope]) -> int:
    """Return the number of a scope's root: known, known under a path where it no longer lies, or new."""
    known = roots(catalogue)
    if scope.root in known:
        return known[scope.root]
    scanned = {s.root for s in scopes}
    for path, number in known.items():
        if path not in scanned and not path.exists() and _holds_files_of(catalogue, scope, number):
            move_root(catalogue, number, scope.root)
            return number
    return add_root(catalogue, scope.root)


def _holds_files_of(catalogue: Catalogue, scope: Scope, root: int) -> bool:
    """Tell whether at least half of the files of a root are in the scope, of the same path and size."""
    known = _known(catalogue, root)
    before = {(path, one.size) for path, one in known.items() if not is_buried(path)}
    now = {(os.fsencode(os.path.relpath(f.path, scope.root)), f.size) for f in scope.files}
    return 0 < len(before) <= 2 * len(before & now)


def _spelled(path: Path) -> Path:
    """Return the one absolute spelling of a folder, or of a file in a folder."""
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _with_roots_inside(folders: Sequence[Path], known: Sequence[Path]) -> Iterator[Path]:
    inside = [root for folder in folders for root in known if root.is_relative_to(folder)]
    yield from dict.fromkeys([*folders, *inside])


def _check_there(folder: Path, known: Sequence[Path]) -> None:
    if folder.exists():
        return
    if any(folder.is_relative_to(root) for root in known):
        raise IndexFolderError(
            f"{folder}: is indexed, and is not there any more; mount it again, name the folder that it was "
            "moved to, or take its pictures out with `semblance remove`"
        )
    raise SettingError(f"{folder}: no such file or folder; name what is to be indexed")
