"""The rankers of a snapshot: its representations, and their segments, opened when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import REPAIR, IndexFolderError, SettingError
from ...ranker import Ids, Ranker
from ...rankers.engine_ranker import EngineRanker
from ...rankers.id_map import places_of
from ...representation import Derived, Representation
from ..catalogue.engine_copies import StoredCopy
from ..catalogue.representations import Segment, StoredRepresentation
from .engines import Engines
from .missing import remedy
from .ranker_choice import is_engine
from .segment_rankers import open_segments
from .store import Store

T = TypeVar("T")


class MovedOnError(Exception):
    """A writer has made a new commit, and what this snapshot refers to is gone; take a new snapshot."""


class SnapshotRankers:
    """Open the representations of one commit, and their rankers; see ``Snapshot``."""

    generation: int
    ids: Ids
    stored: Mapping[str, StoredRepresentation]
    _segments: Sequence[Segment]
    _chosen: Mapping[str, str]
    _copies: Mapping[str, StoredCopy]

    def __init__(
        self, store: Store, restored: Mapping[str, Representation] | None, engines: Engines | None
    ) -> None:
        self._store = store
        self._engines = Engines() if engines is None else engines
        self.restored = dict(restored or {})
        self._rankers: dict[str, Ranker] = {}

    def stored_representation(self, name: str) -> StoredRepresentation:
        """Return a fitted representation. Raise SettingError if there is none of that name."""
        stored = self.stored.get(name)
        if stored is None:
            there = (", ".join(self.stored) or "none") + remedy(name, self.stored)
            raise SettingError(f"by: no representation {name!r} in this index; it has {there}")
        if not stored.is_fitted:
            raise SettingError(f"by: {name} is not fitted yet; run `semblance index` to the end first")
        return stored

    def representation(self, name: str) -> Representation:
        """Return a representation, restored with its settings and what it learnt."""
        stored = self.stored_representation(name)
        recipe = str(stored.recipe)
        if recipe not in self.restored:
            self.restored[recipe] = self._read(lambda: self._store.representation(stored))
        return self.restored[recipe]

    def unlearnt(self, name: str) -> Representation:
        """Return a representation with its settings alone, which loads nothing; see ``Store.unlearnt``."""
        return self._store.unlearnt(self.stored_representation(name))

    def ranker(self, name: str) -> Ranker:
        """Return the ranker of a representation; its ids are positions."""
        if name not in self._rankers:
            ranker, representation = self.ranker_alone(name), self.representation(name)
            if isinstance(representation, Derived):  # the base's own, numbered already, is a part of it
                ranker = representation.ranker_of(
                    ranker, SnapshotRankers.ranker(self, str(self.stored[name].base))
                )
            self._rankers[name] = ranker
        return self._rankers[name]

    def ranker_alone(self, name: str) -> Ranker:
        """Open the ranker of a representation's own vectors, without those of its base; ids are positions."""
        stored, representation = self.stored_representation(name), self.representation(name)
        chosen, folders = self._chosen.get(name), self._folders(stored.id)
        ranker = self._read(lambda: open_segments(representation, folders, chosen, len(self.ids)))
        # Segments hold the numbers of images; positions differ with every commit.
        ranker.renumber(self._position_of_id)
        if chosen is not None and isinstance(ranker, EngineRanker):
            self._engines.attach(ranker, chosen, self.copy(name), self.generation)
        return ranker

    def copy(self, name: str) -> StoredCopy | None:
        """Return the copy of a representation's present vectors at an engine; None if there is none."""
        found = self._copies.get(name)
        return found if found is not None and found.recipe == self.stored[name].recipe else None

    @property
    def asks_engines(self) -> bool:
        """Whether a ranker asks an engine, so that masks should know their filters."""
        return any(map(is_engine, self._chosen.values()))

    @cached_property
    def _position_of_id(self) -> NDArray[np.int64]:
        """The position of each image number, int64 by number; −1, which drops its vector, if it is gone."""
        return places_of(self.ids)

    def _folders(self, representation: int | None) -> list[Path]:
        return [
            self._store.folder / "segments" / s.folder
            for s in self._segments
            if s.representation == representation
        ]

    def _check_same(self) -> None:
        if self._store.catalogue.generation != self.generation:
            raise MovedOnError

    def _read(self, action: Callable[[], T]) -> T:
        """Read files of segments or models; raise MovedOnError if a writer has replaced them meanwhile."""
        try:
            return action()
        except (FileNotFoundError, IndexFolderError) as error:
            # Missing files in an unchanged index are damage; in a changed one they were merged or deleted.
            self._check_same()
            self._store.catalogue.refuse_another()
            if isinstance(error, IndexFolderError):
                raise
            raise IndexFolderError(f"{error.filename}: is missing; {REPAIR}") from error
