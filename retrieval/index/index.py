"""The index: a folder on disk with the catalogue of images and one or more representations of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..answers.enrichment import Findings
from ..answers.knn import UNSURE, Classification
from ..errors import PictureError
from ..metadata.label_table import LabelTable
from ..picture import Picture
from ..readers.window import Window
from ..representation import Representation, Vector
from .catalogue import pictures
from .catalogue.learned_fusions import LearntFusion
from .catalogue.on_disk import locate, sources_at
from .catalogue.pictures import Entry
from .catalogue.recipe import Factories
from .info import info
from .search.classify import classify
from .search.concept_methods import ConceptMethods
from .search.encode_query import default_representations, stored_vector
from .search.explain import HitExplanation, explain
from .search.find_labels import find_labels
from .search.hits import Hit
from .search.locate_range import LocatedRange, locate_range
from .search.query import answer
from .search.query_options import QueryImage, QueryOptions, chosen_options
from .search.volume import answer_volume
from .storage.copied_rows import verify_copies
from .storage.erasure import leftovers
from .storage.latest_snapshot import LatestSnapshot
from .storage.lent_files import LentFiles
from .storage.snapshot import Snapshot
from .storage.store import Store
from .storage.verify import verify

T = TypeVar("T")


class Index(LentFiles, ConceptMethods):
    """An index that is open for reading. Use it in a ``with`` block, or ``close`` it.

    Any number of processes may read while one writes (``retrieval.index.writer.IndexWriter``). Answers come
    from the commit that was the newest when the index was first asked, or from a newer one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest = LatestSnapshot(store)

    @classmethod
    def open(cls, folder: Path, *, factories: Factories | None = None) -> Self:
        """Open an index for reading; it is never changed.

        ``factories`` make representations of a name, besides the entry points. Raises IndexFolderError for no
        index, a newer format, or a damaged one.
        """
        return cls(Store.open(Path(folder), False, factories or {}))

    @property
    def window(self) -> Window:
        """How values become grey levels, in all images and queries."""
        return self._store.window

    @property
    def names(self) -> Sequence[str]:
        """The names of all images, in order."""
        return self._latest.look(lambda snapshot: snapshot.names.all())

    @property
    def representations(self) -> Sequence[str]:
        """The names of the representations, in the order in which they were added."""
        return list(self._latest.now.stored)

    @property
    def default_representations(self) -> Sequence[str]:
        """The names of those that answer a query that names none; see ``search.encode_query``."""
        return self.ask(default_representations)

    @property
    def lacking(self) -> str:
        """What the last question of this thread could not ask, in a sentence; empty if all was asked."""
        return self._latest.lacking

    @property
    def fusions(self) -> Sequence[LearntFusion]:
        """The weights of fusions that were learnt, with their scores in the trial."""
        return list(self._latest.now.fusions)

    def __len__(self) -> int:
        return len(self._latest.now)

    def __contains__(self, name: object) -> bool:
        return self._latest.look(lambda snapshot: name in snapshot.names)

    def query(self, query: QueryImage, options: QueryOptions | None = None, **changes: Any) -> list[Hit]:
        """Rank the indexed images by how much they look like an image, best first.

        Parameters
        ----------
        query : an image, or the name of an indexed one, whose stored vector is used; its file is read only
            if there is a region, or a setting is adjusted.
        options : see ``QueryOptions``, whose fields may be given as keywords as well, ``k=20``; this is so
            for all questions that take a query.

        Raises
        ------
        SettingError : a name, column, representation, condition or number that makes no sense.
        PictureError : the query's file is needed, and cannot be read.
        """
        chosen = chosen_options(options, changes)
        return self.ask(lambda snapshot: answer(snapshot, query, chosen))

    def query_volume(
        self, slices: Sequence[QueryImage], options: QueryOptions | None = None, **changes: Any
    ) -> list[Hit]:
        """Rank cases by how much they look like all slices of a volume together; see ``answer_volume``.

        ``slices`` are in the order of the volume, and all of one case; cases are series unless ``group_by``
        says otherwise. Raises SettingError as ``query`` does, and if there is no slice, or a region.
        """
        chosen = chosen_options(options, changes)
        return self.ask(lambda snapshot: answer_volume(snapshot, slices, chosen))

    def classify(
        self,
        query: QueryImage,
        options: QueryOptions | None = None,
        *,
        label_of: str = "label",
        unsure: float = UNSURE,
        **changes: Any,
    ) -> Classification:
        """Name an image after the labelled ones most like it; see ``search.classify.classify``."""
        chosen = chosen_options(options, changes)
        return self.ask(lambda snapshot: classify(snapshot, query, chosen, label_of, unsure))

    def find_labels(
        self,
        query: QueryImage | Sequence[QueryImage],
        options: QueryOptions | None = None,
        *,
        labels: LabelTable | None = None,
        **changes: Any,
    ) -> Findings:
        """Return which labels cases like an image, or a volume, share; see ``search.find_labels``."""
        chosen = chosen_options(options, changes)
        return self.ask(lambda snapshot: find_labels(snapshot, query, chosen, labels))

    def locate_range(
        self,
        slices: Sequence[QueryImage],
        heights: Sequence[float],
        label: str,
        options: QueryOptions | None = None,
        **changes: Any,
    ) -> LocatedRange:
        """Return where the range of slices called ``label`` is in a volume; see ``search.locate_range``."""
        chosen = chosen_options(options, changes)
        return self.ask(lambda snapshot: locate_range(snapshot, slices, heights, label, chosen))

    def explain(
        self, query: QueryImage, hit: QueryImage, options: QueryOptions | None = None, **changes: Any
    ) -> HitExplanation:
        """Explain why a query finds an image, by one representation, and test it; see ``search.explain``."""
        chosen = chosen_options(options, changes)
        return self.ask(lambda snapshot: explain(snapshot, query, hit, chosen))

    def read(self, name: str, lent: Path | None = None) -> Picture:
        """Read an indexed image again from its file. Raise PictureError if that is not possible.

        ``lent`` is what ``file_of`` lends, for those who need the file too.
        """
        return self.ask(lambda snapshot: snapshot.read(name, lent))

    def path_of(self, name: str) -> Path | None:
        """Return where the file of an image is; None if it is not known any more, or another is there."""
        try:
            return locate(self._store.catalogue, self.picture(name).source)
        except PictureError:
            return None

    def names_at(self, path: Path) -> list[str]:
        """Return the names of the images of a file on disk, by its place or a link; [] if none."""
        found = sources_at(self._store.catalogue, Path(path))
        return [n for s in found for n in pictures.known_pictures(self._store.catalogue, s) if n in self]

    def picture(self, name: str) -> Entry:
        """Return what is known of an image. Raise SettingError if there is none of that name."""
        return self.ask(lambda snapshot: snapshot.entry(snapshot.position(name)))

    def pictures(self) -> Iterator[Entry]:
        """Yield what is known of every image, in the order of their names."""
        columns = self.ask(lambda snapshot: snapshot.columns)
        yield from (columns.entry(position) for position in range(len(self)))

    def vector(self, name: str, by: str) -> Vector:
        """Return the vector of an image. Raise SettingError if there is no such image or representation."""
        return self.ask(lambda snapshot: stored_vector(snapshot, by, name))

    def evidence(self, name: str, by: str) -> NDArray[np.void] | None:
        """Return the local evidence of an image, (n,) structured; None if the representation keeps none."""
        return self.ask(lambda snapshot: snapshot.evidence(by, snapshot.position(name)))

    def representation(self, name: str) -> Representation:
        """Return a fitted representation of the index. Raise SettingError if there is none of that name."""
        return self.ask(lambda snapshot: snapshot.representation(name))

    def thumbnail(self, name: str) -> bytes:
        """Return a small JPEG of an image, its longest side 192 pixels at most."""
        return self.ask(lambda snapshot: snapshot.thumbnail(snapshot.position(name)))

    def verify(self) -> list[str]:
        """Read everything and return what is wrong, a line each; [] if the index is whole."""
        return [*verify(self._store), *verify_copies(self._store).values()]

    def leftovers(self, names: Sequence[str] = ()) -> list[str]:
        """Return what is left on disk of removed images, a line each, and of ``names`` in any byte."""
        return leftovers(self._store, names)

    def info(self) -> Mapping[str, Any]:
        """Return counts, sizes, and the representations with settings, recipe hash and their report."""
        return info(self._store)

    def refresh(self, earlier: Index | None = None) -> None:
        """Answer from the newest commit from now on; networks that ``earlier`` has loaded are taken over."""
        self._latest.refresh({} if earlier is None else earlier._latest.restored)

    def close(self) -> None:
        """Let go of the folder, and of engines."""
        self._latest.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, question: Callable[[Snapshot], T]) -> T:
        """Ask a snapshot of the index a question of one's own."""
        return self._latest.ask(question)
