"""The update: an index is brought up to date with folders of images.

Stages: scan, fit, encode (with commits and merges), derive, label. Each stage reads from the catalogue what
is still to be done and commits what it did, so an interrupted update is continued by the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ...metadata.label_table import LabelTable
from ...readers.archive import Address
from ..catalogue.files import State, n_readable
from ..catalogue.migration import GUESSED
from ..catalogue.pictures import is_labelled
from ..catalogue.representations import stored_representations
from ..catalogue.stored_json import parse
from ..progress import Progress, silent
from ..storage.archived_files import open_archive
from ..storage.store import Store
from .add_sums import add_missing_sums
from .apply_labels import LabelReport, apply_labels, check_table, count_changed
from .archive_files import ArchiveFiles
from .archive_scan import list_images, record_images, require_archive
from .derived import derive_all
from .encode import Encoded, Encoder
from .fit import fit_all
from .freed_memory import give_back_freed
from .keep_hashes import keep_hashes
from .kept_descriptions import room_for_descriptions
from .plan import Step, steps_of, waiting
from .push import follow_copies
from .refit import begin_anew, begin_stale, cut_off, promote
from .relearn import relearn, stale_notes
from .remember_people import remember_people
from .scan import record, scan
from .scanned import Changes, ScanOptions
from .search_structures import make_structures
from .timings import Seconds, Timings
from .transaction import COMMIT_EVERY
from .workers import Executor, make_executor

_GROWTH = 10
"""If an index has grown by this factor since a fit, a note says that it may learn again."""


Jobs = int | Executor | None
"""Who does the work: a number of processes, None for one a core, or an executor of one's own."""


@dataclass(frozen=True)
class UpdateReport:
    """Result of an update.

    Parameters
    ----------
    added, changed, removed, unchanged : the number of files that hold images.
    skipped : (name, reason) of each file that could not be read, in whole or in part, now or earlier, was
        passed over for what it is, or was removed by the user.
    ignored : the number of files that are not images and do not claim to be.
    pictures : the number of images that were encoded.
    notes : what the user should know, in sentences.
    labels : the result of applying the label table; None if there was none.
    withdrawn : the names among the skipped that the user removed.
    timings : where the seconds went.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[tuple[str, str], ...]
    ignored: int
    pictures: int
    notes: tuple[str, ...] = ()
    labels: LabelReport | None = None
    withdrawn: tuple[str, ...] = ()
    timings: Timings = field(default_factory=Timings, compare=False)


def update(
    store: Store,
    folders: Sequence[Path],
    *,
    jobs: Jobs,
    labels: LabelTable | None,
    progress: Progress,
    refit: bool,
    remake: bool = False,
    options: ScanOptions = ScanOptions(),  # noqa: B008  # frozen
    archives: Sequence[Address] = (),
    commit_every: int = COMMIT_EVERY,
) -> UpdateReport:
    """Scan, fit, encode, derive and label. See ``IndexWriter.update``.

    ``commit_every`` is the number of images or files after which a commit is due.
    """
    store.check_writable()
    check_table(store, labels)
    executor = make_executor(jobs)  # first, as it refuses a wrong number of jobs
    seconds = Seconds()
    with seconds.of("scanning"):
        scopes = scan(store, folders, progress, options)
        changes = record(store, scopes, options)
        asked = [_scan_archive(store, address, progress, options, changes) for address in archives]
        give_back_freed()
    with seconds.of("checking"):
        keep_hashes(store, changes.unhashed, progress)
        add_missing_sums(store, progress)
    if refit:
        begin_anew(store)
    if remake:
        begin_stale(store)
    files = ArchiveFiles(store)
    # Fitting and encoding read files and share the worker processes; what follows works on stored vectors.
    try:
        with room_for_descriptions(store) as kept:
            with seconds.of("learning"):
                fit_all(store, executor, files, progress, kept)
                cut_off(store)
            with seconds.of("encoding"):
                outcome = Encoder(store, executor, files, progress, commit_every, kept).run()
        seconds.part("encoding", outcome.own_seconds)
    finally:
        executor.close()
        files.close()
    # Only now: until every file is encoded anew, queries are answered by the old representation.
    stale = promote(store, remake)
    with seconds.of("deriving"):
        derive_all(store, progress)
    # Labels last, so that they find the images that were just indexed.
    with seconds.of("labels"):
        table = None if labels is None else apply_labels(store, labels, scopes)
        remember_people(store, progress)
    # After the labels, of which metrics are learnt.
    stale += relearn(store, progress) if remake else stale_notes(store)
    # Of all vectors that are new, those of metrics too.
    with seconds.of("search structures"):
        stale += make_structures(store, progress)
    # At the end: what an archive gave before it failed is in the index.
    changes.notes += (*files.unasked(asked), *follow_copies(store, progress))
    notes = (*changes.notes, *stale, *_notes(store), *_lost_labels(store, changes), *_guessed(store, labels))
    notes += _dropped_columns(table)
    return _report(changes, outcome, notes, table, Timings(seconds, outcome.seconds))


def _scan_archive(
    store: Store, address: Address, progress: Progress, options: ScanOptions, changes: Changes
) -> int:
    """Compare an archive with the index, and return the number of its root."""
    known_as = require_archive(store, address, options.cache)
    with closing(open_archive(address)) as archive:
        listing = list_images(store, archive, known_as, address, progress)
    record_images(store, listing, changes, options)
    return known_as.root


def plan_update(
    store: Store,
    folders: Sequence[Path],
    labels: LabelTable | None,
    options: ScanOptions,
    refit: bool,
    remake: bool,
) -> list[Step]:
    """Return the steps of an update of folders. The catalogue is changed: give one that may be thrown away.

    Raises what ``update`` raises of folders and labels.
    """
    check_table(store, labels)
    n_waited = waiting(store)
    scopes = scan(store, folders, silent, options)
    changes = record(store, scopes, options)
    n_labelled = 0 if labels is None else count_changed(store, labels, scopes)
    if refit:
        begin_anew(store)
    if remake:
        begin_stale(store)
    return steps_of(store, changes, n_waited, n_labelled, remake)


def _notes(store: Store) -> tuple[str, ...]:
    n = n_readable(store.catalogue)
    return tuple(
        f"{b.name} learnt when the number of files was {b.n_sources}, now {n}; `--refit` lets it learn again"
        for b in stored_representations(store.catalogue)
        if b.n_fitted and b.base is None and n > _GROWTH * b.n_sources
    )


def _lost_labels(store: Store, changes: Changes) -> tuple[str, ...]:
    """Say whose labels were dropped because they were given to what a file held before."""
    lost = [name for name in changes.unlabelled if not is_labelled(store.catalogue, name)]
    if not lost:
        return ()
    shown = ", ".join(lost[:3]) + (", …" if len(lost) > 3 else "")
    return (
        f"labels of files that have changed or are gone are dropped, for they were given to what these held "
        f"before ({len(lost):,}: {shown}); give the label table again",
    )


def _dropped_columns(table: LabelReport | None) -> tuple[str, ...]:
    """Say which columns are gone: a table of labels alone takes the patients of another away."""
    return tuple(
        f"the column {name} of {n:,} row{'s' * (n != 1)} is dropped, for a row takes the place of the one "
        "before it; give one table with all columns"
        for name, n in (table.dropped.items() if table is not None else ())
    )


def _guessed(store: Store, labels: LabelTable | None) -> tuple[str, ...]:
    """Say which fields of label tables an index of format 1 kept as numbers, until a table is given again."""
    catalogue = store.catalogue
    if labels is not None:
        with catalogue.transaction():
            catalogue.run("DELETE FROM meta WHERE key = ?", GUESSED)
    found = catalogue.rows("SELECT value FROM meta WHERE key = ?", GUESSED)
    fields = [", ".join(parse(text, list, "a note of its migration")) for (text,) in found]
    return tuple(
        f"format 1 kept the fields of label tables as numbers, so that 1.1 and 1.10 became one; in "
        f"{names} they may be such: give the label table again with --labels"
        for names in fields
    )


def _report(
    changes: Changes, outcome: Encoded, notes: tuple[str, ...], labels: LabelReport | None, timings: Timings
) -> UpdateReport:
    # A file that is new or changed and then failed is counted as skipped only.
    failed = {source for source, _, _ in outcome.failures}
    skipped = [(name, f.reason) for _, name, f in outcome.failures if f.state is not State.IGNORED]
    skipped += outcome.incomplete
    return UpdateReport(
        added=len(changes.new - failed),
        changed=len(changes.changed - failed),
        removed=changes.n_gone,
        unchanged=changes.n_unchanged,
        skipped=tuple(sorted([*changes.skipped, *skipped])),
        ignored=changes.n_ignored + sum(f.state is State.IGNORED for _, _, f in outcome.failures),
        pictures=outcome.n_pictures,
        notes=notes,
        labels=labels,
        withdrawn=tuple(changes.withdrawn),
        timings=timings,
    )
