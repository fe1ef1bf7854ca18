"""Mending what is made of vectors: damaged byte codes and search structures are made again from them."""

from __future__ import annotations

import shutil
from pathlib import Path

from ...errors import LackError, SemblanceError
from ...rankers.array_files import load_arrays
from ...rankers.block_sums import NAME, check_trees
from ..catalogue.representations import Segment, StoredRepresentation, segments
from ..storage.merge import merge
from ..storage.segments import EVIDENCE
from ..storage.store import Store
from ..storage.verify import damage_of
from .rebuild import Findings

_MADE = ("codes", "annoy", "hnsw")
"""Folders, inside a segment, of what is made of its vectors."""


def mend_structures(store: Store, stored: StoredRepresentation, findings: Findings) -> None:
    """Rewrite segments of a representation in which nothing else is damaged; an update adds structures."""
    for segment in (s for s in segments(store.catalogue) if s.representation == stored.id):
        damage = damage_of(store, segment)
        broken = [] if damage is None else _broken(store.folder / "segments" / segment.folder)
        if not broken:
            continue
        findings.mended.append(f"{stored.name}: {damage}")
        try:
            _rewrite(store, stored, segment, broken)
        except LackError:
            raise
        except SemblanceError as error:
            findings.lost.append(f"{stored.name}: cannot make anything again of its vectors: {error}")
        else:
            findings.mended.append(
                f"{stored.name}: {', '.join(broken)} of {segment.n:,} images are made again"
            )


def _broken(folder: Path) -> list[str]:
    """Return which folders of what is made are damaged; none if the vectors or the evidence are as well."""
    needed = [folder, *(part for part in (folder / EVIDENCE,) if part.is_dir())]
    if not all(map(_is_sound, needed)):
        return []
    return [name for name in _MADE if (folder / name).is_dir() and not _is_sound(folder / name)]


def _is_sound(folder: Path) -> bool:
    # Without checksums, as in older indexes, nothing is known of a single folder.
    if not (folder / NAME).is_file():
        return False
    try:
        load_arrays(folder)
        check_trees(folder)
    except LackError:
        raise
    except SemblanceError:
        return False
    return True


def _rewrite(store: Store, stored: StoredRepresentation, segment: Segment, broken: list[str]) -> None:
    representation = store.representation(stored)
    # A kill after this leaves vectors that answer as before, only slower, and a segment that lacks files.
    for name in broken:
        shutil.rmtree(store.folder / "segments" / segment.folder / name)
    merge(store, [segment], {stored.id: representation})
