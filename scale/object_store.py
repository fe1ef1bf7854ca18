"""An object store as an archive, ``s3://bucket/prefix``: whatever fsspec has a file system for.

Objects come in pieces of a folder, as the series of other archives do. An object is known by its key and by
what its store says of its state, so that one that was overwritten is another one. Credentials are those that
the package of a scheme finds in the environment or in its own files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from retrieval.errors import ArchiveError, GoneError
from retrieval.readers.archive import Address, ArchivedFile, ArchivedSeries, Changed, SeriesKey, part_path
from retrieval.readers.folder import clean_name

_MOST, _MOST_BYTES = 64, 1 << 28
"""Objects of a piece, and their bytes: this much is fetched at once, and is on the disk twice at most."""
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "version_id", "generation")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
"""What stores say of the state of an object; the first kind is enough, the second goes with the size."""


class ObjectStore:
    """The objects below a prefix.

    Parameters
    ----------
    address : its scheme is fsspec's, its place the prefix, ``//bucket/prefix``; it takes no filters.

    Raises
    ------
    ArchiveError : filters, no place, or the package of the scheme is missing.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        if address.filters:
            raise ArchiveError(f"{address.shown}: takes no filters; name a longer prefix")
        if not address.place.startswith("//"):
            raise ArchiveError(f"{address.shown}: write it as {address.scheme}://BUCKET/PREFIX")
        with self._asking():
            self._store = _file_system(address)
            self._root = str(self._store._strip_protocol(address.shown)).rstrip("/")
        self._pieces: dict[SeriesKey, list[str]] | None = None

    def series(self) -> Iterator[ArchivedSeries]:
        """List all objects, and yield each piece of a folder."""
        self._pieces = dict(self._listed())
        # Without their number the images of each piece are compared, and so their states.
        yield from (ArchivedSeries(key) for key in self._pieces)

    def instances(self, series: SeriesKey) -> list[str]:
        """Return what the objects of a piece are known by: key and state."""
        if self._pieces is None:
            self._pieces = dict(self._listed())
        if series not in self._pieces:
            raise GoneError(f"{self.address.shown}: a part of it is not there any more")
        return sorted(self._pieces[series])

    def files(
        self, series: SeriesKey, folder: Path, wanted: Collection[str] | None = None
    ) -> Iterator[ArchivedFile]:
        """Fetch objects of a piece; those that were deleted since do not come.

        One that was overwritten comes as it is now, and the next listing tells of its new state.
        """
        for known_as in sorted(self.instances(series) if wanted is None else wanted):
            key, path = self._key(known_as), part_path(folder)
            try:
                with self._asking():
                    self._store.get_file(key, str(path))
            except GoneError:
                path.unlink(missing_ok=True)
                continue
            except ArchiveError:
                path.unlink(missing_ok=True)
                raise
            yield ArchivedFile(known_as, path)

    def changed(self, cursor: str | None) -> Changed:
        """Tell nothing: a store keeps no log that all of them have."""
        return Changed()

    def close(self) -> None:
        """Do nothing."""

    def name_of(self, uid: str) -> str:
        """Return the name of an object, its key below the prefix."""
        return clean_name(_below(uid))

    def _key(self, uid: str) -> str:
        return f"{self._root}/{_below(uid)}"

    def _listed(self) -> Iterator[tuple[SeriesKey, list[str]]]:
        """Yield the pieces of all folders: runs of objects in the order of their keys."""
        with self._asking():
            # A store that remembers listings would not see what came since.
            self._store.invalidate_cache()
            found: Mapping[str, Any] = self._store.find(self._root, detail=True)
        if not found and not self._is_there():
            raise ArchiveError(f"{self.address.shown}: holds nothing; check bucket and prefix")
        named = ((key[len(self._root) :].lstrip("/"), about) for key, about in found.items())
        meant = sorted(filter(_is_meant, named), key=lambda one: (_folder(one), one[0]))
        for folder, objects in groupby(meant, _folder):
            for first, uids in _cut(objects):
                yield SeriesKey(quote(folder, errors="surrogateescape") or ".", first), uids

    def _is_there(self) -> bool:
        with self._asking():
            return bool(self._store.exists(self._root))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn whatever goes wrong into one line: the package of each scheme has errors of its own."""
        try:
            yield
        except ArchiveError:
            raise
        except FileNotFoundError as error:
            raise GoneError(f"{self.address.shown}: is not there any more") from error
        except Exception as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise ArchiveError(f"{self.address.shown}: {text[:200]}") from error


def _file_system(address: Address) -> Any:
    try:
        import fsspec
        from fsspec.registry import known_implementations
    except ImportError as error:
        raise ArchiveError(
            f"{address.shown}: needs fsspec ({error}); pip install 'semblance[cloud]'"
        ) from error
    try:
        return fsspec.filesystem(address.scheme)
    except ImportError as error:
        about = known_implementations.get(address.scheme, {})
        raise ArchiveError(
            f"{address.shown}: {about.get('err', error)}, with pip in this environment"
        ) from error


def _below(uid: str) -> str:
    """Return the key below the prefix of what an object is known by."""
    return unquote(uid.partition("\n")[0], errors="surrogateescape")


def _is_meant(one: tuple[str, Mapping[str, Any]]) -> bool:
    """Tell if an object may be an image: no mark of a folder, not hidden, and no link out of the store."""
    key, about = one
    is_hidden = any(part.startswith(".") for part in key.split("/"))
    return bool(key) and not is_hidden and about.get("type") == "file" and not about.get("islink")


def _folder(one: tuple[str, Mapping[str, Any]]) -> str:
    return one[0].rpartition("/")[0]


def _cut(objects: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[str, list[str]]]:
    """Yield runs of objects of one folder, each with the key of its first."""
    uids: list[str] = []
    n_bytes = 0
    for key, about in objects:
        size = int(about.get("size") or 0)
        if uids and (len(uids) == _MOST or n_bytes + size > _MOST_BYTES):
            yield uids[0].partition("\n")[0], uids
            uids, n_bytes = [], 0
        # Keys may hold bytes that are no text, and line ends: quoted, they hold neither.
        uids.append(f"{quote(key, errors='surrogateescape')}\n{_state(about)}")
        n_bytes += size
    if uids:
        yield uids[0].partition("\n")[0], uids


def _state(about: Mapping[str, Any]) -> str:
    """Return 16 digits for what a store says of the state of an object."""
    tags = [str(about[name]) for name in _TAGS if about.get(name)]
    times = [str(about[name]) for name in _TIMES if about.get(name)]
    # Some stores change the time of an object when it is only moved or looked at: a tag is surer.
    parts = [str(about.get("size")), *(tags or times)[:1]]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()
