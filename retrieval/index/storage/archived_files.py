"""Archived files: an archive is opened, and one image of it is fetched again when its pixels are needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from ...errors import ArchiveError, GoneError, PictureError
from ...readers.archive import ARCHIVES, Address, Archive, SeriesKey
from ...registry import installed, load
from ..catalogue.archives import IndexedArchive, address_of, archives
from ..catalogue.database import Catalogue
from .uids import Uids


def open_archive(address: Address) -> Archive:
    """Return what serves an address. Raise ArchiveError if nothing does, or it refuses the address."""
    if address.scheme not in installed(ARCHIVES):
        raise ArchiveError(
            f"{address.shown}: no archive is called so; there are {', '.join(installed(ARCHIVES))}"
        )
    archive: Archive = load(address.scheme, ARCHIVES)(address)
    return archive


@contextmanager
def at_hand(catalogue: Catalogue, source: str, path: Path) -> Iterator[Path]:
    """Lend the file of a source: where it is, or fetched from its archive until the end of the context.

    Raises
    ------
    PictureError : it is in an archive, which does not give it.
    """
    archive = (
        None if path.exists() else next((a for a in archives(catalogue) if a.folder == path.parent), None)
    )
    if archive is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="semblance-") as folder:
        try:
            fetched = _fetch(catalogue, archive, path.name, Path(folder))
        except ArchiveError as error:
            raise PictureError(f"{source}: {error}") from error
        yield fetched


@contextmanager
def lent_object(catalogue: Catalogue, study: str, uid: str) -> Iterator[Path]:
    """Lend an object by its study and SOP instance UID, from the first archive of an index that has it.

    Raises
    ------
    ArchiveError : none has it, the index is of no archive, or one cannot be asked.
    """
    known = [address_of(catalogue, archive) for archive in archives(catalogue)]
    if not known:
        raise ArchiveError("the index is of no archive; give --mask FILE")
    with tempfile.TemporaryDirectory(prefix="semblance-") as folder:
        for address in known:
            # Its filters are those of images: what belongs to them has another modality.
            with closing(open_archive(replace(address, filters={"StudyInstanceUID": study}))) as opened:
                if (path := _object(opened, uid, Path(folder))) is not None:
                    yield path
                    return
    raise ArchiveError(f"{', '.join(a.shown for a in known)}: the study of this image has no object {uid}")


def _object(archive: Archive, uid: str, folder: Path) -> Path | None:
    # Small series first: a segmentation or a report is most often alone in its series.
    for series in sorted(archive.series(), key=lambda one: one.n_images or 0):
        if uid in archive.instances(series.key):
            # One that cannot be sent does not come, and no error says so.
            return next((file.path for file in archive.files(series.key, folder, [uid])), None)
    return None


def uids_in(catalogue: Catalogue, archive: IndexedArchive, name: str) -> tuple[SeriesKey, str] | None:
    """Return the UIDs of an image of an archive by its id: of its series, and its own; None if not known.

    Raises
    ------
    ArchiveError : the key is not at hand.
    """
    with closing(Uids(catalogue.key, address_of(catalogue, archive))) as uids:
        return uids.of(name.partition("#")[0])


def _fetch(catalogue: Catalogue, archive: IndexedArchive, id: str, folder: Path) -> Path:
    address = address_of(catalogue, archive)
    found = uids_in(catalogue, archive, id)
    if found is None:
        raise ArchiveError(
            f"{address.shown}: its UIDs are not beside the key file; run `semblance index` again"
        )
    series, uid = found
    with closing(open_archive(address)) as opened:
        for file in opened.files(series, folder, [uid]):
            if file.uid == uid:
                return file.path
    raise GoneError(f"{address.shown}: the image is not there any more")
