"""Segments: immutable folders of arrays with the vectors, the local evidence or the thumbnails of images.

A segment is written once, forced to the disk, and only then named by a commit; after that it is never
changed, only replaced and deleted as a whole. So readers map it without locks, and a kill cannot leave half
of one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import REPAIR, IndexFolderError
from ...ranker import Ids
from ...rankers.approximate import ApproximateRanker
from ...rankers.array_files import ArrayWriter, load_arrays, save_arrays, sync_folder
from ...rankers.block_sums import NAME, write_sums
from ...rankers.dense import ExactRanker
from ...representation import Encoding, Representation
from ..catalogue.representations import Segment

EVIDENCE = "evidence"
"""The folder, inside a segment of vectors, of the local evidence of its images."""

_CHUNK = 1 << 20
_AT_ONCE = 64  # images whose rows are copied at once

_LARGE = ("rows", "weights", "codes", "vectors", "forward", "gaps", "columns", "scales", "norms")
"""Arrays of rankers that are read where they are asked for alone."""


class Rows:
    """A ragged table on disk: for each id some rows of one array. It is mapped into memory, not read.

    On disk: ``ids`` int64 (n,) in any order, ``offsets`` int64 (n + 1,), ``rows`` (offsets[n],) of any plain
    dtype. Raises IndexFolderError if one of them is missing.
    """

    def __init__(self, folder: Path) -> None:
        arrays = load_arrays(folder, unchecked=("rows",))
        try:
            self.ids, self.offsets, self.rows = (arrays[name] for name in ("ids", "offsets", "rows"))
        except KeyError as error:
            raise IndexFolderError(f"{folder}: lacks {error}; {REPAIR}") from None
        self.check = arrays.checks["rows"]
        self._order = np.argsort(self.ids, kind="stable")

    def get(self, id: int) -> NDArray[Any] | None:
        """Return the rows of an id, a view of the file; None if it is not here.

        Raises IndexFolderError if they are damaged.
        """
        at = int(np.searchsorted(self.ids, id, sorter=self._order))
        if at == len(self.ids) or self.ids[self._order[at]] != id:
            return None
        row = self._order[at]
        self.check.rows(int(self.offsets[row]), int(self.offsets[row + 1]))
        return self.rows[self.offsets[row] : self.offsets[row + 1]]


def save_rows(folder: Path, rows: Mapping[int, NDArray[Any]]) -> None:
    """Write the rows of each id, all of one dtype, as a folder that ``Rows`` opens."""
    arrays = {
        "ids": np.array(list(rows), dtype=np.int64),
        "offsets": _offsets([len(part) for part in rows.values()]),
        "rows": np.concatenate(list(rows.values())) if rows else np.empty(0, np.uint8),
    }
    save_arrays(folder, arrays)


def merge_rows(folder: Path, parts: Sequence[Path], is_live: NDArray[np.bool_]) -> int:
    """Write the rows of all live ids of several tables as one table, and return the number of ids.

    Only one part is mapped at a time while rows are copied: together they may be larger than memory. Raises
    IndexFolderError if one is damaged.
    """
    folder.mkdir()
    tables = [Rows(part) for part in parts]
    ids = [live(table.ids, is_live) for table in tables]
    lengths = [np.diff(t.offsets)[np.isin(t.ids, kept)] for t, kept in zip(tables, ids, strict=True)]
    # An empty table cannot say which dtype the others have.
    dtype = next((t.rows.dtype for t in tables if len(t.ids)), np.dtype(np.uint8))
    del tables  # unmaps them
    offsets = _offsets(np.concatenate([*lengths, np.empty(0, np.int64)]))
    save_arrays(folder, {"ids": np.concatenate([*ids, np.empty(0, np.int64)]), "offsets": offsets})
    with ArrayWriter(folder, "rows", dtype, (int(offsets[-1]),)) as writer:
        for part, kept in zip(parts, ids, strict=True):
            table = Rows(part)
            table.check.all()  # else damage would be written anew, with checksums that fit it
            for first, last in _runs(np.flatnonzero(np.isin(table.ids, kept))):
                writer.write(table.rows[table.offsets[first] : table.offsets[last + 1]])
    return len(offsets) - 1


def _runs(rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the first and last row of each run of neighbours among rising rows, of at most some thousand."""
    # One write for each of a million thumbnails took as long as all else of a merge.
    for first in range(0, len(rows), _AT_ONCE):
        part = rows[first : first + _AT_ONCE]
        ends = np.flatnonzero(np.diff(part) != 1)
        yield from zip(part[[0, *(ends + 1)]].tolist(), part[[*ends, -1]].tolist(), strict=True)


def save_encodings(folder: Path, representation: Representation, encodings: Mapping[int, Encoding]) -> None:
    """Write the vectors of images, and their evidence beside them, as one segment."""
    ranker = representation.make_ranker()
    # In the order of the ids: the same images give the same bytes, whichever worker was faster.
    ids = sorted(encodings)
    ranker.add(np.array(ids, dtype=np.int64), [encodings[id].vector for id in ids])
    folder.mkdir()
    ranker.save(folder)
    evidence = {id: e.evidence for id in ids if (e := encodings[id]).evidence is not None}
    if evidence:
        save_rows(folder / EVIDENCE, evidence)


def merge_encodings(
    folder: Path,
    representation: Representation,
    parts: Sequence[Path],
    is_live: NDArray[np.bool_],
    kind: type[ApproximateRanker] | None = None,
) -> int:
    """Write the live images of several segments as one segment, and return the number of images.

    ``kind`` is the class that makes a search structure for the dense vectors; None for none.
    """
    ranker = representation.open_ranker(parts)
    # Renumbering to -1 drops an image; all others keep their number.
    renumbered = np.where(is_live, np.arange(len(is_live), dtype=np.int64), -1)
    ranker.renumber(renumbered)
    folder.mkdir()
    ranker.save(folder)
    if kind is not None and isinstance(ranker, ExactRanker):
        kind.write_structure(folder, ranker.dimension)
    tables = [part / EVIDENCE for part in parts if (part / EVIDENCE).is_dir()]
    if tables:
        merge_rows(folder / EVIDENCE, tables, is_live)
    return len(ranker)


def finish_segment(folder: Path, representation: int | None, n: int) -> Segment:
    """Add checksums to a written segment, force it to the disk, and return it for ``add_segment``.

    The contents of the files are on the disk already (``save_arrays``). Without this a loss of power could
    keep the commit that names the folder and lose the folder.
    """
    add_sums(folder)
    sync_folder(folder.parent)
    size = sum(path.stat().st_size for path in _files(folder))
    return Segment(0, representation, folder.name, n, size, checksum(folder), is_summed=1)


def add_sums(folder: Path) -> None:
    """Write checksums of the blocks of all arrays of a segment, and force its folders to the disk."""
    for where, _, _ in os.walk(folder, topdown=False):
        write_sums(Path(where))
        sync_folder(Path(where))


def checksum(folder: Path) -> str:
    """Return a hash of the names and contents of all arrays of a segment (BLAKE2b, 32 hexadecimal digits)."""
    digest = hashlib.blake2b(digest_size=16)
    for path in _files(folder):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def segment_ids(folder: Path) -> Ids:
    """Return the ids that a segment holds, int64 (n,), −1 for slots whose image was dropped."""
    # The large arrays are not looked at: only these are read.
    return np.asarray(load_arrays(folder, unchecked=_LARGE)["ids"])


def find_rows(parts: Sequence[Rows], id: int) -> NDArray[Any] | None:
    """Return the rows of an id from the first part that has them; None if none has."""
    return next((rows for part in parts if (rows := part.get(id)) is not None), None)


def live(ids: Ids, is_live: NDArray[np.bool_]) -> Ids:
    """Return those ids that the catalogue still knows; ``is_live`` is bool, by id."""
    # The minimum keeps ids above the highest live one in range; the first condition leaves them out.
    return ids[(ids < len(is_live)) & is_live[np.minimum(ids, len(is_live) - 1)]] if len(is_live) else ids[:0]


def _files(folder: Path) -> list[Path]:
    # Without their checksums: segments of older formats get these later, and stay the same segments.
    found = (Path(where, name) for where, _, names in os.walk(folder) for name in names)
    return sorted(path for path in found if path.name not in (NAME, f".{NAME}"))


def _offsets(lengths: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
