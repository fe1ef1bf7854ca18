"""The files of archives while they are read: fetched ahead of the workers, and deleted behind them.

One thread fetches while the workers encode. A series comes whole if all of it is needed. Files that were read
stay until they take more than a gigabyte, as an image that was learnt from is encoded next.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from ...errors import ArchiveError, GoneError
from ...readers.archive import Archive, SeriesKey
from ..catalogue.archives import IndexedArchive, address_of, archives
from ..catalogue.files import IndexedSource
from ..storage.archived_files import open_archive
from ..storage.store import Store
from ..storage.uids import Uids
from .archive_scan import prepare_folder

_MOST_BYTES = 1 << 30
"""Bytes of files that were read already and are kept."""
_AT_ONCE = 64
"""Images that are fetched at once, if they are of many series."""
_SHARE = 4
"""A series is fetched whole if one in this number of its images is wanted, or more: one by one is slower."""
GONE = "is not in the archive any more, or cannot be sent by it"


@dataclass
class _Link:
    """An archive that is open, the UIDs of its images, and why it cannot be asked any more."""

    about: IndexedArchive
    archive: Archive
    uids: Uids
    failed: ArchiveError | None = None


@dataclass
class _Errand:
    """Images of a series that are to be fetched, SOP instance UIDs by ids; and if the series comes whole."""

    link: _Link
    series: SeriesKey
    wanted: dict[str, str]
    is_whole: bool
    brought: list[Path] = field(default_factory=list)


class ArchiveFiles:
    """Bring the files of sources that are in archives. Sources of folders are passed on as they are.

    Parameters
    ----------
    store : the index, open for writing.
    most_bytes : of files that were read and are kept.

    Attributes
    ----------
    lost : the numbers of sources whose images are not in their archive any more.
    errors : what each archive failed with, by its root; its other images are left for the next run.
    """

    def __init__(self, store: Store, most_bytes: int = _MOST_BYTES) -> None:
        self._store, self._most_bytes = store, most_bytes
        self._archives = {archive.folder: archive for archive in archives(store.catalogue)}
        self._links: dict[Path, _Link] = {}
        self._spare: dict[Path, int] = {}  # files that may be deleted, the oldest first, and their bytes
        self._n_spare = 0
        self.lost: set[int] = set()
        self.errors: dict[int, ArchiveError] = {}

    def brought(self, sources: Iterable[IndexedSource], *, by_series: bool) -> Iterator[IndexedSource]:
        """Yield sources when their files are there; ``by_series`` if they are in the order of their series.

        Those of an archive that failed are left out. Whoever has read one says ``done``.
        """
        if not self._archives:
            yield from sources
            return
        turn, stop = Lock(), Event()
        try:
            ahead: deque[tuple[list[IndexedSource], list[_Errand], Future[None]]] = deque()
            for group in self._groups(sources, by_series):
                errands = list(self._errands(group))
                ahead.append((group, errands, _begun(errands, turn, stop)))
                if len(ahead) > 1:
                    yield from self._ready(*ahead.popleft())
            while ahead:
                yield from self._ready(*ahead.popleft())
        finally:
            # Nobody waits for an archive that hangs, such as after Ctrl-C: what is under way is left alone.
            stop.set()

    def done(self, path: Path) -> None:
        """Let go of the file of a source that was read."""
        archive = self._archives.get(path.parent) if self._archives else None
        if archive is None or archive.keeps_files:
            return
        self._needed(path)
        with suppress(FileNotFoundError):
            self._spare[path] = path.stat().st_size
            self._n_spare += self._spare[path]
        while self._n_spare > self._most_bytes:
            oldest = next(iter(self._spare))
            self._needed(oldest)
            oldest.unlink(missing_ok=True)

    def _needed(self, path: Path) -> None:
        """Take a file out of those that may be deleted."""
        self._n_spare -= self._spare.pop(path, 0)

    def unasked(self, asked: Collection[int]) -> list[str]:
        """Return a note of each archive that failed; raise the error of one of those that were asked for."""
        for root, error in self.errors.items():
            if root in asked:
                raise error
        return [f"{error}; its images are left for the next run" for error in self.errors.values()]

    def close(self) -> None:
        """Delete all files that are not to be kept, and let go of the archives."""
        for link in self._links.values():
            link.archive.close()
            link.uids.close()
            deque(prepare_folder(link.about), maxlen=0)
            with suppress(OSError):  # a cache is not empty
                link.about.folder.rmdir()

    def _groups(self, sources: Iterable[IndexedSource], by_series: bool) -> Iterator[list[IndexedSource]]:
        if by_series:
            for _, group in itertools.groupby(sources, self._series_of):
                # What is in no archive comes in pieces too: an index of millions is never in memory.
                while piece := list(itertools.islice(group, 1 << 16)):
                    yield piece
            return
        rest = iter(sources)
        while piece := list(itertools.islice(rest, _AT_ONCE)):
            yield piece

    def _series_of(self, source: IndexedSource) -> tuple[Path, SeriesKey] | None:
        link = self._link(source)
        found = None if link is None else link.uids.of(source.path.name)
        return None if found is None else (source.path.parent, found[0])

    def _link(self, source: IndexedSource) -> _Link | None:
        """Return the open archive of a source; None if it is a file of a folder, or its archive failed."""
        about = self._archives.get(source.path.parent)
        if about is None or about.root in self.errors:
            return None
        if about.folder not in self._links:
            try:
                address = address_of(self._store.catalogue, about)
                self._links[about.folder] = _Link(
                    about, open_archive(address), Uids(self._store.salt, address)
                )
                deque(prepare_folder(about), maxlen=0)
            except ArchiveError as error:
                self.errors[about.root] = error
                return None
        return self._links[about.folder]

    def _errands(self, group: list[IndexedSource]) -> Iterator[_Errand]:
        """Yield what is to be fetched of a group, a series at a time."""
        found: dict[tuple[Path, SeriesKey], dict[str, str]] = {}
        for source in group:
            link = self._link(source)
            if link is None or (known := link.uids.of(source.path.name)) is None:
                continue
            self._needed(source.path)
            if not source.path.exists():
                found.setdefault((source.path.parent, known[0]), {})[source.path.name] = known[1]
        for (folder, series), wanted in found.items():
            link = self._links[folder]
            is_whole = len(wanted) * _SHARE >= len(link.uids.images_of(series))
            yield _Errand(link, series, wanted, is_whole)

    def _ready(
        self, group: list[IndexedSource], errands: list[_Errand], future: Future[None]
    ) -> Iterator[IndexedSource]:
        future.result()
        wanted = {source.path for source in group}
        for errand in errands:
            if errand.link.failed is not None:
                self.errors.setdefault(errand.link.about.root, errand.link.failed)
            for path in errand.brought:
                if path not in wanted:
                    self.done(path)
        for source in group:
            about = self._archives.get(source.path.parent)
            if about is None:
                yield source
            elif source.path.exists():
                # It may come in another transfer syntax; its UID says that it is the same image.
                yield source._replace(part=None)
            elif about.root not in self.errors:
                self.lost.add(source.id)
                yield source._replace(part=None)


def _begun(errands: list[_Errand], turn: Lock, stop: Event) -> Future[None]:
    """Fetch in a thread, one at a time; return what tells when it is done."""
    future: Future[None] = Future()

    def work() -> None:
        with turn:
            try:
                _run(errands, stop)
                future.set_result(None)
            except BaseException as error:
                future.set_exception(error)

    # A daemon, and so no pool, for which a process that ends would wait.
    Thread(target=work, name="archive", daemon=True).start()
    return future


def _run(errands: Iterable[_Errand], stop: Event) -> None:
    """Fetch until ``stop``; called in a thread of its own, so that nothing here touches a database."""
    for errand in errands:
        try:
            if errand.link.failed is None and not stop.is_set():
                _fetch(errand, stop)
        except GoneError:  # deleted meanwhile: its other images are
            continue
        except ArchiveError as error:
            errand.link.failed = error
        except OSError as error:
            errand.link.failed = ArchiveError(
                f"{errand.link.about.folder}: {error.strerror}; the files of the archive need room there"
            )


def _fetch(errand: _Errand, stop: Event) -> None:
    folder, ids = errand.link.about.folder, {uid: id for id, uid in errand.wanted.items()}
    wanted = None if errand.is_whole else list(ids)
    for file in errand.link.archive.files(errand.series, folder, wanted):
        # A whole series brings images too that were not asked for; they may be needed a moment later.
        place = folder / (ids.get(file.uid) or errand.link.uids.id_of(file.uid))
        file.path.replace(place)
        errand.brought.append(place)
        if stop.is_set():
            return
