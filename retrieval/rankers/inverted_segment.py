"""The segment of an inverted index: a folder of arrays that is written once and memory-mapped afterwards.

It holds ``ids`` int64 (n,), ``rows`` uint16 (n_listed,), ``weights`` float32 (n_weights,) and ``offsets``
int64 (n_blocks, size + 1) into the weights. Since format 4 there is ``tops`` float32
(n_blocks, size) too, the largest size of a weight of each word. Each block but the last holds 65,536 vectors;
``Postings`` says how a block is laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError
from ..ranker import Ids
from .array_files import ArrayWriter, load_arrays, save_arrays
from .postings import BLOCK, Postings, largest, layout
from .postings_merge import Part, count_postings, merge

_PIECE = 2_000_000
"""Weights that are merged at a time when a segment is written: 12 MB."""

_TYPES = {"ids": np.int64, "offsets": np.int64, "rows": np.uint16, "weights": np.float32}


def write_segment(
    folder: Path, ids: Ids, blocks: Sequence[Postings], block_ids: Sequence[Ids], size: int
) -> None:
    """Write the rows of blocks whose id is not negative; ``ids`` are these, in the order of blocks and rows.

    The new blocks are as full as can be. They are merged word by word, so memory is bounded by the pieces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Counted first, in one pass over the postings: then every array can be written from front to back, and
    # nothing larger than a piece is in memory.
    plan = _plan(len(ids), blocks, block_ids)
    sizes = [min(BLOCK, len(ids) - first) for first in range(0, len(ids), BLOCK)]
    counts = [count_postings(parts, size) for parts in plan]
    layouts = [layout(count, n) for count, n in zip(counts, sizes, strict=True)]
    ends = np.cumsum([0, *(found.offsets[-1] for found in layouts)], dtype=np.int64)
    n_rows = sum(found.n_rows for found in layouts)
    tops = np.zeros((len(plan), size), dtype=np.float32)
    with (
        ArrayWriter(folder, "rows", np.uint16, (n_rows,)) as rows_file,
        ArrayWriter(folder, "weights", np.float32, (int(ends[-1]),)) as weights_file,
    ):
        for parts, count, n, own, found in zip(plan, counts, sizes, tops, layouts, strict=True):
            end = 0
            for rows, weights in merge(parts, count, n, _PIECE):
                rows_file.write(rows)
                weights_file.write(weights)
                start, end = end, end + len(weights)
                own[:] = np.maximum(own, _largest_of_piece(weights, found.offsets, start))
    # Offsets count on from block to block, since the weights of all blocks are in one file.
    offsets = np.zeros((len(plan), size + 1), dtype=np.int64)
    for block, found in enumerate(layouts):
        offsets[block] = ends[block] + found.offsets
    save_arrays(folder, {"ids": ids, "offsets": offsets, "tops": tops})


def open_segment(folder: Path, size: int) -> list[tuple[Ids, Postings]]:
    """Map a segment into memory; return ids and postings of each block.

    Raises IndexFolderError if an array is missing or damaged, or the segment is of another size.
    """
    arrays = load_arrays(folder, unchecked=("rows", "weights"))
    _check(folder, arrays, size)
    checks = (arrays.checks["rows"], arrays.checks["weights"])
    blocks, first_row = [], 0
    for number, offsets in enumerate(arrays["offsets"]):
        ids = arrays["ids"][number * BLOCK : (number + 1) * BLOCK]
        tops = arrays["tops"][number] if "tops" in arrays else None
        postings = Postings(len(ids), offsets, arrays["rows"], arrays["weights"], first_row, *checks, tops)
        first_row = postings.row_end
        blocks.append((ids, postings))
    if first_row != len(arrays["rows"]):
        raise _broken(folder, "rows")
    return blocks


def _largest_of_piece(
    weights: NDArray[np.float32], offsets: NDArray[np.int64], start: int
) -> NDArray[np.float32]:
    """Return the largest size of a weight of each word, 0 of words that are not in a piece from ``start``."""
    return largest(weights, np.clip(offsets - start, 0, len(weights)))


def _plan(n_live: int, blocks: Sequence[Postings], block_ids: Sequence[Ids]) -> list[list[Part]]:
    """For each block to be written, return the blocks that it draws from and where their rows go."""
    plan: list[list[Part]] = [[] for _ in range(-(-n_live // BLOCK))]
    n_before = 0
    for ids, block in zip(block_ids, blocks, strict=True):
        live = np.flatnonzero(ids >= 0)
        places = n_before + np.arange(len(live))
        for number in np.unique(places // BLOCK):
            is_here = places // BLOCK == number
            rows = np.full(BLOCK, -1, dtype=np.int32)
            rows[live[is_here]] = places[is_here] % BLOCK
            plan[number].append((block, rows))
        n_before += len(live)  # removed rows leave no gap
    return plan


def _check(folder: Path, arrays: dict[str, NDArray[Any]], size: int) -> None:
    """Refuse what a search could not read safely."""
    for name, dtype in _TYPES.items():
        if name not in arrays:
            raise IndexFolderError(f"{folder}: has no {name}.npy; {REPAIR}")
        if arrays[name].dtype != dtype or arrays[name].ndim != (2 if name == "offsets" else 1):
            raise _broken(folder, name)
    offsets, tops = arrays["offsets"], arrays.get("tops")
    if tops is not None and (tops.dtype != np.float32 or tops.shape != (len(offsets), offsets.shape[1] - 1)):
        raise _broken(folder, "tops")
    if offsets.shape[1] != size + 1:
        raise IndexFolderError(f"{folder}: holds {offsets.shape[1] - 1} words, not {size}; index again")
    if len(offsets) != -(-len(arrays["ids"]) // BLOCK):
        raise _broken(folder, "ids")
    # Kernels read by these offsets without checking: they must rise, from 0 to the end of the weights.
    flat = np.concatenate([np.zeros(1, np.int64), offsets.reshape(-1), [len(arrays["weights"])]])
    if (np.diff(flat) < 0).any() or flat[-2] != flat[-1]:
        raise _broken(folder, "offsets")


def _broken(folder: Path, name: str) -> IndexFolderError:
    return IndexFolderError(f"{folder}: {name}.npy does not fit the rest; {REPAIR}")
