"""Verification: read everything in an index and say what is damaged or missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from ...errors import REPAIR, IndexFolderError, LackError, SemblanceError, lack
from ...ranker import Ids
from ...rankers.array_files import load_arrays
from ...rankers.block_sums import NAME, check_trees
from ...representation import Representation
from ..catalogue.page_sums import read_sums
from ..catalogue.representations import (
    Segment,
    StoredRepresentation,
    segments,
    set_aside,
    stored_representations,
)
from .merge import live_pictures
from .segments import EVIDENCE, Rows, checksum, live
from .store import Store


def verify(store: Store) -> list[str]:
    """Read everything and return what is wrong, a line each; none if the index is whole.

    It checks the catalogue, every segment against its checksum, every recipe against its hash, and that each
    image has exactly one vector in each representation and one thumbnail.
    """
    # One snapshot for all: a commit in between would look like lost images.
    with store.catalogue.snapshot():
        problems = [
            f"catalogue: {row[0]}" for row in store.catalogue.rows("PRAGMA quick_check") if row[0] != "ok"
        ]
        problems += _sums(store)
        is_live = live_pictures(store)
        found = segments(store.catalogue)
        if store.privacy.thumbnails == "on":
            problems += _thumbnails(store, [s for s in found if s.representation is None], is_live)
        for stored in stored_representations(store.catalogue):
            own = [s for s in found if s.representation == stored.id]
            problems += _representation(store, stored, own, is_live)
        problems += damage_aside(store, found)
    return problems


def damage_aside(store: Store, found: list[Segment]) -> Iterator[str]:
    """Say what is damaged of what is set aside; the images that it lacks are encoded when it comes back."""
    for stored in set_aside(store.catalogue):
        own = (damage_of(store, segment) for segment in found if segment.representation == stored.id)
        yield from (f"{stored.name}, set aside: {damage}" for damage in own if damage is not None)


def _sums(store: Store) -> Iterator[str]:
    """Say if the parity of the catalogue is damaged; its checksums were looked at when it was opened."""
    # The file of the other commits may be cut: a kill while the next commit is prepared does that.
    generation = store.catalogue.generation
    if read_sums(store.folder, generation) and not read_sums(store.folder, generation, with_parity=True):
        yield f"the parity of the catalogue is damaged; {REPAIR}"


def _thumbnails(store: Store, own: list[Segment], is_live: np.ndarray) -> Iterator[str]:
    ids = [np.empty(0, np.int64)]
    for segment in own:
        # A damaged segment is not opened; its images then count as lost, which is what they are.
        if (damage := damage_of(store, segment)) is not None:
            yield f"thumbnails: {damage}"
            continue
        ids.append(live(Rows(store.folder / "segments" / segment.folder).ids, is_live))
    yield from _coverage("thumbnails", np.concatenate(ids), np.flatnonzero(is_live))


def _representation(
    store: Store, stored: StoredRepresentation, own: list[Segment], is_live: np.ndarray
) -> Iterator[str]:
    if not stored.is_fitted:
        # One that is fitted again is expected to be unfinished: the present one answers until it is.
        if stored.is_next:
            return
        yield f"{stored.name}: not fitted yet; run `semblance index` to the end"
        return
    try:
        representation = store.representation(stored)
        representation.make_ranker()  # fails where a package is missing that opening segments needs too
    except (SemblanceError, OSError) as error:
        yield f"{stored.name}: {error}"
        # Which images its segments hold is unknown then, but not whether their bytes are those written.
        damages = (damage_of(store, segment) for segment in own)
        yield from (f"{stored.name}: {damage}" for damage in damages if damage is not None)
        return
    yield from _vectors(store, stored, representation, own, is_live)


def _vectors(
    store: Store,
    stored: StoredRepresentation,
    representation: Representation,
    own: list[Segment],
    is_live: np.ndarray,
) -> Iterator[str]:
    ids = [np.empty(0, np.int64)]
    for segment in own:
        # The checksum comes first: opening a damaged file could fail in many ways.
        damage = damage_of(store, segment) or _misfit(store, segment, representation)
        if damage is not None:
            yield f"{stored.name}: {damage}"
            continue
        ids.append(
            live(representation.open_ranker([store.folder / "segments" / segment.folder]).ids(), is_live)
        )
    # Images of files that this representation has not reached yet are not lost, but reported as unfinished.
    sql = "SELECT p.id FROM picture p JOIN encoded e ON e.source = p.source WHERE e.representation = ?"
    wanted = np.array([row[0] for row in store.catalogue.rows(sql, stored.id)], dtype=np.int64)
    yield from _coverage(stored.name, np.concatenate(ids), wanted)
    # One that is fitted again is expected to be incomplete: the present one answers until it is.
    if not stored.is_next and (n := int(is_live.sum()) - len(wanted)):
        yield f"{stored.name}: {n} images are not encoded yet; run `semblance index` to the end"


def damage_of(store: Store, segment: Segment) -> str | None:
    """Return how a segment differs from what was committed; None if it does not. LackError if unreadable."""
    folder = store.folder / "segments" / segment.folder
    if not folder.is_dir():
        return f"segment {segment.folder} is missing; {REPAIR}"
    try:
        # The blocks first, as their checksums say where the damage is.
        for part in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            load_arrays(part)
            check_trees(part)
            if segment.is_summed and not (part / NAME).is_file():
                return f"segment {segment.folder} has lost its checksums; {REPAIR}"
        if checksum(folder) == segment.checksum:
            return None
    except LackError:  # says nothing of the segment
        raise
    except IndexFolderError as error:
        return f"segment {error}"
    except OSError as error:
        raise lack(error, folder) from error
    return f"segment {segment.folder} is damaged; {REPAIR}"


def has_sound_arrays(store: Store, segment: Segment) -> bool:
    """Tell if the arrays of a segment are what was committed, whatever its checksums of blocks say."""
    try:
        return checksum(store.folder / "segments" / segment.folder) == segment.checksum
    except OSError:
        return False


def _misfit(store: Store, segment: Segment, representation: Representation) -> str | None:
    """Return why a segment cannot be used, although its bytes are right; None if it can."""
    folder = store.folder / "segments" / segment.folder
    try:
        n = len(representation.open_ranker([folder]))
        if (folder / EVIDENCE).is_dir():
            Rows(folder / EVIDENCE)
    except (SemblanceError, OSError) as error:
        return str(error)
    return None if n == segment.n else f"segment {segment.folder} holds {n} images, not {segment.n}"


def _coverage(what: str, ids: Ids, wanted: Ids) -> Iterator[str]:
    lost = len(np.setdiff1d(wanted, ids))
    if lost:
        yield f"{what}: {lost} images are lost; {REPAIR}"
    # Twice: two segments hold an image, which a query would find twice.
    twice = sum(n > 1 for n in Counter(ids.tolist()).values())
    if twice:
        yield f"{what}: {twice} images stand twice; {REPAIR}"
