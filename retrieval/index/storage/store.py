"""The store: an index folder that is open, with its catalogue, its lock, and its folders of arrays."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import IndexFolderError
from ...rankers.array_files import load_arrays, save_arrays, sync_folder
from ...readers.window import Window
from ...representation import Arrays, Representation
from ..catalogue.database import FILE, Catalogue
from ..catalogue.recipe import Factories, derived, make, recipe_hash, recipe_settings
from ..catalogue.representations import StoredRepresentation, bindings, segments
from .lock import WriterLock

_FOLDERS = ("segments", "models")


class Store:
    """Hold an open index folder.

    Parameters
    ----------
    folder : the index.
    factories : what makes representations of a name; the entry points where it is not among them.
    lock : held where the store may be written to.
    """

    def __init__(
        self, folder: Path, catalogue: Catalogue, factories: Factories, lock: WriterLock | None
    ) -> None:
        self.folder = folder
        self.catalogue = catalogue
        self.factories = factories
        self.salt = bytes.fromhex(catalogue.meta("salt"))
        self.given: dict[str, Representation] = {}
        """The representations that were enrolled by this process, by name: they know more than settings."""
        self._lock = lock

    @classmethod
    def create(cls, folder: Path, window: Window, factories: Factories) -> Store:
        """Make a new index in a folder that is not there or is empty."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            found = {path.name for path in folder.iterdir()}
        except OSError as error:
            raise IndexFolderError(f"{folder}: cannot make an index here ({error.strerror})") from error
        # What a making that was interrupted leaves behind may be there.
        if strangers := found - {FILE, f"{FILE}-journal", "lock", *_FOLDERS}:
            raise IndexFolderError(
                f"{folder}: holds other things ({min(strangers)}); give an empty or a new folder"
            )
        lock = WriterLock(folder)
        try:
            if Catalogue.is_born(folder):
                raise IndexFolderError(f"{folder}: is an index already; open it, or give a new folder")
            for name in _FOLDERS:
                (folder / name).mkdir(exist_ok=True)
            meta = {"window": window.text, "salt": secrets.token_hex(16)}
            return cls(folder, Catalogue.create(folder, meta), factories, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path, write: bool, factories: Factories) -> Store:
        """Open an index; for writing, sweep what an interrupted writer left behind."""
        if not write:
            return cls(folder, Catalogue.open(folder), factories, None)
        Catalogue.open(folder).close()
        lock = WriterLock(folder)
        try:
            store = cls(folder, Catalogue.open(folder, write=True), factories, lock)
            store.sweep()
            return store
        except BaseException:
            lock.release()
            raise

    @property
    def window(self) -> Window:
        """How the values of all pictures become grey levels."""
        return Window.parse(self.catalogue.meta("window"))

    @property
    def is_writable(self) -> bool:
        """Tell whether this process holds the lock."""
        return self._lock is not None

    def check_writable(self) -> None:
        """Raise IndexFolderError where the index was opened for reading only."""
        if self._lock is None:
            raise IndexFolderError(f"{self.folder}: opened for reading; open it with IndexWriter")

    def new_folder(self, kind: str) -> Path:
        """Return the path of a folder that is not there yet, among the ``segments`` or ``models``."""
        return self.folder / kind / secrets.token_hex(8)

    def save_model(self, arrays: Arrays) -> str | None:
        """Write learnt arrays to a new folder and return its name; None where there are none."""
        if not arrays:
            return None
        folder = self.new_folder("models")
        save_arrays(folder, arrays)
        sync_folder(folder.parent)
        return folder.name

    def representation(self, binding: StoredRepresentation) -> Representation:
        """Make a fitted representation again, and verify that it is the one that the index was made with.

        Raises
        ------
        IndexFolderError : not installed, or its settings or learnt arrays are not those of the recipe.
        """
        representation = self._made(binding)
        learnt: Mapping[str, Any] = {}
        if binding.model is not None:
            learnt = load_arrays(self.folder / "models" / binding.model)
        recipe = recipe_hash(self.window.text, binding.name, recipe_settings(representation), learnt)
        if recipe != binding.recipe:
            raise IndexFolderError(
                f"{self.folder}: {binding.name} is not the one that this index was made with (its settings "
                "or what it learnt differ from the recipe); restore the index, or index again"
            )
        return representation.restore(learnt) if learnt else representation

    def _made(self, binding: StoredRepresentation) -> Representation:
        """Make a representation that learnt nothing yet; one that is derived gets its base as it is now."""
        if binding.base is None:
            return make(binding.name, binding.settings, self.factories)
        bases = [b for b in bindings(self.catalogue) if b.name == binding.base and not b.is_next]
        if not bases or bases[0].recipe != binding.settings.get("base_recipe"):
            raise IndexFolderError(
                f"{self.folder}: {binding.name} was learnt on another {binding.base} than the one that is "
                "here now; learn it again with `semblance learn-metric`"
            )
        return derived(self.representation(bases[0]), binding.name, binding.settings)

    def sweep(self) -> None:
        """Delete the folders of arrays that the catalogue does not know."""
        known = {s.folder for s in segments(self.catalogue)}
        known |= {b.model for b in bindings(self.catalogue) if b.model is not None}
        for kind in _FOLDERS:
            (self.folder / kind).mkdir(exist_ok=True)
            for folder in (self.folder / kind).iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of the catalogue and of the lock."""
        self.catalogue.close()
        if self._lock is not None:
            self._lock.release()
