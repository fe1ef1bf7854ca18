"""Erasure: delete what is left of removed images from an index folder, and check that nothing is left.

What was learnt (words, projections, networks) holds no image as such. But a visual word learnt from one image
alone is one of its descriptors: it goes only when the representation learns again (``refit``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import IndexFolderError
from ...rankers.array_files import load_arrays
from ..catalogue.connection import FILE
from ..catalogue.page_sums import NAMES
from ..catalogue.representations import segments, set_aside, stored_representations
from ..catalogue.roots import roots
from .merge import live_pictures
from .segments import EVIDENCE
from .store import Store

_CHUNK = 1 << 22
"""Bytes of a file that are searched at a time, 4 MiB: segments may be larger than memory."""
_COMPACT = "run `semblance compact`"


def clean(store: Store) -> None:
    """Rewrite the catalogue without the pages and bytes of what was deleted, and sweep unknown folders."""
    # VACUUM copies the live rows to a new file, so free pages go, and also slack inside pages that were
    # written before `secure_delete` was on. The parity of the last two commits is written anew as well.
    store.catalogue.rewrite()
    store.sweep()


def leftovers(store: Store, names: Sequence[str] = ()) -> list[str]:
    """Read the whole folder and return what is left of removed images, a line each; none if all is gone.

    It looks for images in segments that the catalogue does not know, for free pages of the catalogue, for
    files that belong to no commit, and for the bytes of ``names``, as UTF-8 and as JSON writes them. Of an
    absolute path, what the index calls that file is looked for as well.

    Raises
    ------
    IndexFolderError : names are given, are hidden in this index, and its key is not at hand.
    """
    hidden = store.catalogue.names
    if names and hidden.are_hidden and not store.salt.is_known:
        # Other keys make other pseudonyms, none of which is here: each name would seem to be gone.
        raise IndexFolderError(
            f"{store.folder}: the names of its files are hidden, and without its key none can be looked "
            "for; give --key FILE"
        )
    with store.catalogue.snapshot():
        return [*_dead_rows(store), *_free_pages(store), *_strangers(store), *_names(store, names)]


def _dead_rows(store: Store) -> Iterator[str]:
    is_live = live_pictures(store)
    for segment in segments(store.catalogue):
        folder = store.folder / "segments" / segment.folder
        for part in (folder, folder / EVIDENCE):
            ids = load_arrays(part).get("ids") if part.is_dir() else None
            if ids is None:
                continue
            ids = ids[ids >= 0]  # -1: a slot whose image was dropped
            n = int((ids >= len(is_live)).sum() + (~is_live[ids[ids < len(is_live)]]).sum())
            if n:
                yield f"segment {segment.folder}: {n} removed images are on the disk still; {_COMPACT}"


def _free_pages(store: Store) -> Iterator[str]:
    (n,) = store.catalogue.rows("PRAGMA freelist_count")[0]
    if n:
        yield f"{FILE}: {n} free pages may hold what was deleted; {_COMPACT}"


def _strangers(store: Store) -> Iterator[str]:
    known = {("segments", s.folder) for s in segments(store.catalogue)}
    found = (*stored_representations(store.catalogue), *set_aside(store.catalogue))
    known |= {("models", b.model) for b in found if b.model is not None}
    for path in sorted(store.folder.rglob("*")):
        parts = path.relative_to(store.folder).parts
        if path.is_file() and parts[:2] not in known and "/".join(parts) not in (FILE, *NAMES, "lock"):
            yield f"{'/'.join(parts)}: belongs to no commit; {_COMPACT}"


def _names(store: Store, names: Sequence[str]) -> Iterator[str]:
    hidden, folders = store.catalogue.names.meant, list(roots(store.catalogue)) if names else []
    wanted = {
        name: {text for one in _meant(name, folders) for kept in hidden(one) for text in _spellings(kept)}
        for name in names
    }
    for path in sorted(p for p in store.folder.rglob("*") if p.is_file()):
        found = _found(path, {bytes for own in wanted.values() for bytes in own})
        for name, own in wanted.items():
            if own & found:
                yield f"{path.relative_to(store.folder).as_posix()}: holds the name {name}"


def _meant(name: str, folders: Sequence[Path]) -> Iterator[str]:
    """Yield a name, and what is below the indexed folder if it is the absolute path of a file there."""
    yield name
    path = Path(name)
    yield from (
        path.relative_to(folder).as_posix() + "/" * name.endswith("/")
        for folder in folders
        if path != folder and path.is_relative_to(folder)
    )


def _spellings(name: str) -> set[bytes]:
    return {name.encode("utf-8", "surrogateescape"), json.dumps(name)[1:-1].encode()} - {b""}


def _found(path: Path, wanted: set[bytes]) -> set[bytes]:
    """Return which of some byte strings a file holds."""
    found: set[bytes] = set()
    # Chunks overlap by one byte less than the longest string, so that none is missed across a boundary.
    tail = b""
    overlap = max(map(len, wanted), default=1) - 1
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            text = tail + chunk
            found |= {one for one in wanted if one in text}
            tail = text[-overlap:] if overlap else b""
    return found
