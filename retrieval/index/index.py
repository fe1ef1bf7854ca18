"""The index: a folder on disk with the catalogue of pictures and one or more representations of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from ..answers.knn import UNSURE, Classification
from ..errors import IndexFolderError
from ..metadata.label_table import LabelTable
from ..picture import Picture
from ..readers.window import Window
from ..representation import Representation, Vector
from .catalogue import pictures
from .catalogue.files import sources_at
from .catalogue.learned_fusions import LearntFusion
from .catalogue.pictures import Entry
from .catalogue.recipe import Factories
from .catalogue.representations import bindings
from .info import info
from .progress import Progress, silent
from .reading import read_file, read_indexed
from .search.classify import classify
from .search.query import answer
from .search.query_options import Hit, QueryKeywords, QueryOptions
from .search.volume import answer_volume
from .storage.erasure import clean, leftovers
from .storage.merge import compact
from .storage.snapshot import MovedOnError, Snapshot
from .storage.store import Store
from .storage.verify import verify
from .update.registration import register_representation, require_window
from .update.run import UpdateReport, update

T = TypeVar("T")
_PATIENCE = 20  # new snapshots, while a writer publishes one commit after the other


class Index:
    """Open, ask and change an index. Use it in a ``with`` block, or ``close`` it.

    Any number of processes may read while one writes. Reading answers from the commit that was the newest
    when the index was opened, or from a newer one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._taken: Snapshot | None = None

    @classmethod
    def create(
        cls, folder: Path, *, window: Window | None = None, factories: Factories | None = None
    ) -> Self:
        """Make a new, empty index and open it for writing.

        Parameters
        ----------
        folder : is not there yet, or is empty.
        window : how the values of all pictures and queries become grey levels; ``auto`` where it is None.
        factories : what makes representations of a name, besides the entry points.

        Raises
        ------
        IndexFolderError : the folder holds something already, or cannot be written to.
        """
        return cls(Store.create(Path(folder), window or Window(), factories or {}))

    @classmethod
    def open(cls, folder: Path, *, write: bool = False, factories: Factories | None = None) -> Self:
        """Open an index; for reading it is never changed, for writing no other process may write to it.

        Raises
        ------
        IndexFolderError : no index, a newer format, a damaged one, or another process writes to it.
        """
        return cls(Store.open(Path(folder), write, factories or {}))

    @property
    def window(self) -> Window:
        """How values become grey levels, in all pictures and queries."""
        return self._store.window

    @property
    def names(self) -> Sequence[str]:
        """The names of all pictures, in order."""
        return self._snapshot.names

    @property
    def representations(self) -> Sequence[str]:
        """The names of the representations, in the order in which they were added."""
        return list(self._snapshot.bindings)

    @property
    def fusions(self) -> Sequence[LearntFusion]:
        """The weights of fusions that were learnt, and what they were worth then."""
        return list(self._snapshot.fusions)

    def __len__(self) -> int:
        return len(self._snapshot)

    def __contains__(self, name: object) -> bool:
        return name in self._snapshot.positions

    def add_representation(self, representation: Representation) -> None:
        """Add a representation; ``update`` fits it and encodes with it. One that is there already is kept.

        Raises
        ------
        IndexFolderError : one of that name is there with other settings, or learnt something else.
        """
        self._store.check_writable()
        register_representation(self._store, representation)
        self._taken = None

    def require_window(self, window: Window) -> None:
        """Take a window where no picture was ever indexed; raise IndexFolderError where it is another."""
        require_window(self._store, window)
        self._taken = None

    def update(
        self,
        folders: Sequence[Path],
        *,
        jobs: int | None = None,
        labels: LabelTable | None = None,
        progress: Progress | None = None,
        refit: bool = False,
    ) -> UpdateReport:
        """Bring the index up to date with folders, reading only what is new or changed.

        Parameters
        ----------
        folders : or single files. What is gone from them is forgotten; other indexed folders are left as they
            are. A folder that was moved is recognised by its files. With none, only what is unfinished is
            done.
        jobs : processes; as many as there are cores where it is None, none besides this one for 1.
        labels : applies to pictures that are indexed already as well.
        refit : let every representation learn again; the old ones answer until all is encoded anew.

        Raises
        ------
        SettingError : a folder is not there. IndexFolderError : an indexed one is not there any more, or is
            empty.
        FitError : there is too little to learn from.
        KeyboardInterrupt : what was done is kept, and the next update goes on from there.
        """
        try:
            places = [Path(folder) for folder in folders]
            return update(
                self._store, places, jobs=jobs, labels=labels, progress=progress or silent, refit=refit
            )
        finally:
            self._taken = None

    def query(self, query: Picture | str, **terms: Unpack[QueryKeywords]) -> list[Hit]:
        """Rank the indexed pictures by how much they look like a picture, best first.

        Parameters
        ----------
        query : a picture, or the name of an indexed one, whose stored vector is used; its file is read only
            where there is a region, or a setting is adjusted.
        terms : ``by``, ``k``, ``region``, ``where``, ``group_by`` and all others of ``QueryOptions``.

        Raises
        ------
        SettingError : a name, column, representation, condition or number that makes no sense.
        PictureError : the query's file is needed, and cannot be read.
        """
        asked = QueryOptions(**terms)
        pixels = self.read(query) if isinstance(query, str) and (asked.region or asked.adjust) else None
        return self.ask(lambda snapshot: answer(snapshot, query, pixels, asked))

    def query_volume(self, slices: Sequence[Picture | str], **terms: Unpack[QueryKeywords]) -> list[Hit]:
        """Rank cases by how much they look like all slices of a volume together; see ``answer_volume``.

        ``slices`` are in the order of the volume, and all of one case; cases are series unless ``group_by``
        says otherwise. Raises SettingError as ``query`` does, and where there is no slice, or a region.
        """
        return self.ask(lambda snapshot: answer_volume(snapshot, slices, QueryOptions(**terms)))

    def classify(
        self,
        query: Picture | str,
        *,
        label_of: str = "label",
        unsure: float = UNSURE,
        **terms: Unpack[QueryKeywords],
    ) -> Classification:
        """Say what a picture is called after the labelled ones most like it; see ``index.classify``."""
        return self.ask(lambda snapshot: classify(snapshot, query, QueryOptions(**terms), label_of, unsure))

    def read(self, name: str) -> Picture:
        """Read an indexed picture again from its file. Raise PictureError where that is not possible."""
        source = self.ask(lambda snapshot: snapshot.entry(snapshot.position(name)).source)
        return read_indexed(self._store, name, source)

    def read_query(self, path: Path, frames: Collection[int] | None = None) -> Iterator[Picture]:
        """Read the pictures of any file as this index reads its own. PictureError where that fails."""
        return read_file(self._store, Path(path), frames)

    def names_at(self, path: Path) -> list[str]:
        """Return the names of the pictures that a file on disk holds in this index; none where it is in none.

        It is known by its place in any indexed folder, or through a link; the names of its own place first.
        """
        found = sources_at(self._store.catalogue, Path(path))
        return [n for s in found for n in pictures.known_pictures(self._store.catalogue, s) if n in self]

    def picture(self, name: str) -> Entry:
        """Return what is known of a picture. Raise SettingError where there is none of that name."""
        return self.ask(lambda snapshot: snapshot.entry(snapshot.position(name)))

    def pictures(self) -> Iterator[Entry]:
        """Yield what is known of every picture, in the order of their names."""
        columns = self.ask(lambda snapshot: snapshot.columns)
        yield from (columns.entry(position) for position in range(len(self)))

    def vector(self, name: str, by: str) -> Vector:
        """Return the vector of a picture. Raise SettingError where there is none."""
        vector: Vector = self.ask(lambda s: s.ranker(by).vector(s.position(name)))
        return vector

    def evidence(self, name: str, by: str) -> NDArray[np.void] | None:
        """Return the local evidence of a picture, (n,) structured; None where the representation has none."""
        return self.ask(lambda snapshot: snapshot.evidence(by, snapshot.position(name)))

    def representation(self, name: str) -> Representation:
        """Return a fitted representation of the index. Raise SettingError where there is no such one."""
        return self.ask(lambda snapshot: snapshot.representation(name))

    def thumbnail(self, name: str) -> bytes:
        """Return a small JPEG of a picture, its longest side 192 pixels at most."""
        return self.ask(lambda snapshot: snapshot.thumbnail(snapshot.position(name)))

    def remove(self, names: Sequence[str]) -> int:
        """Take pictures out, and remember it: updates bring them back only when their file changes.

        A name is that of a picture, of a file (all its frames), or of a folder, with ``/`` at its end.
        Returns how many pictures went; their vectors stay on disk, unseen, until ``compact``. Raises
        SettingError, and removes nothing, where a name is not there.
        """
        self._store.check_writable()
        with self._store.catalogue.transaction():
            n = pictures.remove(self._store.catalogue, names)
        self._taken = None
        return n

    def compact(self) -> None:
        """Rewrite the index, in as few segments as can be; nothing in its folder holds what was removed."""
        self._store.check_writable()
        fitted = [b for b in bindings(self._store.catalogue) if b.is_fitted]
        compact(self._store, {b.id: self._store.representation(b) for b in fitted})
        clean(self._store)
        self._taken = None

    def verify(self) -> list[str]:
        """Read everything and return what is wrong, a line each; nothing where the index is whole."""
        return verify(self._store)

    def leftovers(self, names: Sequence[str] = ()) -> list[str]:
        """Read everything and return what is left of removed pictures, a line each; of ``names`` in any byte.

        Nothing is left after ``compact``.
        """
        return leftovers(self._store, names)

    def info(self) -> Mapping[str, Any]:
        """Return counts, sizes, and the representations with settings, recipe hash and their report."""
        return info(self._store)

    def refresh(self) -> None:
        """Answer from the newest commit from now on."""
        self._taken = None

    def close(self) -> None:
        """Let go of the folder."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _snapshot(self) -> Snapshot:
        if self._taken is None:
            self._taken = Snapshot(self._store)
        return self._taken

    def ask(self, question: Callable[[Snapshot], T]) -> T:
        """Ask the snapshot a question; where a writer has merged away what it speaks of, ask a newer one."""
        for _ in range(_PATIENCE):
            try:
                return question(self._snapshot)
            except MovedOnError:
                self._taken = None
        raise IndexFolderError(f"{self._store.folder}: changes too fast to be read; try again later")
