"""The repair: an index says what is damaged in it, makes again what it can, and keeps the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import REPAIR, LackError, PictureError, SemblanceError
from ...ranker import Ids
from ...rankers.array_files import load_arrays
from ..catalogue.on_disk import locate
from ..catalogue.representations import (
    StoredRepresentation,
    add_segment,
    drop_representation,
    drop_segment,
    drop_set_aside,
    note_recipe,
    segments,
    stored_representations,
)
from ..progress import Progress
from ..storage.reading import read_indexed
from ..storage.segments import finish_segment, save_rows
from ..storage.store import Store
from ..storage.thumbnail import make_thumbnail
from ..storage.verify import damage_aside, verify
from .derived import drop_derived
from .mend_structures import mend_structures
from .push import rebuild_copies
from .rebuild import Findings, damaged_segments, lost_images, rebuild
from .run import update
from .salvage import sound_rows
from .workers import make_executor


@dataclass(frozen=True)
class RepairReport:
    """Result of a repair.

    Parameters
    ----------
    mended : what was damaged and what became of it, a line each.
    lost : what could not be made again now, and the remedy.
    left : what `verify` still finds.
    """

    mended: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def repair(store: Store, mended: list[str], jobs: int | None, progress: Progress) -> RepairReport:
    """Repair what is below the catalogue of an index that is open for writing.

    ``mended`` says what was put right in the catalogue before it could be opened.

    Raises
    ------
    IndexFolderError : the disk refuses, or what is left cannot be read.
    """
    store.check_writable()
    findings = Findings(mended)
    # It can be made again by who wants it, and nobody asks it now.
    if next(damage_aside(store, segments(store.catalogue)), None) is not None:
        drop_set_aside(store.catalogue)
        findings.lost.append("what was set aside of earlier settings was damaged, and is dropped")
    has_file = _Files(store)
    make_executor(jobs).close()  # a wrong number of jobs is refused before anything is forgotten
    for stored in stored_representations(store.catalogue):
        _repair_model(store, stored, has_file, findings)
    for stored in stored_representations(store.catalogue):
        if stored.is_fitted:
            mend_structures(store, stored, findings)
            rebuild(store, stored, _can_encode(store, stored, has_file), findings)
    if store.privacy.thumbnails == "on":
        _repair_thumbnails(store, findings)
    store.sweep()
    try:
        update(store, [], jobs=jobs, labels=None, progress=progress, refit=False)
    except LackError:
        raise
    except SemblanceError as error:  # a model that cannot be learnt again now stops all encoding
        findings.lost.append(f"nothing is encoded again yet: {error}")
    findings.mended += rebuild_copies(store, progress)
    # Damage names the remedy that this is.
    found = (line.replace(f"; {REPAIR}", "") for line in findings.mended)
    return RepairReport(tuple(found), tuple(findings.lost), tuple(verify(store)))


class _Files:
    """Tell whether the file of a source is where it was, and as it was when it was indexed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, bool] = {}

    def __call__(self, source: int) -> bool:
        if source not in self._known:
            ((name,),) = self._store.catalogue.rows("SELECT name FROM source WHERE id = ?", source)
            try:
                path = locate(self._store.catalogue, name)
                self._known[source] = path is not None and path.is_file()
            except PictureError:
                self._known[source] = False
        return self._known[source]


def _can_encode(
    store: Store, stored: StoredRepresentation, has_file: Callable[[int], bool]
) -> Callable[[int], bool]:
    """Return what tells if a file can be encoded: it is there, or its vector in the base of a metric is."""
    base = next((b for b in stored_representations(store.catalogue) if b.name == stored.base), None)
    if base is None:
        return has_file
    lost = set(lost_images(store, base.id, ()).tolist())
    rows = store.catalogue.rows("SELECT id, source FROM picture")
    without = {source for id, source in rows if id in lost}
    return lambda source: source not in without


def _repair_model(
    store: Store, stored: StoredRepresentation, has_file: Callable[[int], bool], findings: Findings
) -> None:
    if stored.model is None or (damage := _model_damage(store, stored.model)) is None:
        return
    sources = [id for (id,) in store.catalogue.rows("SELECT id FROM source WHERE state = 'read'")]
    n_absent = sum(not has_file(source) for source in sources)
    if stored.base is not None:
        with store.catalogue.transaction():
            drop_representation(store.catalogue, stored.id)
        findings.lost.append(
            f"{stored.name}: {damage}, and it is dropped; learn it again with `semblance learn-metric`"
        )
    elif n_absent:
        # Learnt from the files that are there it would be another, and the others could not be encoded by it.
        findings.lost.append(
            f"{stored.name}: {damage}; it learns again when all files are there, and {n_absent:,} are not: "
            "mount them and run `semblance repair` again"
        )
    else:
        gone = _learn_again(store, stored)
        findings.mended.append(f"{stored.name}: {damage}; it learns again, and all files are encoded anew")
        findings.lost += [
            f"{name}: was learnt on {stored.name}, which learns again; learn it again with "
            "`semblance learn-metric`"
            for name in gone
        ]


def _model_damage(store: Store, model: str) -> str | None:
    try:
        load_arrays(store.folder / "models" / model)
    except LackError:  # says nothing of the model
        raise
    except SemblanceError as error:
        return f"what it learnt is damaged ({error})"
    return None


def _learn_again(store: Store, stored: StoredRepresentation) -> list[str]:
    """Forget what a representation learnt and all its vectors; return the metrics that go with it."""
    catalogue = store.catalogue
    with catalogue.transaction():
        for segment in segments(catalogue):
            if segment.representation == stored.id:
                drop_segment(catalogue, segment.id)
        catalogue.run("DELETE FROM encoded WHERE representation = ?", stored.id)
        note_recipe(catalogue, stored.id, None)
        return drop_derived(store, stored.name)


def _repair_thumbnails(store: Store, findings: Findings) -> None:
    """Make lost thumbnails again from their files, else keep those that can be read of damaged segments."""
    damaged = damaged_segments(store, None, "thumbnails", findings)
    lost = lost_images(store, None, damaged)
    if not len(lost) and not damaged:
        return
    made = _made(store, lost)
    kept: dict[int, NDArray[np.uint8]] = {}
    for one in damaged:
        folder = store.folder / "segments" / one.folder
        kept.update(sound_rows(folder, [id for id in lost.tolist() if id not in made]))
    segment = None
    if made or kept:
        folder = store.new_folder("segments")
        save_rows(folder, {**kept, **made})
        segment = finish_segment(folder, None, len(made) + len(kept))
    with store.catalogue.transaction():
        for one in damaged:
            drop_segment(store.catalogue, one.id)
        if segment is not None:
            add_segment(store.catalogue, segment)
    findings.add("thumbnails", len(made), len(kept), len(lost) - len(made) - len(kept), "images")


def _made(store: Store, images: Ids) -> dict[int, NDArray[np.uint8]]:
    """Return the thumbnails of images whose file can be read, by number."""
    sql = "SELECT p.name, s.name FROM picture p JOIN source s ON s.id = p.source WHERE p.id = ?"
    made: dict[int, NDArray[np.uint8]] = {}
    for id in images.tolist():
        ((name, source),) = store.catalogue.rows(sql, id)
        try:
            made[id] = make_thumbnail(read_indexed(store, name, source))
        except (PictureError, FileNotFoundError):  # gone, changed, or damaged itself
            continue
    return made
