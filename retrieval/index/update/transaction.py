"""The draft: pictures that were encoded and are not published yet, and their publication in one commit."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...representation import Encoding, Representation
from ..catalogue.encoded_picture import EncodedPicture
from ..catalogue.files import State, drop_pictures, mark_outcome
from ..catalogue.pictures import add_picture, known_pictures
from ..catalogue.representations import Segment, add_segment
from ..storage.segments import publishable, save_encodings, save_rows
from ..storage.store import Store
from .worker_task import Failure

_MOST_PICTURES = 512
_MOST_BYTES = 64 << 20
_MOST_SECONDS = 30.0


class IdAllocator:
    """Give out numbers for pictures, each once."""

    def __init__(self, first: int) -> None:
        self._next = first

    def take(self) -> int:
        """Return the next number."""
        self._next += 1
        return self._next - 1


@dataclass(eq=False)
class SourceWrite:
    """A source that was read whole: is it new or changed, and its pictures by number."""

    source: int
    is_new: bool
    encode: tuple[int, ...]
    pictures: list[tuple[int, EncodedPicture]] = field(default_factory=list)


class Transaction:
    """Gather the pictures of sources, write them to segments when they are many, and publish them.

    Until ``publish`` nobody sees anything of it.
    """

    def __init__(
        self, store: Store, representations: Mapping[int, Representation], numbers: IdAllocator
    ) -> None:
        self._store = store
        self._representations = representations
        self._numbers = numbers
        self._since = time.monotonic()
        self._reads: list[SourceWrite] = []
        self._failures: dict[int, Failure] = {}
        self._encodings: dict[int, dict[int, Encoding]] = {}
        self._thumbnails: dict[int, NDArray[np.uint8]] = {}
        self._n = 0
        self._bytes = 0
        self._segments: list[Segment] = []

    @property
    def is_due(self) -> bool:
        """Tell whether it is time to publish."""
        return (
            len(self._reads) + len(self._failures) >= _MOST_PICTURES
            or self._is_full
            or (time.monotonic() - self._since > _MOST_SECONDS)
        )

    @property
    def _is_full(self) -> bool:
        return self._n >= _MOST_PICTURES or self._bytes >= _MOST_BYTES

    def open(self, source: int, is_new: bool, encode: tuple[int, ...]) -> SourceWrite:
        """Begin a source; its pictures follow."""
        read = SourceWrite(source, is_new, encode)
        self._reads.append(read)
        return read

    def add(self, read: SourceWrite, pictures: Sequence[EncodedPicture]) -> None:
        """Take pictures of a source. Raises KeyError where a file that is known has one that is not."""
        known = {} if read.is_new else known_pictures(self._store.catalogue, read.source)
        for picture in pictures:
            id = self._numbers.take() if read.is_new else known[picture.name]
            read.pictures.append((id, _without_arrays(picture)))
            for representation, encoding in picture.encodings.items():
                self._encodings.setdefault(representation, {})[id] = encoding
            if picture.thumbnail is not None:
                self._thumbnails[id] = picture.thumbnail
            self._n += 1
            self._bytes += picture.n_bytes
        if self._is_full:
            self._seal()

    def fail(self, source: int, failure: Failure) -> None:
        """Note that a source could not be read."""
        self._failures[source] = failure

    def _seal(self) -> None:
        """Write what is in memory to segments that nobody knows yet."""
        # Each is struck off when it is written, so that a second try after a full disk writes none twice.
        for id in list(self._encodings):
            folder = self._store.new_folder("segments")
            save_encodings(folder, self._representations[id], self._encodings[id])
            self._segments.append(publishable(folder, id, len(self._encodings.pop(id))))
        if self._thumbnails:
            folder = self._store.new_folder("segments")
            save_rows(folder, self._thumbnails)
            self._segments.append(publishable(folder, None, len(self._thumbnails)))
            self._thumbnails = {}
        self._n = self._bytes = 0

    def publish(self) -> None:
        """Make everything part of the index, in one commit."""
        self._seal()
        catalogue = self._store.catalogue
        with catalogue.transaction():
            for source, failure in self._failures.items():
                drop_pictures(catalogue, source)
                mark_outcome(catalogue, source, failure.state, failure.reason)
            for read in self._reads:
                self._note(read)
            for segment in self._segments:
                add_segment(catalogue, segment)

    def discard(self) -> None:
        """Delete what was written; nothing of it is ever published."""
        for segment in self._segments:
            shutil.rmtree(self._store.folder / "segments" / segment.folder, ignore_errors=True)

    def _note(self, read: SourceWrite) -> None:
        catalogue = self._store.catalogue
        if read.is_new:
            drop_pictures(catalogue, read.source)
            for id, picture in read.pictures:
                add_picture(catalogue, id, read.source, picture)
            mark_outcome(catalogue, read.source, State.READ)
        catalogue.run_many(
            "INSERT OR IGNORE INTO encoded VALUES (?, ?)", [(read.source, id) for id in read.encode]
        )


def _without_arrays(picture: EncodedPicture) -> EncodedPicture:
    about = (picture.shape, picture.spacing, picture.groups, picture.metadata)
    return EncodedPicture(picture.name, *about, {}, None)
