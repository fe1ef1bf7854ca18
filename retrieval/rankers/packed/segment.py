"""The segment of packed postings: a folder of arrays that is written once and memory-mapped afterwards.

It holds ``ids`` int64 (n,); of the forward store ``forward`` uint8, ``forward_starts`` int64 (n + 1,) and
``scales`` float64 (n_parts, n); ``gaps`` uint8, ``rows`` uint16 and ``columns`` float32, and of the groups in
them ``word_groups`` int64 (n_blocks, size + 1), ``counts`` uint16, ``kinds`` uint8, ``starts`` and
``lengths`` int64, all counting on from block to block; the bounds ``frequency``, ``tops`` (n_blocks, size),
``norms`` (n_tiers, n) and ``steps`` (n_blocks, n_tiers); and the factors. Each block but the last has 65,536
rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import REPAIR, IndexFolderError
from ...ranker import Ids
from ..array_files import ArrayWriter, Folder, load_arrays, save_arrays
from ..postings import BLOCK, Postings
from .block import PackedPostings
from .factors import Factors, factor
from .forward import Rows, encode
from .gather import Vectors, chosen, vectors
from .invert import SHARES, Bounds, invert
from .lists import NEAR, STREAMS, Lists

_STREAMS = {"forward": np.uint8, "gaps": np.uint8, "rows": np.uint16, "columns": np.float32}
_TYPES = {
    "ids": "<i8",
    "forward_starts": "<i8",
    "scales": "<f8",
    "word_groups": "<i8",
    "counts": "<u2",
    "kinds": "|u1",
    "starts": "<i8",
    "lengths": "<i8",
    "frequency": "<i4",
    "tops": "<f4",
    "norms": "|u1",
    "steps": "<f4",
    "levels": "<f8",
    "word_scales": "<f8",
    "ends": "<i8",
    "shares": "<f4",
    **{name: np.dtype(dtype).str for name, dtype in _STREAMS.items()},
}
_LATER = (*_STREAMS, "scales", "norms")
"""What is checked when it is read, not when the segment is opened."""


def is_packed(folder: Path) -> bool:
    """Tell whether a folder is a segment of packed postings."""
    return (folder / "forward.npy").exists()


def write_packed(
    folder: Path,
    ids: Ids,
    blocks: Sequence[Postings | PackedPostings],
    block_ids: Sequence[Ids],
    factors: Factors,
) -> bool:
    """Write the rows of blocks whose id is not negative; ``ids`` are these, in the order of blocks and rows.

    The new blocks are as full as can be; one of them is in memory at a time, packed. Returns False, and
    leaves nothing, if a value is not what ``factors`` say. Raises IndexFolderError if a block is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(factors)
    with ExitStack() as files:
        for name, dtype in _STREAMS.items():
            writer.streams[name] = files.enter_context(ArrayWriter(folder, name, dtype, None))
        is_written = all(writer.add(found) for found in _live(blocks, block_ids))
        writer.end_block()
    if is_written:
        save_arrays(folder, {"ids": ids, **writer.arrays()})
        return True
    for name in _STREAMS:
        (folder / f"{name}.npy").unlink()
    return False


def _live(blocks: Sequence[Postings | PackedPostings], block_ids: Sequence[Ids]) -> Iterator[Vectors]:
    """Yield the live vectors, some at a time, of one new block each."""
    # What is removed leaves no gap, so that a new block may hold rows of several old ones.
    room = BLOCK
    for block, ids in zip(blocks, block_ids, strict=True):
        for first, found in vectors(block):
            live = np.flatnonzero(ids[first : first + len(found[0])] >= 0)
            while len(live):
                here = np.zeros(len(found[0]), bool)
                here[live[:room]] = True
                yield chosen(found, here)
                n = min(room, len(live))
                live, room = live[n:], room - n or BLOCK


class _Writer:
    """Write one block after the other."""

    def __init__(self, factors: Factors) -> None:
        self.factors = factors
        self.streams: dict[str, ArrayWriter] = {}
        self._written = dict.fromkeys(_STREAMS, 0)
        self._kept: dict[str, list[NDArray[Any]]] = {name: [] for name in _TYPES if name not in _STREAMS}
        self._data: list[NDArray[np.uint8]] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._scales: list[NDArray[np.float64]] = []
        self._n_groups, self._most = 0, 0

    def add(self, found: Vectors) -> bool:
        """Add some vectors of the block; return False if a value is no product."""
        made = factor(self.factors.arrays, *found)
        if made is None:
            return False
        counts, scales = made
        data, sizes = encode(found[0], found[1], counts)
        self._data.append(data)
        self._sizes.append(sizes)
        self._scales.append(scales)
        self._most = max(self._most, int(counts.max(initial=0)))
        if sum(map(len, self._sizes)) == BLOCK:
            self.end_block()
        return True

    def end_block(self) -> None:
        """Write the block, if it has rows."""
        if not self._sizes:
            return
        data, sizes = np.concatenate(self._data), np.concatenate(self._sizes)
        scales = np.concatenate(self._scales, axis=1)
        rows = Rows(data, _starts(sizes), scales, *self.factors.arrays)
        lists, bounds = invert(rows, len(self.factors.word_scales))
        self._write("forward", data)
        self._keep(forward_starts=sizes, scales=scales, norms=bounds.norms)
        self._keep(frequency=bounds.frequency[None], tops=bounds.tops[None], steps=bounds.steps[None])
        self._write_lists(lists)
        self._data, self._sizes, self._scales = [], [], []

    def _write_lists(self, lists: Lists) -> None:
        starts = lists.starts.copy()
        streams: list[NDArray[Any]] = [lists.gaps, lists.rows, lists.columns]
        for (name, kinds), stream in zip(STREAMS.items(), streams, strict=True):
            starts[np.isin(lists.kinds, kinds)] += self._written[name]
            self._write(name, stream)
        self._keep(word_groups=lists.word_groups[None] + self._n_groups, counts=lists.counts)
        self._keep(kinds=lists.kinds, starts=starts, lengths=lists.lengths)
        self._n_groups += len(starts)

    def _write(self, name: str, values: NDArray[Any]) -> None:
        self.streams[name].write(values)
        self._written[name] += len(values)

    def _keep(self, **arrays: NDArray[Any]) -> None:
        for name, array in arrays.items():
            self._kept[name].append(array)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that is not in streams."""
        along = dict.fromkeys(("scales", "norms"), 1)
        joined = {
            name: np.concatenate(parts, axis=along.get(name, 0))
            for name, parts in self._kept.items()
            if parts
        }
        joined["forward_starts"] = _starts(joined["forward_starts"])
        levels = self.factors.levels[: self._most + 1]
        return {**joined, **self.factors.arrays._asdict(), "levels": levels}


def open_packed(folder: Path, size: int) -> list[tuple[Ids, PackedPostings]]:
    """Map a segment into memory; return ids and postings of each block.

    Raises IndexFolderError if an array is missing or damaged, or the segment is of another size.
    """
    arrays = load_arrays(folder, unchecked=_LATER)
    _check(folder, arrays, size)
    blocks = []
    for number, word_groups in enumerate(arrays["word_groups"]):
        here = slice(number * BLOCK, (number + 1) * BLOCK)
        ids = arrays["ids"][here]
        groups = (arrays[name] for name in ("counts", "kinds", "starts", "lengths"))
        lists = Lists(len(ids), word_groups, *groups, *(arrays[name] for name in STREAMS))
        starts = arrays["forward_starts"][here.start : here.stop + 1]
        factors = (arrays[name] for name in Factors.__dataclass_fields__)
        rows = Rows(arrays["forward"], starts, arrays["scales"][:, here], *factors)
        by_block = [arrays[name][number] for name in ("frequency", "tops", "steps")]
        bounds = Bounds(by_block[0], by_block[1], arrays["norms"][:, here], by_block[2])
        blocks.append((ids, PackedPostings(lists, rows, bounds, arrays.checks)))
    return blocks


def _check(folder: Path, arrays: Folder, size: int) -> None:
    """Refuse what a search could not read safely."""
    for name, dtype in _TYPES.items():
        if name not in arrays:
            raise IndexFolderError(f"{folder}: has no {name}.npy; {REPAIR}")
        if arrays[name].dtype.str != dtype:
            raise _broken(folder, name)
    if len(arrays["word_scales"]) != size:
        raise IndexFolderError(f"{folder}: holds {len(arrays['word_scales'])} words, not {size}; index again")
    n, n_parts, n_blocks = len(arrays["ids"]), len(arrays["ends"]), -(-len(arrays["ids"]) // BLOCK)
    shapes = {
        "scales": (n_parts, n),
        "shares": (n_parts,),
        "norms": (len(SHARES), n),
        "steps": (n_blocks, len(SHARES)),
        "frequency": (n_blocks, size),
        "tops": (n_blocks, size),
        "word_groups": (n_blocks, size + 1),
        "forward_starts": (n + 1,),
        **dict.fromkeys(("counts", "kinds", "lengths"), arrays["starts"].shape),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise _broken(folder, name)
    # Kernels read by these without checking: they must rise, from the first to the end.
    for name, n_all in (("forward_starts", len(arrays["forward"])), ("word_groups", len(arrays["starts"]))):
        flat = np.concatenate([np.zeros(1, np.int64), arrays[name].reshape(-1), [n_all]])
        if (np.diff(flat) < 0).any() or flat[-2] != flat[-1]:
            raise _broken(folder, name)
    if arrays["ends"].tolist() != sorted(set(arrays["ends"].tolist())) or arrays["ends"][-1:].tolist() != [
        size
    ]:
        raise _broken(folder, "ends")
    if (arrays["kinds"] > NEAR).any():
        raise _broken(folder, "kinds")
    for name, kinds in STREAMS.items():
        of_kind = np.isin(arrays["kinds"], kinds)
        first, lengths = arrays["starts"][of_kind], arrays["lengths"][of_kind]
        if len(first) and (
            min(first.min(), lengths.min()) < 0 or (first + lengths).max() > len(arrays[name])
        ):
            raise _broken(folder, name)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _broken(folder: Path, name: str) -> IndexFolderError:
    return IndexFolderError(f"{folder}: {name}.npy does not fit the rest; {REPAIR}")
