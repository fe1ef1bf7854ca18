"""The scan: which files are new, changed or gone, compared with the catalogue.

A file is unchanged if its size and modification time are: contents are not read. ``scan`` only looks;
``record`` writes what was found in one commit.
"""

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
from ..catalogue.tombstones import is_tombstone, salt_of, tombstone_path_key
from ..progress import Progress
from ..storage.store import Store


@dataclass
class Scope:
    """A folder that was scanned, and what was found.

    Parameters
    ----------
    root : the indexed folder that it is, or is in.
    prefix : leads from the root to the scanned folder: ``sub/``, or empty.
    is_whole : False if a single file was given, which says nothing about the others.
    files : all files found.
    unreadable : (name, reason) of files and folders that could not be looked at.
    number : of the root in the catalogue, once it is recorded.
    """

    root: Path
    prefix: str
    is_whole: bool
    files: list[FoundFile]
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    number: int = 0


@dataclass
class Changes:
    """Result of a scan.

    Parameters
    ----------
    new, changed : the numbers of sources.
    n_gone, n_unchanged, n_ignored : numbers of files.
    skipped : (name, reason) of files that are not in the index.
    withdrawn : the names among the skipped that the user removed.
    """

    new: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    n_gone: int = 0
    n_unchanged: int = 0
    n_ignored: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)


def scan(store: Store, folders: Sequence[Path], progress: Progress) -> list[Scope]:
    """Look for files in folders; no file is opened, nothing is changed.

    Raises
    ------
    SettingError : a folder does not exist. IndexFolderError : an indexed one is gone, or is empty now.
    """
    known = list(roots(store.catalogue))
    scopes: list[Scope] = []
    for folder in _with_roots_inside([_spelled(f) for f in folders], known):
        _check_there(folder, known)
        is_folder = folder.is_dir()
        base = folder if is_folder else folder.parent
        root = next((r for r in known if base.is_relative_to(r)), base)
        # Roots inside this folder are scanned as folders of their own, so that no file is indexed twice.
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
    """Record in one commit what was found: what is new or changed is to be read, what is gone is deleted."""
    changes = Changes()
    with store.catalogue.transaction():
        retry_after_change(store.catalogue)
        for scope in scopes:
            scope.number = _number(store.catalogue, scope, scopes)
            _record_scope(store.catalogue, scope, changes)
    return changes


def _record_scope(catalogue: Catalogue, scope: Scope, changes: Changes) -> None:
    # Files that are found are taken out of `known`; what is left at the end is gone.
    known, salt = _known(catalogue, scope.number), salt_of(catalogue)
    # An empty folder is far more often a disk that is not mounted than files that were all deleted.
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
    """Record that a file is to be read again, a removed one under its name; return its number."""
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
        if found.reason:  # some of its frames could not be read
            changes.skipped.append((found.name, found.reason))
    else:
        is_removed = found.state is State.REMOVED
        changes.skipped.append((name if is_removed else found.name, found.reason))
        if is_removed:
            changes.withdrawn.append(name)


def _is_gone(scope: Scope, path: bytes) -> bool:
    # A tombstone does not say in which folder its file was: only a scan of the whole root shows that it is
    # gone.
    if is_tombstone(path):
        return scope.is_whole and not scope.prefix and not scope.unreadable
    if not scope.is_whole or not path.startswith(os.fsencode(scope.prefix)):
        return False
    # What is in a folder that cannot be looked at may still be there.
    name = os.fsdecode(path).removeprefix(scope.prefix)
    hidden = {where for where, _ in scope.unreadable}
    return str(scope.root / scope.prefix) not in hidden and not any(
        name == where or name.startswith(f"{where}/") for where in hidden
    )


def _split(line: str) -> tuple[str, str]:
    where, _, reason = line.rpartition(": ")
    return where, reason


def _number(catalogue: Catalogue, scope: Scope, scopes: Sequence[Scope]) -> int:
    """Return the number of a scope's root: a known one, one that has moved here, or a new one."""
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
    """Tell if at least half of the files of a root are in the scope, with the same path and size.

    Modification times do not count: a copy of the folder may have new ones.
    """
    known = _known(catalogue, root)
    before = {(path, one.size) for path, one in known.items() if not is_tombstone(path)}
    now = {(os.fsencode(os.path.relpath(f.path, scope.root)), f.size) for f in scope.files}
    return 0 < len(before) <= 2 * len(before & now)


def _spelled(path: Path) -> Path:
    """Return the canonical absolute path of a folder, or of a file in a folder."""
    # A file that is a link keeps its own name: what it points to may be outside of the indexed folder.
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
            "moved to, or take its images out with `semblance remove`"
        )
    raise SettingError(f"{folder}: no such file or folder; name what is to be indexed")
