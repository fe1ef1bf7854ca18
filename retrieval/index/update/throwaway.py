"""The throwaway: a copy of the catalogue of an index, to find out on it what an update would do."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import IndexFolderError
from ...readers.tiling import Tiling
from ...readers.window import Window
from ..catalogue.database import Catalogue
from ..catalogue.privacy import Privacy
from ..storage.bare_copy import copy_bare
from ..storage.key_file import VARIABLE
from ..storage.store import Store
from .registration import require_privacy, require_tiling, require_window, take_also


@contextmanager
def throwaway(
    index: Path,
    window: str | None,
    privacy: Mapping[str, str | None],
    tiling: Tiling | None = None,
    also: Collection[str] = (),
) -> Iterator[Store]:
    """Lend a store with the catalogue of an index, or a new one if there is none, until the context ends.

    It has no vectors, and the settings that are given. Raises what opening, making or setting the index
    raises, in its name.
    """
    # Where temporary files go, and not beside the index, whose folder may be full or read-only.
    with (
        TemporaryDirectory(prefix="semblance-") as place,
        closing(_opened(index, Path(place), window, privacy)) as store,
    ):
        # The index itself may lie in a folder that is scanned; its files are none of its images.
        store.folder = index
        if window is not None:
            require_window(store, Window.parse(window))
        require_privacy(store, privacy)
        if tiling is not None:
            require_tiling(store, tiling)
        take_also(store, also)
        yield store


def _opened(index: Path, place: Path, window: str | None, privacy: Mapping[str, str | None]) -> Store:
    copy = place / "index"
    if not Catalogue.is_born(index):
        # The key of the user is made with the first index, and this one is none.
        with _spare_key(place / "key"):
            return Store.create(
                copy, Window() if window is None else Window.parse(window), {}, Privacy.asked(privacy)
            )
    _copy(index, copy)
    try:
        # Opened for writing: an index of an earlier format is brought up to date here, and only here.
        return Store.open(copy, True, {})
    except IndexFolderError as error:
        error.args = (str(error).replace(str(copy), str(index)),)  # the copy is nobody's business
        raise


def _copy(index: Path, copy: Path) -> None:
    copy.mkdir()
    # Copied, not linked: whoever opens an index for writing deletes what no commit names.
    with closing(Catalogue.open(index)) as catalogue:
        copy_bare(catalogue, index, copy)


@contextmanager
def _spare_key(path: Path) -> Iterator[None]:
    # The environment is where the key file is looked for first; it is put back as it was.
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(path)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before
