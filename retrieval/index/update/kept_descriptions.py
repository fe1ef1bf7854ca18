"""Kept descriptions: what an image that is learnt from was described by, until it is encoded in the same run.

To find and describe points takes most of the time to encode an image, and what is learnt from samples changes
nothing about it. So what a worker computes for a sample is kept on disk, where the worker that encodes the
image finds it. Nothing depends on its being there: what is not there is computed again, to the same bits.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ...errors import SemblanceError
from ...picture import Picture
from ...rankers.array_files import HEADERS
from ...rankers.atomic_write import replacing
from ...representation import Arrays, Encoding, Remembering, Representation, Reusing
from ..storage.store import Store

_MOST = 1 << 20
"""Bytes of a description that is kept. Some thousand images are learnt from, so that they take a few hundred
megabytes while an index is made."""

_SPARE = 1 << 31
"""Bytes of the disk that are left free for the index itself."""

_PIXELS = "pixels"
"""The array of the hash of what was described."""


@contextmanager
def room_for_descriptions(store: Store) -> Iterator[Path]:
    """Lend the path of a folder that is made when it is needed, and deleted in the end.

    It is among the models of the index: what a killed process leaves there goes with the next update.
    """
    folder = store.new_folder("models")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep_remembered(folder: Path | None, id: int, made: Representation) -> None:
    """Keep what a representation of a number computed to learn, and would compute again to encode."""
    if folder is None or not isinstance(made, Remembering):
        return
    if remembered := made.remembered():
        _write(folder / f"{id}.npz", remembered)


@dataclass(frozen=True)
class KeptDescriptions:
    """Sample and encode images, each described once if there is room.

    Parameters
    ----------
    folder : of the descriptions; None keeps none. On another machine it may not be there.
    salt : of the hashes of names, by which they are found again.
    """

    folder: Path | None
    salt: bytes

    def recalled(self, id: int, made: Representation) -> Representation:
        """Return a representation of a number with what it has computed already."""
        if self.folder is None or not isinstance(made, Remembering):
            return made
        remembered = _read(self.folder / f"{id}.npz")
        return made if remembered is None else made.recall(remembered)

    def sample(self, id: int, made: Representation, picture: Picture, pixels: Callable[[], bytes]) -> Arrays:
        """Return a sample of an image by the representation of a number, and keep its description.

        ``pixels`` returns the hash of what the image is described by, if it is asked for.
        """
        if self.folder is None or not isinstance(made, Reusing):
            return made.sample(picture)
        described = made.describe(picture)
        if sum(array.nbytes for array in described.values()) <= _MOST:
            _write(self._path(self.folder, id, picture), {**described, _PIXELS: _row(pixels())})
        return made.sample_of(described)

    def encode(
        self, id: int, made: Representation, picture: Picture, pixels: Callable[[], bytes]
    ) -> Encoding:
        """Return the encoding of an image, of its description if that was kept; it is not kept any longer."""
        if self.folder is None or not isinstance(made, Reusing):
            return made.encode(picture)
        path = self._path(self.folder, id, picture)
        described = _read(path)
        if described is None:
            return made.encode(picture)
        with suppress(OSError):
            path.unlink()
        if not np.array_equal(described.get(_PIXELS, ()), _row(pixels())):
            return made.encode(picture)
        return made.encode_described(described)

    def _path(self, folder: Path, id: int, picture: Picture) -> Path:
        # By name: to hash the pixels of images that were never described would take longer than to look.
        name = blake2b(picture.id.encode("utf-8", "surrogateescape"), key=self.salt[:64], digest_size=16)
        return folder / f"{id}-{name.hexdigest()}.npz"


def _row(pixels: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(pixels, dtype=np.uint8)


def _write(path: Path, described: Arrays) -> None:
    # Whole or not at all: a worker may be killed at any moment. A full disk costs time, nothing else.
    with suppress(OSError, SemblanceError):
        if shutil.disk_usage(path.parent.parent).free < _SPARE:
            return
        path.parent.mkdir(exist_ok=True)
        with replacing(path, is_lasting=False) as beside, beside.open("wb") as file:
            arrays: dict[str, Any] = dict(described)
            np.savez(file, **arrays)


def _read(path: Path) -> Arrays | None:
    """Return the arrays of a file; None if it is not there or is damaged."""
    try:
        # Python 3.11 fails now and then if two threads parse such headers.
        with HEADERS, path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, EOFError, ValueError, BadZipFile):
        return None
