"""The scan of an archive: which of its images are new, changed or gone, compared with the catalogue.

``list_images`` asks the archive and changes nothing of the index; ``record_images`` writes in one commit what
was found. A series of which the index knows as many images as the archive has is not asked for its images.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import GoneError, IndexFolderError
from ...readers.archive import Address, Archive, ArchivedSeries, LeavesOut, NamesImages, SeriesKey, is_part
from ..catalogue.archives import IndexedArchive, add_archive, archive_of, move_archive, note_cursor
from ..catalogue.database import Catalogue
from ..catalogue.files import Stat, State, add_source, drop_sources, mark_changed
from ..catalogue.known_sources import KnownSource, each_source, known_sources
from ..catalogue.tombstones import tombstone_path_key
from ..progress import Progress
from ..storage.store import Store
from ..storage.uids import Uids
from .gone import check_share
from .scan import count_unchanged
from .scanned import Changes, ScanOptions

_UNKNOWN = Stat(0, 0)
"""What a file system would say; an archive has no sizes and times."""


@dataclass
class Listing:
    """What an archive has.

    Parameters
    ----------
    archive : as the index knows it.
    images : the ids of all its images, series by series; the value tells if it is to be read again.
    names : of images that have others than their ids.
    skipped : (id, reason) of images that are left out.
    cursor : how far changes are seen with it.
    """

    archive: IndexedArchive
    images: dict[str, bool] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    cursor: str | None = None


def require_archive(store: Store, address: Address, cache: Path | None) -> IndexedArchive:
    """Return an archive of the index; added if it is new. ``cache`` is a folder that keeps its files."""
    found = archive_of(store.catalogue, address)
    with store.catalogue.transaction():
        if found is None:
            add_archive(store.catalogue, address, _folder(cache), cache is not None)
        elif cache is not None:
            move_archive(store.catalogue, found.root, _folder(cache), True)
    found = archive_of(store.catalogue, address)
    assert found is not None
    return found


def _folder(cache: Path | None) -> Path:
    """Return where files are while they are read: an own folder in the cache of the user, or one given."""
    if cache is not None:
        return cache.resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    home = Path(base) if base else Path("~/.cache").expanduser()
    return home / "semblance" / f"archive-{secrets.token_hex(8)}"


def list_images(
    store: Store, archive: Archive, known_as: IndexedArchive, address: Address, progress: Progress
) -> Listing:
    """Ask an archive for its images. Raise ArchiveError if it fails; the index is as it was then."""
    # Before the list: what changes while it is read is seen again the next time.
    changed = archive.changed(known_as.cursor)
    listing = Listing(known_as, cursor=changed.cursor)
    indexed = {id.decode() for id, _ in each_source(store.catalogue, known_as.root)}
    again = frozenset(changed.series or ()) if known_as.cursor is not None else frozenset()
    with closing(Uids(store.salt, address)) as uids:
        for series in archive.series():
            _list_series(listing, archive, series, uids, indexed, series.key in again)
            if store.catalogue.names.are_hidden:
                listing.names.clear()
            progress("scan", len(listing.images), 0)
    if isinstance(archive, LeavesOut):
        names = store.catalogue.names
        listing.skipped += [(names.name(name), reason) for name, reason in archive.left_out()]
    return listing


def _list_series(
    listing: Listing,
    archive: Archive,
    series: ArchivedSeries,
    uids: Uids,
    indexed: set[str],
    is_changed: bool,
) -> None:
    known = [id for id in uids.images_of(series.key) if id in indexed]
    if is_changed or not known or series.n_images != len(known):
        try:
            known = _remembered(listing, archive, series.key, uids)
        except GoneError:  # deleted since it was listed
            return
    listing.images |= dict.fromkeys(known, is_changed)


def _remembered(listing: Listing, archive: Archive, series: SeriesKey, uids: Uids) -> list[str]:
    """Ask for the images of a series and keep their UIDs; one that another series has as well is left out."""
    found = archive.instances(series)
    taken = [uid for uid in found if uids.id_of(uid) in listing.images]
    listing.skipped += [
        (uids.id_of(uid), "another series of the archive has an image of the same SOP instance UID")
        for uid in taken
    ]
    ids = uids.remember(series, [uid for uid in found if uid not in set(taken)])
    if isinstance(archive, NamesImages):
        listing.names |= {uids.id_of(uid): archive.name_of(uid) for uid in found}
    return ids


def record_images(store: Store, listing: Listing, changes: Changes, options: ScanOptions) -> None:
    """Record in one commit what an archive has.

    Raises
    ------
    IndexFolderError : a large share of it is gone, and it is not to be forgotten; nothing is changed.
    """
    root = listing.archive.root
    with store.catalogue.transaction():
        known = known_sources(store.catalogue, root)
        _refuse_empty(listing, known)
        n_known, n_new = len(known), len(changes.new)
        found = {
            id: known.pop(id.encode(), None) or known.pop(tombstone_path_key(store.salt, id.encode()), None)
            for id in listing.images
        }
        # What is gone first: an object that was overwritten is a new image of the same name.
        drop_sources(store.catalogue, [gone.id for gone in known.values()])
        for id, is_changed in listing.images.items():
            named = id, listing.names.get(id, id)
            _record(store.catalogue, root, named, found[id], is_changed or options.compare_contents, changes)
        if not options.forget:
            check_share("the archive", len(known) - (len(changes.new) - n_new), n_known)
        changes.n_gone += len(known)
        changes.skipped += listing.skipped
        note_cursor(store.catalogue, root, listing.cursor)


def _refuse_empty(listing: Listing, known: dict[bytes, KnownSource]) -> None:
    if known and not listing.images:
        raise IndexFolderError(
            f"the archive: {len(known):,} of its images are indexed and it shows none now; see that it is "
            "the one that it was, or take them out with `semblance remove`"
        )


def _record(
    catalogue: Catalogue,
    root: int,
    named: tuple[str, str],
    found: KnownSource | None,
    is_changed: bool,
    changes: Changes,
) -> None:
    """Record an image by its id, which finds it in the archive, and its name."""
    id, name = named
    if found is None:
        # An index may follow two archives that hold the same image, or another one of the same name.
        if catalogue.rows("SELECT 1 FROM source WHERE name = ?", name):
            changes.skipped.append((name, "is indexed already, from another archive"))
            return
        changes.new.add(add_source(catalogue, root, id.encode(), name, _UNKNOWN))
    elif is_changed and found.state is State.READ:
        mark_changed(catalogue, found.id, _UNKNOWN)
        changes.changed.add(found.id)
    else:
        count_unchanged(found, name, changes)


def prepare_folder(archive: IndexedArchive) -> Iterator[Path]:
    """Make the folder of the files of an archive; yield and delete what a killed run left half written."""
    archive.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in archive.folder.iterdir():
        if not archive.keeps_files or is_part(path):
            path.unlink(missing_ok=True)
            yield path
