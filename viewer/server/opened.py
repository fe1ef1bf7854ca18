"""One commit of an index, opened and warmed, and the addresses of its images."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from functools import cached_property, partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError, SemblanceError, SettingError
from retrieval.index import Index
from retrieval.index.catalogue.connection import on_error
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.search.encode_query import default_representations
from retrieval.index.storage.snapshot import Snapshot
from retrieval.metadata.groups import NAMED_IN_FILES
from retrieval.picture import Picture
from retrieval.readers.slides.reader import GROUP as SLIDE
from retrieval.region import Region
from retrieval.representation import family_of, needs_network
from scale.shards.opening import open_index
from scale.shards.plan import folder_of

from .closing import close_when_gone
from .problem import refusal_of

_Files = NDArray[np.int64]
"""The number of each image, and size and time of change of its file, (n, 3)."""
_NUMBER = re.compile(r"[0-9a-f]{1,15}(?=-)")
_KEY = 12
"""Bytes of an image's key: enough that no two of a billion images share one."""
_SIDE = 64
_FEW = 2
_PATIENCE = 20  # commits, while a writer makes one after the other


class Kind(NamedTuple):
    """Of a representation: its family, and whether it takes seconds to load."""

    family: str = "other"
    needs_network: bool = False


class Opened:
    """An index as one commit left it. A later commit is another object, so that no answer mixes two.

    Parameters
    ----------
    place : the index, a folder, or the ``shards.toml`` of one in shards.
    before : an earlier commit of it; the networks that it has loaded are not loaded again.

    Attributes
    ----------
    index : open for reading, never refreshed.
    commit : its number.
    failed : why representations could not be loaded, by name.

    Raises
    ------
    IndexFolderError : no index, a newer format, or a damaged one.
    """

    index: Index

    def __init__(self, place: Path, before: Opened | None = None) -> None:
        earlier = None if before is None else before.index
        self.index, self.commit, self._files = _of_one_commit(place, earlier)
        # Closed when the last question that was put to it has been answered.
        close_when_gone(self, self.index.close)
        self._lock = threading.Lock()
        self._loaded: set[str] = set()
        self.failed: dict[str, str] = {}

    @property
    def waiting(self) -> list[str]:
        """The representations that are still to be loaded."""
        return [name for name in self.in_order if name not in self._loaded and name not in self.failed]

    @property
    def loaded(self) -> frozenset[str]:
        """The representations that answer without delay."""
        return frozenset(self._loaded)

    def load(self, names: Iterable[str]) -> None:
        """Load representations, one after the other; those that are loaded cost nothing.

        Raises SettingError for one that is not there, IndexFolderError for a damaged one.
        """
        for name in names:
            # One at a time: two threads that restore the same network would do it twice.
            with self._lock:
                if name not in self._loaded:
                    self._warm(name)
                    self._loaded.add(name)

    def load_if_possible(self, names: Iterable[str]) -> None:
        """Load representations; of those that cannot be loaded, such as for want of a package, keep why."""
        for name in names:
            try:
                self.load([name])
            except SemblanceError as error:
                refused = refusal_of(error)
                self.failed[name] = str(error) if refused is None else refused.message

    def touch(self) -> None:
        """Read the columns of all images, if they are not; a plain question does without."""
        self.index.ask(lambda snapshot: snapshot.columns)

    def practice(self, names: Iterable[str]) -> Iterator[Callable[[], object]]:
        """Yield questions of all kinds, so that the first of each kind does not wait for kernels and readers.

        Each is short, and what a user waits for most comes first. SemblanceError where a file is not there
        any more, or a representation has no regions: that is no fault.
        """
        # A drawn image: every kernel meets the types of a real query, and nothing is said of any patient.
        drawn = Picture(np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32), "drawn")
        region = Region.box(8, 8, _SIDE - 16, _SIDE - 16)
        few = self.index.names[:_FEW]
        # An image is what the page wants first.
        if few:
            yield partial(self.index.read, few[0])
        for name in names if few else ():
            yield partial(self.index.query, drawn, by=[name], k=1)
            yield partial(self.index.query, drawn, by=[name], k=1, region=region, among=few)
        yield self.touch

    @cached_property
    def defaults(self) -> tuple[str, ...]:
        """The representations that answer a query that names none."""
        return tuple(self.index.ask(default_representations))

    @cached_property
    def in_order(self) -> tuple[str, ...]:
        """All fitted representations, networks last: they take longest to load."""
        return tuple(sorted(self.kinds, key=self.is_slow))

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """What each fitted representation says of itself, before it is loaded."""
        return self.index.ask(
            lambda s: {name: _kind(s, name) for name, one in s.stored.items() if one.is_fitted}
        )

    def is_slow(self, name: str) -> bool:
        """Tell whether a representation takes seconds to load, for the library of its network."""
        return self.kinds[name].needs_network

    @cached_property
    def columns(self) -> list[str]:
        """The names of all columns, in order."""
        return list(self.index.ask(lambda snapshot: snapshot.columns.names))

    @cached_property
    def groups(self) -> list[str]:
        """Of slide, patient, study and series those in which any image has a value."""
        columns = self.index.ask(lambda snapshot: snapshot.columns)
        # First: an index of slides is looked at slide by slide.
        names = [*([SLIDE] if self.index.tiling is not None else []), *NAMED_IN_FILES]
        return [name for name in names if any(columns.values(name))]

    def name_of(self, key: str) -> str | None:
        """Return the image that has a key; None if none has."""
        if (digits := _NUMBER.match(key)) is None:
            return None
        number = int(digits[0], 16)
        if (row := self._row(number)) is None or self._key(row) != key:
            return None
        # The snapshot knows the names: a catalogue may hold them hidden.
        return self.index.ask(lambda snapshot: _name(snapshot, number))

    def key_of(self, name: str) -> str:
        """Return the key of an image. Raise SettingError if there is none of that name."""
        # By its number: a later commit, by which the index may answer meanwhile, has other positions.
        number = self.index.ask(lambda snapshot: int(snapshot.ids[snapshot.position(name)]))
        if (row := self._row(number)) is None:
            raise SettingError(f"{name}: was indexed a moment ago; ask again")
        return self._key(row)

    def _row(self, number: int) -> int | None:
        row = int(np.searchsorted(self._files[:, 0], number))
        return row if row < len(self._files) and self._files[row, 0] == number else None

    def _key(self, row: int) -> str:
        of_image = self._files[row].tolist()
        hashed = blake2b(repr((self.index.window.text, of_image)).encode(), digest_size=_KEY).hexdigest()
        # The number finds the image, without a table of the hashes of all; the hash tells whether it is it.
        return f"{of_image[0]:x}-{hashed}"

    def _warm(self, name: str) -> None:
        """Ask with an image of the index, which touches all that most questions need."""
        self.index.representation(name)
        for image in self.index.names[:1]:
            # One that this representation has not encoded yet: an update was interrupted.
            with suppress(SettingError):
                try:
                    self.index.query(image, by=[name], k=1)
                except IndexFolderError:
                    # Its shard is away, and may be back when somebody asks; anything else is damage.
                    if not self.index.lacking:
                        raise


def _kind(snapshot: Snapshot, name: str) -> Kind:
    try:
        made = snapshot.unlearnt(name)
    except SemblanceError:  # its package is not installed: the error says so when it is to be loaded
        return Kind()
    return Kind(family_of(made), needs_network(made))


def _name(snapshot: Snapshot, number: int) -> str | None:
    """Return the name of the image that has a number; None if it is gone."""
    places = np.flatnonzero(snapshot.ids == number)
    return snapshot.names[int(places[0])] if len(places) else None


def _of_one_commit(place: Path, earlier: Index | None) -> tuple[Index, int, _Files]:
    """Open an index and read of which files its images are, both of one commit."""
    with closing(Catalogue.open(folder_of(place))) as catalogue:
        for _ in range(_PATIENCE):
            index = open_index(place)
            with on_error(index.close):
                index.refresh(earlier)
                # All names: if they were looked up later, an answer could be by a later commit than this.
                commit, _ = index.ask(lambda snapshot: (snapshot.generation, snapshot.names.all()))
                if (files := _files(catalogue, commit)) is not None:
                    return index, commit, files
            index.close()
    raise IndexFolderError(f"{place}: changes too fast to be read; try again later")


def _files(catalogue: Catalogue, commit: int) -> _Files | None:
    """Return what tells the files of all images, in order of number; None if the catalogue has moved on."""
    with catalogue.snapshot():
        if catalogue.generation != commit:
            return None
        rows = catalogue.rows(
            "SELECT p.id, s.size, s.mtime_ns FROM picture p JOIN source s ON s.id = p.source ORDER BY p.id"
        )
    # Numbers are never given twice in one index; files tell one index from the next at its place.
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 3)
