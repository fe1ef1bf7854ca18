"""A transaction: encoded images that are not part of the index yet, and the commit that makes them so."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...representation import Encoding, Representation
from ..catalogue.contents import Contents
from ..catalogue.encoded_picture import EncodedPicture
from ..catalogue.files import drop_pictures, mark_outcomes, mark_read
from ..catalogue.pictures import add_pictures, change_pictures, known_pictures
from ..catalogue.pixel_hashes import note_pixels
from ..catalogue.representations import Segment, add_segment
from ..storage.segments import finish_segment, save_encodings, save_rows
from ..storage.store import Store
from .damaged_frames import Damage
from .worker_messages import Failure

COMMIT_EVERY = 512
"""Images, or files, in one commit. A commit costs a few syncs of the disk; a kill loses at most one
commit."""

_MOST_BYTES = 64 << 20
"""Bytes of encoded images in memory, 64 MiB, whatever their number."""

_MOST_SECONDS = 30.0
"""A commit waits no longer: with a slow network 512 images can take many minutes, which a kill must not
lose."""


class IdAllocator:
    """Give out numbers for images, each once; several transactions share one allocator."""

    def __init__(self, first: int) -> None:
        self._next = first

    def take(self) -> int:
        """Return the next number."""
        self._next += 1
        return self._next - 1


@dataclass(eq=False)
class SourceWrite:
    """What a transaction writes of one file.

    Parameters
    ----------
    source : the number of the file.
    is_new : it is new or changed, so that its images in the index are replaced.
    encode : the numbers of the representations that it is encoded by.
    known : the numbers of its images in the index, by their names; empty if it is new.
    pictures : its images with their numbers, without arrays.
    damage : which of its frames could not be read, and why.
    contents : the hashes that it is recognised by, None if they are known.
    is_same : its images have the pixels that they had, and keep their numbers and vectors.
    """

    source: int
    is_new: bool
    encode: tuple[int, ...]
    known: Mapping[str, int] = field(default_factory=dict)
    pictures: list[tuple[int, EncodedPicture]] = field(default_factory=list)
    damage: Damage = field(default_factory=Damage)
    contents: Contents | None = None
    is_same: bool = False

    @property
    def reason(self) -> str:
        """Which frames could not be read, and why, in words; empty if all could."""
        return str(self.damage) if self.damage.kinds else ""


class Transaction:
    """Collect the images of files, write them to segments when memory is full, and commit them.

    Until ``commit`` no reader sees any of it: segments that no commit names do not belong to the index.

    Parameters
    ----------
    store : the index, open for writing.
    representations : the fitted ones, by number.
    ids : gives new images their numbers.
    commit_every : images or files after which a commit is due.
    """

    def __init__(
        self,
        store: Store,
        representations: Mapping[int, Representation],
        ids: IdAllocator,
        commit_every: int = COMMIT_EVERY,
    ) -> None:
        self._store = store
        self._representations = representations
        self._ids = ids
        self._commit_every = commit_every
        self._since = time.monotonic()
        self._writes: list[SourceWrite] = []
        self._failures: dict[int, Failure] = {}
        # Arrays in memory, by number of the image; `_flush` moves them to segments.
        self._encodings: dict[int, dict[int, Encoding]] = {}
        self._thumbnails: dict[int, NDArray[np.uint8]] = {}
        self._n = 0
        self._bytes = 0
        self._segments: list[Segment] = []

    @property
    def is_due(self) -> bool:
        """Tell if it is time to commit."""
        return (
            # Files count too: ten thousand that cannot be read are no images, and are progress all the same.
            len(self._writes) + len(self._failures) >= self._commit_every
            or self._is_full
            or (time.monotonic() - self._since > _MOST_SECONDS)
        )

    @property
    def _is_full(self) -> bool:
        return self._n >= self._commit_every or self._bytes >= _MOST_BYTES

    def open(self, source: int, is_new: bool, encode: tuple[int, ...], is_same: bool = False) -> SourceWrite:
        """Begin a file; its images follow."""
        # Once, and not for each result: a slide has thousands of tiles, and hundreds of results.
        known = {} if is_new and not is_same else known_pictures(self._store.catalogue, source)
        write = SourceWrite(source, is_new, encode, known, is_same=is_same)
        self._writes.append(write)
        return write

    def add(self, write: SourceWrite, pictures: Sequence[EncodedPicture]) -> None:
        """Take images of a file. Raise KeyError if a file of the index has an image that the index lacks."""
        for picture in pictures:
            is_other = write.is_new and not write.is_same
            id = self._ids.take() if is_other else write.known[picture.name]
            write.pictures.append((id, _without_arrays(picture)))
            for representation, encoding in picture.encodings.items():
                self._encodings.setdefault(representation, {})[id] = encoding
            if picture.thumbnail is not None:
                self._thumbnails[id] = picture.thumbnail
            self._n += 1
            self._bytes += picture.n_bytes
        if self._is_full:
            self._flush()

    def fail(self, source: int, failure: Failure) -> None:
        """Record that a file could not be read."""
        self._failures[source] = failure

    def _flush(self) -> None:
        """Write what is in memory to segments that no commit names yet."""
        # Each array leaves memory when it is written, so that a second try after a full disk writes none
        # twice.
        for id in list(self._encodings):
            folder = self._store.new_folder("segments")
            save_encodings(folder, self._representations[id], self._encodings[id])
            self._segments.append(finish_segment(folder, id, len(self._encodings[id])))
            del self._encodings[id]  # not before: what cannot be finished is written by the second try
        if self._thumbnails:
            folder = self._store.new_folder("segments")
            save_rows(folder, self._thumbnails)
            self._segments.append(finish_segment(folder, None, len(self._thumbnails)))
            self._thumbnails = {}
        self._n = self._bytes = 0

    def commit(self) -> None:
        """Make everything part of the index, in one commit."""
        # First the arrays, synced to the disk, then the rows that name them: a commit never names a file that
        # a loss of power could take away.
        self._flush()
        catalogue = self._store.catalogue
        with catalogue.transaction():
            drop_pictures(catalogue, self._failures)
            mark_outcomes(catalogue, ((id, one.state, one.reason) for id, one in self._failures.items()))
            self._note()
            for segment in self._segments:
                add_segment(catalogue, segment)

    def discard(self) -> None:
        """Delete what was written; it will never be committed."""
        for segment in self._segments:
            shutil.rmtree(self._store.folder / "segments" / segment.folder, ignore_errors=True)

    def _note(self) -> None:
        """Write the rows of all files, a table at a time: one statement each would cost more than the row."""
        catalogue = self._store.catalogue
        new = [write for write in self._writes if write.is_new]
        other = [write for write in new if not write.is_same]
        # The old images of a changed file stay answerable until this commit, which replaces them.
        drop_pictures(catalogue, (write.source for write in other))
        add_pictures(catalogue, ((id, write.source, one) for write in other for id, one in write.pictures))
        hashed = ((id, one.pixels) for write in other for id, one in write.pictures)
        note_pixels(catalogue, ((id, pixels) for id, pixels in hashed if pixels))
        change_pictures(catalogue, (one for write in new if write.is_same for one in write.pictures))
        mark_read(catalogue, ((write.source, write.reason, write.contents) for write in new))
        encoded = ((write.source, id) for write in self._writes for id in write.encode)
        catalogue.run_many("INSERT OR IGNORE INTO encoded VALUES (?, ?)", encoded)


def _without_arrays(picture: EncodedPicture) -> EncodedPicture:
    about = (picture.shape, picture.spacing, picture.groups, picture.metadata)
    return EncodedPicture(picture.name, *about, {}, None, text=picture.text, pixels=picture.pixels)
