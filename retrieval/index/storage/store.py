"""The store: an open index folder, with its catalogue, its writer lock, and its folders of arrays."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import REPAIR, IndexFolderError
from ...rankers.array_files import load_arrays, save_arrays, sync_folder
from ...rankers.block_sums import write_sums
from ...readers.pseudonym import Key
from ...readers.tiling import Tiling
from ...readers.window import Window
from ...representation import Arrays, Representation
from ..catalogue.connection import FILE, on_error
from ..catalogue.database import Catalogue
from ..catalogue.hidden_names import Names
from ..catalogue.learned_fusions import RULE
from ..catalogue.migration import migrate
from ..catalogue.page_sums import NAMES
from ..catalogue.privacy import Privacy
from ..catalogue.recipe import Factories, derived, make, recipe_hash, recipe_settings
from ..catalogue.representations import StoredRepresentation, segments, set_aside, stored_representations
from ..catalogue.schema import PRIVACY
from ..catalogue.split_marks import refuse_change, refuse_head
from .key_of_index import key_of, move_out, new_key_rows
from .lock import WriterLock

ALL_KEPT = Privacy()
_FOLDERS = ("segments", "models")


class Store:
    """Hold an open index folder.

    Parameters
    ----------
    folder : the index.
    catalogue : its SQLite file.
    factories : makers of representations by name; the entry points have the rest.
    lock : None if the index was opened for reading only.

    Attributes
    ----------
    given : the representations that this process registered, by name. They know more than their settings: a
        network can be in memory already.
    """

    def __init__(
        self, folder: Path, catalogue: Catalogue, factories: Factories, lock: WriterLock | None
    ) -> None:
        self.folder = folder
        self.catalogue = catalogue
        self.factories = factories
        catalogue.key = key_of(catalogue)
        catalogue.names = Names(catalogue.key, self.privacy.names == "hash")
        self.given: dict[str, Representation] = {}
        self._lock = lock

    @classmethod
    def create(cls, folder: Path, window: Window, factories: Factories, privacy: Privacy = ALL_KEPT) -> Store:
        """Make a new index in a folder that does not exist or is empty. Raise IndexFolderError otherwise."""
        # Within another index its files would be strays, which no `compact` of that one removes.
        if around := next((one for one in folder.resolve().parents if (one / FILE).is_file()), None):
            raise IndexFolderError(
                f"{folder}: lies within another index, {around}; name a place outside of it"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            found = {path.name for path in folder.iterdir()}
        except OSError as error:
            raise IndexFolderError(f"{folder}: cannot make an index here ({error.strerror})") from error
        # What an interrupted `create` leaves behind may be there: the same command can be run again.
        if strangers := found - {FILE, f"{FILE}-journal", *NAMES, "lock", *_FOLDERS}:
            raise IndexFolderError(
                f"{folder}: holds other things ({min(strangers)}); give an empty or a new folder"
            )
        lock = WriterLock(folder)
        with on_error(lock.release):
            # Asked under the lock: another process may have made an index here a moment ago.
            if Catalogue.is_born(folder):
                raise IndexFolderError(f"{folder}: is an index already; open it, or give a new folder")
            for name in _FOLDERS:
                (folder / name).mkdir(exist_ok=True)
            meta = {"window": window.text, **RULE, **PRIVACY, **asdict(privacy), **new_key_rows(folder)}
            # The catalogue is last: before its first commit the folder is no index yet.
            return cls(folder, Catalogue.create(folder, meta), factories, lock)

    @classmethod
    def open(cls, folder: Path, write: bool, factories: Factories) -> Store:
        """Open an index; for writing, first delete what an interrupted writer left behind."""
        if not write:
            store = cls.open_head(folder, factories)
            with on_error(store.close):
                refuse_head(store.catalogue, folder)
                return store
        # Opened for reading first: a folder that is no index must not get a file `lock`.
        Catalogue.open(folder).close()
        lock = WriterLock(folder)
        with on_error(lock.release):
            catalogue = Catalogue.open(folder, write=True)
            with on_error(catalogue.close):
                # Before the migration, which hashes names.
                catalogue.key = key_of(catalogue)
                refuse_head(catalogue, folder)
                refuse_change(catalogue, folder)
                _require_key(catalogue)
                migrate(catalogue)
                is_moved = move_out(catalogue)
                store = cls(folder, catalogue, factories, lock)
                store.sweep()
                if is_moved:
                    catalogue.rewrite()  # nothing of the key may stay in what was overwritten
                return store

    @classmethod
    def open_head(cls, folder: Path, factories: Factories) -> Store:
        """Open an index for reading, be it the head of shards too."""
        catalogue = Catalogue.open(folder)
        with on_error(catalogue.close):
            return cls(folder, catalogue, factories, None)

    @property
    def salt(self) -> Key:
        """The key of the hashes that replace names."""
        return self.catalogue.key

    @property
    def privacy(self) -> Privacy:
        """What the index keeps besides vectors."""
        return Privacy.of(self.catalogue)

    @property
    def window(self) -> Window:
        """How the values of all images become grey levels."""
        return Window.parse(self.catalogue.meta("window"))

    @property
    def also(self) -> frozenset[str]:
        """The kinds of files that are indexed besides images of patients; keys of ``readers.kinds.ALSO``."""
        found = self.catalogue.rows("SELECT value FROM meta WHERE key = 'also'")
        return frozenset(str(found[0][0]).split()) if found else frozenset()

    @property
    def tiling(self) -> Tiling | None:
        """How slides are cut into tiles; None reads their first level as one image."""
        found = self.catalogue.rows("SELECT value FROM meta WHERE key = 'tiling'")
        return Tiling.parse(str(found[0][0])) if found else None

    def check_writable(self) -> None:
        """Raise IndexFolderError if the index was opened for reading only."""
        if self._lock is None:
            raise IndexFolderError(f"{self.folder}: opened for reading; open it with IndexWriter")

    def new_folder(self, kind: str) -> Path:
        """Return the path of a folder that does not exist yet, among the ``segments`` or ``models``."""
        # Random, not counted: the name of a folder that was deleted is never used again, so that a reader of
        # an older commit cannot mistake new files for those it expects.
        return self.folder / kind / secrets.token_hex(8)

    def save_model(self, arrays: Arrays) -> str | None:
        """Write learnt arrays to a new folder and return its name; None if there are none."""
        if not arrays:
            return None
        folder = self.new_folder("models")
        save_arrays(folder, arrays)
        write_sums(folder)
        sync_folder(folder)
        sync_folder(folder.parent)  # the entry of the folder itself
        return folder.name

    def representation(self, stored: StoredRepresentation) -> Representation:
        """Restore a fitted representation, and verify that the index was made with this one.

        Raises
        ------
        IndexFolderError : not installed, or its settings or learnt arrays are not those of the recipe.
        """
        representation = self._made(stored)
        learnt: Mapping[str, Any] = {}
        if stored.model is not None:
            learnt = load_arrays(self.folder / "models" / stored.model)
        recipe = recipe_hash(self.window.text, stored.name, recipe_settings(representation), learnt)
        if recipe != stored.recipe:
            raise IndexFolderError(
                f"{self.folder}: {stored.name} is not the one that this index was made with (its settings "
                f"or what it learnt differ from the recipe); {REPAIR}"
            )
        return representation.restore(learnt) if learnt else representation

    def unlearnt(self, stored: StoredRepresentation) -> Representation:
        """Make a representation without what it learnt, quickly; its base may be of another recipe by now.

        Raises IndexFolderError if it is not installed, or refuses its settings.
        """
        if stored.base is None:
            return make(stored.name, stored.settings, self.factories)
        bases = [one for one in stored_representations(self.catalogue) if one.name == stored.base]
        if not bases:
            raise IndexFolderError(f"{self.folder}: {stored.name} lacks {stored.base}; {REPAIR}")
        return derived(self.unlearnt(bases[0]), stored.name, stored.settings)

    def _made(self, stored: StoredRepresentation) -> Representation:
        """Make a representation without what it learnt; a derived one gets its base as it is now."""
        if stored.base is None:
            return make(stored.name, stored.settings, self.factories)
        bases = [b for b in stored_representations(self.catalogue) if b.name == stored.base and not b.is_next]
        # A projection fits only the vectors it was learnt on.
        if not bases or bases[0].recipe != stored.settings.get("base_recipe"):
            raise IndexFolderError(
                f"{self.folder}: {stored.name} was learnt on another {stored.base} than the one that is "
                "here now; learn it again with `semblance learn-metric`"
            )
        return derived(self.representation(bases[0]), stored.name, stored.settings)

    def sweep(self) -> None:
        """Delete the folders of arrays that no commit names: what a killed or failed writer left."""
        known = {s.folder for s in segments(self.catalogue)}
        found = (*stored_representations(self.catalogue), *set_aside(self.catalogue))
        known |= {b.model for b in found if b.model is not None}
        for kind in _FOLDERS:
            (self.folder / kind).mkdir(exist_ok=True)
            for folder in (self.folder / kind).iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Close the catalogue, then release the lock."""
        self.catalogue.close()
        if self._lock is not None:
            self._lock.release()


def _require_key(catalogue: Catalogue) -> None:
    if not catalogue.key.is_known:
        raise IndexFolderError(
            f"{catalogue.folder}: its key ({catalogue.meta('key')}) is not at hand, and without it "
            "nothing can be added or removed; give --key FILE"
        )
