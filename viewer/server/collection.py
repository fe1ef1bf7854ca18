"""The indexes that are served, each warm, and taken up anew when a writer makes a commit."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from retrieval.errors import SemblanceError
from retrieval.index.catalogue.connection import FILE, on_error
from retrieval.index.catalogue.database import Catalogue
from scale.shards.plan import folder_of, lists_shards

from .opened import Opened
from .saved import Saved


def practise(step: Callable[[], object]) -> None:
    """Take a step that prepares questions; one that fails is no fault: a file may have gone."""
    with suppress(SemblanceError):
        step()


class Collection:
    """One index, in a folder or in shards.

    Parameters
    ----------
    id : what it is called in addresses.
    folder : the index, or its ``shards.toml``.

    Attributes
    ----------
    now : the newest commit that is warm. Take it once for each question, and keep it until that is answered:
        the index is closed when nobody has it any more.
    saved : what users leave beside it.

    Raises
    ------
    IndexFolderError : no index, a newer format, or a damaged one.
    """

    def __init__(self, id: str, folder: Path) -> None:
        self.id, self.folder = id, folder
        self.name = _name(folder)
        self.now = Opened(folder)
        self.saved = Saved(folder)
        self._place = _place(folder)
        self._catalogue, self._looked = Catalogue.open(folder_of(folder)), self._place
        self._turn = threading.Lock()
        self._is_closed = False

    def load_quick(self) -> None:
        """Load what needs no network, so that it answers at once."""
        self.now.load_if_possible(self._quick)

    def practice(self) -> Iterator[Callable[[], object]]:
        """Yield short steps for ``practise``: all kinds of questions to what needs no network."""
        return self.now.practice(self._quick)

    def load(self) -> None:
        """Load all representations, networks last, and prepare all kinds of questions for those."""
        self.now.load_if_possible(self.now.waiting)
        for step in self.now.practice([name for name in self.now.in_order if self.now.is_slow(name)]):
            practise(step)

    @property
    def _quick(self) -> list[str]:
        return [name for name in self.now.in_order if not self.now.is_slow(name)]

    def close(self) -> None:
        """Stop looking for commits, once nobody is at it: SQLite crashes if it is closed while it answers."""
        with self._turn:
            self._is_closed = True
            self._catalogue.close()

    def take_up(self) -> bool:
        """Take up a newer commit if there is one, warm before any question meets it; tell whether there was.

        The last commit goes on answering if the folder cannot be read, and while the new one is warmed.
        """
        with self._turn:
            if self._is_closed:
                return False
            try:
                return self._take_up()
            except (SemblanceError, OSError):  # a folder on a network drive may be away for a while
                return False

    def _take_up(self) -> bool:
        place = _place(self.folder)
        # An index that was made anew at the same place is another file, whose commits start from 0 again.
        if place != self._looked:
            # Opened before the last one is closed: this one may be damaged, and that one put back.
            catalogue = Catalogue.open(folder_of(self.folder))
            self._catalogue.close()
            self._catalogue, self._looked = catalogue, place
        if place == self._place and self._catalogue.generation == self.now.commit:
            return False
        # A new object rather than a refreshed one: questions under way end with the commit they began with.
        newer = Opened(self.folder, self.now)
        # What had been loaded stays loaded; the rest is loaded by whoever is at it.
        newer.load_if_possible(name for name in newer.in_order if name in self.now.loaded)
        newer.touch()
        self.now, self._place = newer, place
        return True


class Collections:
    """All indexes that are served, by their ids.

    Raises
    ------
    IndexFolderError : one of the folders is no index that can be read.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._by_id: dict[str, Collection] = {}
        with on_error(self.close):
            for folder in folders:
                id = self._free(_slug(_name(folder)))
                self._by_id[id] = Collection(id, folder)

    def __iter__(self) -> Iterator[Collection]:
        return iter(self._by_id.values())

    def close(self) -> None:
        """Stop looking for commits of all; see ``Collection.close``."""
        for collection in self:
            collection.close()

    def get(self, id: str) -> Collection | None:
        """Return the index of an id; None if there is none."""
        return self._by_id.get(id)

    def _free(self, wanted: str) -> str:
        # Two departments may both call their folder scans.index.
        names = [wanted, *(f"{wanted}-{n}" for n in range(2, len(self._by_id) + 3))]
        return next(name for name in names if name not in self._by_id)


def _name(place: Path) -> str:
    # Every list of shards is called shards.toml; its folder tells one from another.
    whole = place.resolve()
    return whole.parent.name if lists_shards(place) else whole.name


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "index"


def _place(folder: Path) -> tuple[int, int]:
    found = (folder_of(folder) / FILE).stat()
    return found.st_dev, found.st_ino
