"""Lent files: the file of an indexed image, wherever it is, and what an image is called to strangers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import ArchiveError, PictureError
from ...readers.dicom.uids import header_uids
from ...readers.pseudonym import hashed
from ..catalogue.archives import archives
from ..catalogue.on_disk import locate
from .archived_files import at_hand, lent_object, uids_in
from .slide_files import SlideFiles
from .store import Store


class LentFiles(SlideFiles):
    """What an index says of the files of its images."""

    _store: Store

    @contextmanager
    def file_of(self, name: str) -> Iterator[Path]:
        """Lend the file of an image, fetched from its archive if it is in one, until the end of the context.

        Raises PictureError if there is none.
        """
        catalogue = self._store.catalogue
        sql = "SELECT s.name FROM picture p JOIN source s ON s.id = p.source WHERE p.name = ?"
        rows = catalogue.rows(sql, name)
        path = locate(catalogue, rows[0][0]) if rows else None
        if path is None:
            raise PictureError(f"{name}: the index has no such image")
        with at_hand(catalogue, name, path) as file:
            yield file

    @contextmanager
    def object_of(self, study: str, uid: str) -> Iterator[Path]:
        """Lend an object of a study, such as a segmentation, from the archive that has it.

        Raises
        ------
        ArchiveError : no archive of the index has it.
        """
        with lent_object(self._store.catalogue, study, uid) as file:
            yield file

    def uids_of(self, name: str) -> tuple[str, str, str]:
        """Return the UIDs of the study, the series and the image of an indexed image.

        Raises
        ------
        SemblanceError : neither the key nor its file is at hand, or it is no DICOM file.
        """
        with suppress(ArchiveError):
            for archive in archives(self._store.catalogue):
                found = uids_in(self._store.catalogue, archive, name)
                if found is not None:
                    return (*found[0], found[1])
        with self.file_of(name) as file:
            return header_uids(file)

    def reference(self, name: str) -> str:
        """Return a keyed hash of the name of an image, 16 digits: without the key it says nothing."""
        return hashed(self._store.salt, "reference", name)
