"""A snapshot: an index as one commit left it, opened for questions.

The order of the images and the list of segments are read at once, from one commit. Names, segments and
columns are read when first asked for, and by then a writer may have merged or deleted them. Whoever asks gets
``MovedOnError`` then and takes a new snapshot (``Index.ask``): readers hold no lock, and a writer never waits
for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import REPAIR, IndexFolderError, NoThumbnailError
from ...picture import Picture
from ...ranker import Ids
from ...representation import Representation
from ..catalogue.chosen_rankers import chosen_rankers
from ..catalogue.database import Catalogue
from ..catalogue.engine_copies import stored_copies
from ..catalogue.learned_fusions import own_rule, read_fusions
from ..catalogue.names import numbers_by_name
from ..catalogue.people import kept_people
from ..catalogue.pictures import Entry, entry, pages_of_rows, shapes
from ..catalogue.representations import StoredRepresentation, segments, stored_representations
from .columns import Columns
from .engines import Engines
from .image_names import ImageNames
from .missing import no_image
from .reading import read_indexed
from .segments import EVIDENCE, Rows, find_rows
from .snapshot_rankers import MovedOnError, SnapshotRankers
from .stack_positions import StackPositions
from .store import Store

T = TypeVar("T")
_MANY = 500
"""For more entries than this, the columns of all images are read at once instead of one row for each."""


class Snapshot(SnapshotRankers):
    """Answer questions about one commit of an index.

    An image's position is its place in the order of all names. Rankers rank positions, so that equal scores
    are ordered by name, independent of the order of indexing.

    Attributes
    ----------
    names : in order.
    ids : int64 (n,), the number of each image in the catalogue, by position.
    stored : the representations, by name.
    fusions : the learned weights of fusions.
    rule : of fusion, where nobody names one.
    kept : a cache of results for this commit, by the key of whoever computed them.
    restored : the representations that were asked for, by their recipes, for the snapshot of the next commit.
    lacking : which images cannot be found now, in a sentence; empty if all can.
    """

    def __init__(
        self,
        store: Store,
        restored: Mapping[str, Representation] | None = None,
        engines: Engines | None = None,
    ) -> None:
        super().__init__(store, restored, engines)
        # All in one snapshot of SQLite, and nothing large: it makes writers wait with their commits.
        with store.catalogue.snapshot():
            store.catalogue.check()
            self.generation = store.catalogue.generation
            self.ids = numbers_by_name(store.catalogue)
            self.stored: Mapping[str, StoredRepresentation] = {
                b.name: b for b in stored_representations(store.catalogue) if not b.is_next
            }
            self._segments = segments(store.catalogue)
            self.fusions, self.rule = read_fusions(store.catalogue), own_rule(store.catalogue)
            self._chosen = chosen_rankers(store.catalogue)
            self._copies = stored_copies(store.catalogue)
        self.names = ImageNames(store.catalogue, self.ids, self.generation)
        recipes = {one.recipe for one in self.stored.values()}
        self.restored = {one: made for one, made in dict(restored or {}).items() if one in recipes}
        self._evidence: dict[str, list[Rows]] = {}
        self.kept: dict[tuple[str, ...], Any] = {}
        self.lacking = ""

    def __len__(self) -> int:
        return len(self.ids)

    def position(self, name: str) -> int:
        """Return the position of an image. Raise SettingError if there is none of that name."""
        if (found := self.names.find(name)) is not None:
            return found
        raise no_image(name, self.names)

    def evidence(self, name: str, position: int) -> NDArray[np.void] | None:
        """Return the local evidence of an image, (n,) structured; None if there is none."""
        if name not in self._evidence:
            folders = self._folders(self.stored_representation(name).id)
            self._evidence[name] = self._read(
                lambda: [Rows(f / EVIDENCE) for f in folders if (f / EVIDENCE).is_dir()]
            )
        return find_rows(self._evidence[name], int(self.ids[position]))

    def evidences(self, name: str, positions: Ids) -> list[NDArray[np.void] | None]:
        """Return the local evidence of several images."""
        return [self.evidence(name, position) for position in positions.tolist()]

    @property
    def available(self) -> NDArray[np.bool_]:
        """Which images can be found now, bool (n,) by position: all, but for shards that are away."""
        return np.ones(len(self), dtype=bool)

    def thumbnail(self, position: int) -> bytes:
        """Return the thumbnail of an image, a JPEG. Raise IndexFolderError if it is lost.

        NoThumbnailError if the index keeps none.
        """
        found = find_rows(self._thumbnails, int(self.ids[position]))
        if found is None and self._store.privacy.thumbnails == "off":
            raise NoThumbnailError(
                "this index keeps no thumbnails (--thumbnails off), and maps, baselines and the search for "
                "near-duplicates are made of them; leave these out, or index anew with thumbnails"
            )
        if found is None:
            raise IndexFolderError(f"{self.names[position]}: its thumbnail is lost; {REPAIR}")
        return found.tobytes()

    def thumbnails(self, positions: Sequence[int]) -> list[bytes]:
        """Return the thumbnails of several images; see ``thumbnail``."""
        return [self.thumbnail(position) for position in positions]

    @cached_property
    def _thumbnails(self) -> list[Rows]:
        return self._read(lambda: [Rows(folder) for folder in self._folders(None)])

    @property
    def catalogue(self) -> Catalogue:
        """What SQLite keeps, with the key of its hashes, and how it keeps names."""
        return self._store.catalogue

    @cached_property
    def columns(self) -> Columns:
        """What is known of every image, by position."""
        catalogue = self._store.catalogue
        with catalogue.snapshot():
            # Rows of a later commit would not fit the positions of this one.
            self._check_same()
            pages = pages_of_rows(catalogue)
            return Columns(self.names.all(), pages, catalogue.key, lambda: kept_people(catalogue))

    @cached_property
    def sources(self) -> Ids:
        """The number of the file of each image in the catalogue, int64 (n,), by position."""
        catalogue = self._store.catalogue
        with catalogue.snapshot():
            self._check_same()
            by_number = catalogue.numbers("SELECT source FROM picture ORDER BY id")
        found = np.empty(len(self), dtype=np.int64)
        found[np.argsort(self.ids)] = by_number
        return found

    @cached_property
    def stack_positions(self) -> StackPositions:
        """The case and the stack that each image belongs to."""
        return StackPositions(self.columns, self.names.all())

    def read(self, name: str, lent: Path | None = None) -> Picture:
        """Read an indexed image again from its file. Raise PictureError if that is not possible."""
        return read_indexed(self._store, name, self.entry(self.position(name)).source, lent)

    def shapes(self, positions: Ids) -> NDArray[np.int64]:
        """Return rows and columns of images in pixels, int64 (n, 2)."""
        found = shapes(self._store.catalogue, self.ids[positions].tolist())
        if found is None:  # deleted by a later commit
            raise MovedOnError
        return found

    def entries(self, positions: Sequence[int]) -> list[Entry]:
        """Return what is known of some images."""
        if len(positions) > _MANY:
            _ = self.columns  # one query of the catalogue for all of them
        return [self.entry(position) for position in positions]

    def entry(self, position: int) -> Entry:
        """Return what is known of one image."""
        if "columns" in self.__dict__:  # the cached property was asked for before
            return self.columns.entry(position)
        found = entry(self._store.catalogue, int(self.ids[position]))
        if found is None:  # deleted by a later commit
            raise MovedOnError
        return found

    def cached(self, key: tuple[str, ...], compute: Callable[[], T]) -> T:
        """Return what is computed of this commit under a key, the first time it is asked for."""
        if key not in self.kept:
            self.kept[key] = compute()
        found: T = self.kept[key]
        return found
