"""The scan: which files are new, changed or gone, compared with the catalogue.

``scan`` only looks; ``record`` writes what was found in one commit. ``recognise`` says what is unchanged.
"""

from __future__ import annotations

import os
import re
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import IndexFolderError, SettingError
from ...readers.folder import find_files
from ..catalogue.database import Catalogue
from ..catalogue.files import (
    State,
    add_sources,
    drop_sources,
    drop_tombstones,
    note_stat,
)
from ..catalogue.known_sources import KnownSource, Recognised
from ..catalogue.reader_versions import retry_after_change
from ..catalogue.roots import note_scanned, roots
from ..catalogue.tombstones import has_tombstones, is_tombstone
from ..progress import Progress
from ..storage.store import Store
from .changed_files import drop_file_labels, mark_or_add, record_changed
from .find_root import root_of
from .gone import check_gone
from .moved_below import moved_below
from .packed_files import Found, PackedFiles
from .recognise import folder_of, is_unchanged
from .renamed import keep_files_out, keep_frames_out
from .scanned import Changes, ScanOptions, Scope

_PAGE = 1000
"""New files that are added to the catalogue at a time."""


def scan(store: Store, folders: Sequence[Path], progress: Progress, options: ScanOptions) -> list[Scope]:
    """Look for files in folders; no file is opened, nothing is changed.

    Raises
    ------
    SettingError : a folder does not exist. IndexFolderError : an indexed one is gone, or is empty now.
    """
    known = list(roots(store.catalogue))
    scopes = _scan(store, folders, known, progress, options)
    # Most often there are none: then the files are walked once.
    if more := moved_below(store.catalogue, scopes, store.salt):
        scopes = _scan(store, folders, [*known, *more], progress, options)
    return scopes


def _scan(
    store: Store, folders: Sequence[Path], known: Sequence[Path], progress: Progress, options: ScanOptions
) -> list[Scope]:
    known = list(known)
    scopes: list[Scope] = []
    given = [_spelled(folder) for folder in folders]
    for folder in _with_roots_inside(given, known):
        # A folder inside of one that was given is known to the index alone, which may hide its name.
        called = str(folder) if folder in given else store.catalogue.names.shown(str(folder))
        _check_there(folder, known, called)
        base = folder if (is_folder := folder.is_dir()) else folder.parent
        # The innermost: a folder that has moved below another one is a folder of its own.
        root = max((r for r in known if base.is_relative_to(r)), key=lambda r: len(r.parts), default=base)
        # Roots inside this folder are scanned as folders of their own, so that no file is indexed twice.
        inside = [r for r in known if r != base and r.is_relative_to(base)]
        if root not in known:
            known.append(root)
        prefix = "" if base == root else f"{base.relative_to(root).as_posix()}/"
        lines: list[str] = []
        files = PackedFiles(root)
        exclude = [store.folder.resolve(), *inside]
        for file in find_files(
            folder, exclude=exclude, report=lines.append, follow_links=options.follow_links
        ):
            files.add(file, prefix)
            progress("scan", sum(len(s.files) for s in scopes) + len(files), 0)
        unreadable = [_split(line) for line in lines]
        scopes.append(Scope(root, prefix, is_folder, files, unreadable, called=called))
    return scopes


def record(store: Store, scopes: Sequence[Scope], options: ScanOptions) -> Changes:
    """Record in one commit what was found: what is new or changed is to be read, what is gone is deleted.

    Raises
    ------
    IndexFolderError : a large share of a folder is gone, and it is not to be forgotten; nothing is changed.
    """
    changes = Changes()
    with store.catalogue.transaction():
        retry_after_change(store.catalogue)
        for scope in scopes:
            scope.number = root_of(store.catalogue, scope.root, store.salt, changes.notes)
            _record_scope(store, scope, changes, options)
            note_scanned(store.catalogue, scope.number, folder_of(scope.root), time.time_ns())
        # Frames that were removed of a file come back when it changes.
        drop_tombstones(store.catalogue, changes.changed)
    for scope in scopes:
        scope.files = PackedFiles(scope.root)  # in the catalogue by now
    return changes


def _record_scope(store: Store, scope: Scope, changes: Changes, options: ScanOptions) -> None:
    catalogue = store.catalogue
    known = Recognised(catalogue, scope.number, store.salt)
    # An empty folder is far more often a disk that is not mounted than files that were all deleted.
    if scope.is_whole and not scope.prefix and known.n and not scope.files and not scope.unreadable:
        raise IndexFolderError(
            f"{scope.called}: {known.n} indexed files lay here and it is empty now; mount it again, "
            "or take them out with `semblance remove`"
        )
    new = array("q")  # places in the list of files, which is gone through twice: it holds no objects
    changed: list[tuple[Found, KnownSource]] = []
    asks = has_tombstones(catalogue)
    for page in scope.files.pages():
        for file, found in zip(page, known.find([file.below for file in page]), strict=True):
            if found is None:
                new.append(file.at)
            elif _is_as_it_was(store, scope, file, found, changes, options):
                known.keep(found.id)
            elif asks:  # where they came from; else they may be many, and are not kept in memory
                known.keep(found.id)
                changed.append((file, found))
            else:
                known.keep(mark_or_add(catalogue, scope, file, found, changes))
    # Before the new ones are added, which are not gone.
    gone = [found for path, found in known.rest() if _is_gone(scope, path)]
    if not options.forget:
        check_gone(scope, new, gone, known)
    record_changed(catalogue, scope, new, gone, changed, changes)
    new, gone = keep_files_out(catalogue, scope, new, gone, changes)
    _add_new(catalogue, scope, new, changes)
    keep_frames_out(catalogue, scope, new, gone, store.tiling)
    for where, reason in scope.unreadable:
        # What a DICOMDIR names and lacks is in brackets.
        told = re.sub(r" \(.*\)", "", reason) if catalogue.names.are_hidden else reason
        changes.skipped.append((catalogue.names.name(where), told))
    for found in gone:
        drop_file_labels(catalogue, found, changes)
    drop_sources(catalogue, [found.id for found in gone])
    changes.n_gone += len(gone)


def _add_new(catalogue: Catalogue, scope: Scope, new: array[int], changes: Changes) -> None:
    for first in range(0, len(new), _PAGE):
        files = (scope.files[at] for at in new[first : first + _PAGE])
        rows = [(file.below, catalogue.names.name(file.name), file.stat) for file in files]
        changes.new.update(add_sources(catalogue, scope.number, rows))


def _is_as_it_was(
    store: Store, scope: Scope, file: Found, found: KnownSource, changes: Changes, options: ScanOptions
) -> bool:
    """Tell whether a file is as it was, and record it if it is."""
    path = scope.root / os.fsdecode(file.below)
    if not is_unchanged(found, path, file.stat, store.salt, options.compare_contents):
        return False
    _unchanged(store.catalogue, found, path, file, changes)
    return True


def _unchanged(catalogue: Catalogue, found: KnownSource, path: Path, file: Found, changes: Changes) -> None:
    # A copy, or a restored backup: from now on it is known by how the file system shows it now.
    if file.stat != found.stat:
        note_stat(catalogue, found.id, file.stat)
    if found.part is None and found.state in (State.READ, State.REMOVED):
        changes.unhashed.append((found.id, path))
    count_unchanged(found, catalogue.names.name(file.name), changes)


def count_unchanged(found: KnownSource, name: str, changes: Changes) -> None:
    """Count a file that is as it was: one that was not read is tried again, or said to be left out."""
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


def _spelled(path: Path) -> Path:
    """Return the canonical absolute path of a folder, or of a file in a folder."""
    # A file that is a link keeps its own name: what it points to may be outside of the indexed folder.
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _with_roots_inside(folders: Sequence[Path], known: Sequence[Path]) -> Iterator[Path]:
    inside = [root for folder in folders for root in known if root.is_relative_to(folder)]
    yield from dict.fromkeys([*folders, *inside])


def _check_there(folder: Path, known: Sequence[Path], called: str) -> None:
    if folder.exists():
        return
    if any(folder.is_relative_to(root) for root in known):
        raise IndexFolderError(
            f"{called}: is indexed, and is not there any more; mount it again, name the folder that it was "
            "moved to, or take its images out with `semblance remove`"
        )
    raise SettingError(f"{called}: no such file or folder; name what is to be indexed")
