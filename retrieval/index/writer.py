"""Writing to an index: make it, bring it up to date, take images out, learn metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ..metadata.label_table import LabelTable
from ..readers.archive import Address
from ..readers.window import Window
from ..representation import Representation
from .catalogue import pictures
from .catalogue.connection import FILE
from .catalogue.mend import mend
from .catalogue.privacy import Privacy
from .catalogue.recipe import Factories
from .catalogue.representations import stored_representations
from .index import Index
from .progress import Progress, silent
from .storage.erasure import clean
from .storage.lock import WriterLock
from .storage.merge import compact
from .storage.store import ALL_KEPT, Store
from .update.apply_labels import LabelReport
from .update.index_copies import IndexCopies
from .update.index_settings import IndexSettings
from .update.learn_metric import drop_metric, learn_metric
from .update.learn_profile import ProfileReport, learn_profile
from .update.profile_options import ProfileOptions
from .update.registration import register_representation
from .update.repair import RepairReport, repair
from .update.run import Jobs, UpdateReport, update
from .update.scanned import ScanOptions
from .update.search_structures import make_structures, set_ranker
from .update.training_set import MetricOptions, MetricReport
from .update.transaction import COMMIT_EVERY

__all__ = ["IndexWriter", "LabelReport", "MetricOptions", "MetricReport", "RepairReport", "UpdateReport"]


class IndexWriter(IndexSettings, IndexCopies, Index):
    """An index that may be changed as well as asked, by one process at a time.

    Each change is one commit: a kill at any instant leaves the last one. Use it in a ``with`` block.
    """

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        window: Window | None = None,
        factories: Factories | None = None,
        privacy: Privacy = ALL_KEPT,
    ) -> Self:
        """Make a new, empty index and open it.

        Parameters
        ----------
        folder : is not there yet, or is empty.
        window : how the values of all images and queries become grey levels; ``auto`` if it is None.
        factories : what makes representations of a name, besides the entry points.
        privacy : what the index keeps besides vectors.

        Raises
        ------
        IndexFolderError : the folder holds something already, or cannot be written to.
        """
        return cls(Store.create(Path(folder), window or Window(), factories or {}, privacy))

    @classmethod
    def open(cls, folder: Path, *, factories: Factories | None = None) -> Self:
        """Open an index for writing, and delete what an interrupted writer left behind.

        Raises
        ------
        IndexFolderError : no index, a newer format, a damaged one, or another process writes to it.
        """
        return cls(Store.open(Path(folder), True, factories or {}))

    @classmethod
    def repair(
        cls,
        folder: Path,
        *,
        jobs: int | None = None,
        progress: Progress = silent,
        factories: Factories | None = None,
    ) -> RepairReport:
        """Say what is damaged in an index, make it again from parity or from the files, and keep the rest.

        A damaged page of the catalogue is mended to the last bit. Damaged vectors and thumbnails are made
        again if their file is where it was; of the others what can be read is kept. It can be killed at any
        time, and begun again. IndexFolderError : no index, more of the catalogue is damaged than can be
        mended, or another process writes to it.
        """
        folder = Path(folder)
        lock = WriterLock(folder) if (folder / FILE).is_file() else None
        try:
            mended = [] if lock is None else mend(folder)
        finally:
            if lock is not None:
                lock.release()
        with cls.open(folder, factories=factories) as index:
            return repair(index._store, mended, jobs, progress)

    def add_representation(self, representation: Representation, remake: bool = False) -> None:
        """Add a representation; ``update`` fits it and encodes with it. One that is there already is kept.

        ``remake`` : one that is there takes the settings of this one; its old vectors answer until the update
        is done, and are set aside then, to come back with the old settings.

        Raises
        ------
        IndexFolderError : one of that name is there with other settings, or learnt something else.
        """
        register_representation(self._store, representation, remake)
        self.refresh()

    def update(
        self,
        folders: Sequence[Path],
        *,
        jobs: Jobs = None,
        labels: LabelTable | None = None,
        progress: Progress = silent,
        refit: bool = False,
        remake: bool = False,
        compare_contents: bool = False,
        forget: bool = False,
        follow_links: bool = False,
        archives: Sequence[Address] = (),
        cache: Path | None = None,
        commit_every: int = COMMIT_EVERY,
    ) -> UpdateReport:
        """Bring the index up to date with folders, reading only what is new or changed.

        Parameters
        ----------
        folders : or single files. What is gone from them is forgotten; other indexed folders are left as they
            are. A folder that was moved is recognised by its files. With none, only what is unfinished is
            done.
        jobs : number of processes; None for one a core, 1 for none besides this one; or an executor.
        labels : applies to images that are indexed already as well.
        progress : is called with stage, steps done and steps in all.
        refit : let every representation learn again; the old ones answer until all is encoded anew.
        remake : learn metrics again whose labels have changed, and encode again what a newer version of a
            step encodes otherwise.
        compare_contents : compare the contents of all files with what was indexed, not only of those whose
            size, times or inode are others.
        forget : take out what is gone, even if it is a third of a folder or more, 8 files at least.
        follow_links : read what links in a folder lead to, if that is outside of it.
        archives : what to index besides folders. An archive that fails in the middle leaves what it gave.
        cache : a folder that keeps their files; None deletes them when they are read.
        commit_every : images or files in one commit; fewer lose less work in a crash, and take longer.

        Raises
        ------
        SettingError : a folder is not there. IndexFolderError : an indexed one is not there any more, or is
            empty, or has lost a large share of its files, which are not to be forgotten.
        FitError : there is too little to learn from. ArchiveError : an archive fails.
        KeyboardInterrupt : what was done is kept, and the next update goes on from there.
        """
        paths = [Path(folder) for folder in folders]
        try:
            return update(
                self._store,
                paths,
                jobs=jobs,
                labels=labels,
                progress=progress,
                refit=refit,
                remake=remake,
                options=ScanOptions(compare_contents, forget, follow_links, cache),
                archives=archives,
                commit_every=commit_every,
            )
        finally:
            self.refresh()

    def learn_metric(self, options: MetricOptions, *, progress: Progress = silent) -> MetricReport:
        """Learn a metric from labels, on stored vectors, and add it as one more representation, ``by+name``.

        One of that name is replaced. Later updates derive the vectors of new images from those of the base.
        ``progress`` hears the stages ``learn``, ``try out`` and ``derive NAME``. Raises as
        ``update.learn_metric`` does; the index stays as it was then.
        """
        try:
            report = learn_metric(self._store, options, progress)
            make_structures(self._store, progress)
            return report
        finally:
            self.refresh()

    def learn_profile(self, options: ProfileOptions, *, progress: Progress = silent) -> ProfileReport:
        """Learn from reports what images that look alike have; see ``update.learn_profile``."""
        try:
            report = learn_profile(self._store, options, progress)
            make_structures(self._store, progress)
            return report
        finally:
            self.refresh()

    def drop_metric(self, name: str) -> None:
        """Take a learnt metric out. Raise SettingError if there is none of that name."""
        drop_metric(self._store, name)
        self.refresh()

    def remove(self, names: Sequence[str]) -> int:
        """Take images out, and remember it: updates bring them back only when their file changes.

        A name is that of an image, a file (all its frames), or a folder, with ``/`` at its end. Returns how
        many went; their vectors stay on disk, unseen, until ``compact``. SettingError if a name is not there.
        """
        with self._store.catalogue.transaction():
            n_removed = pictures.remove(self._store.catalogue, names)
        self._follow()
        self.refresh()
        return n_removed

    def choose_ranker(self, ranker: str, by: Sequence[str] = (), *, progress: Progress = silent) -> None:
        """Choose what ranks dense vectors, and make the search structures that it needs.

        It is ``exact``, ``annoy``, ``hnsw``, ``auto``, or an engine with its address, which gets the vectors
        first; all that have dense vectors get it if ``by`` is empty. Raises SettingError for one that is not
        there, lacks a library, or does not suit the vectors; EngineError if an engine fails.
        """
        set_ranker(self._store, ranker, by, progress)
        make_structures(self._store, progress)
        self._follow(progress)
        self.refresh()

    def compact(self) -> None:
        """Rewrite the index, in as few segments as can be; nothing in its folder holds what was removed."""
        fitted = [b for b in stored_representations(self._store.catalogue) if b.is_fitted]
        compact(self._store, {b.id: self._store.representation(b) for b in fitted})
        make_structures(self._store, silent)
        self._follow()
        clean(self._store)  # merging alone leaves names and labels in free pages of the catalogue
        self.refresh()
