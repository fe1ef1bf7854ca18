"""Codes: for each word, which rows of a block hold it and with which binary code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError
from ..kernel import kernel
from ..ranker import Ids
from .array_files import ArrayWriter, load_arrays, save_arrays
from .block_sums import NO_CHECK, RowCheck

_PIECE = 1_000_000
"""Postings that are merged at a time when a segment is written: 20 MB at most."""

_TYPES = {"ids": np.int64, "counts": np.int32, "offsets": np.int64, "rows": np.uint32, "codes": np.uint64}


class CodedWords(NamedTuple):
    """The words of one image, int64 (n,), rising, and their codes, uint64 (n, 1 or 2)."""

    words: NDArray[np.int64]
    codes: NDArray[np.uint64]


class CodePostings(NamedTuple):
    """The postings of a block as kernels take them; see ``Codes``."""

    offsets: NDArray[np.int64]
    rows: NDArray[np.uint32]
    codes: NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Codes:
    """Hold a block of coded words by word.

    Parameters
    ----------
    counts : int32 (n,), how many words each row has.
    offsets : int64 (n_words + 1,), word w has the postings ``offsets[w]`` to ``offsets[w + 1]``.
    rows : uint32 (n_postings,), rising within a word.
    codes : uint64 (n_postings, 1 or 2), the code of that row at that word.
    row_check, code_check : check ``rows`` and ``codes`` of a file before they are read.
    """

    counts: NDArray[np.int32]
    offsets: NDArray[np.int64]
    rows: NDArray[np.uint32]
    codes: NDArray[np.uint64]
    row_check: RowCheck = NO_CHECK
    code_check: RowCheck = NO_CHECK

    def __post_init__(self) -> None:
        for array in (self.counts, self.offsets, self.rows, self.codes):
            array.flags.writeable = False  # as if mapped: so the kernels are compiled once

    @classmethod
    def build(cls, coded: Sequence[CodedWords], n_words: int) -> Codes:
        """Sort the words of one row or more by word."""
        counts = np.array([len(one.words) for one in coded], dtype=np.int32)
        words = np.concatenate([one.words for one in coded])
        order = np.argsort(words, kind="stable")  # rows then rise within each word
        rows = np.repeat(np.arange(len(coded), dtype=np.uint32), counts)[order]
        codes = np.concatenate([one.codes for one in coded])[order]
        return cls(counts, _starts(np.bincount(words, minlength=n_words)), rows, codes)

    @property
    def n(self) -> int:
        """How many rows there are."""
        return len(self.counts)

    @property
    def postings(self) -> CodePostings:
        """The postings as kernels take them."""
        return CodePostings(self.offsets, self.rows, self.codes)

    def row(self, row: int) -> CodedWords:
        """Return the words and codes of one row, searched for in every word. IndexFolderError if damaged."""
        self.row_check.all()
        where = _find_row(self.offsets, self.rows, row)
        words = np.flatnonzero(where >= 0)
        self.code_check.ranges(where[words], where[words] + 1)
        return CodedWords(words, self.codes[where[words]])


Part = tuple[Codes, NDArray[np.int64]]
"""A block, and where each of its rows goes: int64 (n,), −1 for those that are left out."""


def add_scores(block: Codes, query: CodedWords, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Σ weights[h] / √(n n') for each row, float32 (n,), h the Hamming distances over shared words.

    The sum is taken in the order of the words, in float32; a row without words scores 0. Raises
    IndexFolderError if postings of the words are damaged.
    """
    for check in (block.row_check, block.code_check):
        check.ranges(block.offsets[query.words], block.offsets[query.words + 1])
    sums = np.zeros(block.n, dtype=np.float32)
    _add_scores(block.postings, query, weights, sums)
    # An image with itself has Σ = n, and scores 1: the lengths are √n and √n'.
    lengths = np.sqrt(np.maximum(1.0, block.counts.astype(np.float64) * len(query.words)))
    return (sums / lengths).astype(np.float32)


def merged(blocks: Sequence[Codes], n_words: int) -> Codes:
    """Return several blocks as one, in memory, their rows one after the other."""
    starts = _starts(np.array([block.n for block in blocks]))
    parts = [(b, first + np.arange(b.n)) for b, first in zip(blocks, starts[:-1].tolist(), strict=True)]
    found = list(_merge(parts, n_words))
    offsets = _starts(np.concatenate([counts for counts, _, _ in found]))
    rows, codes = (np.concatenate([piece[i] for piece in found]) for i in (1, 2))
    return Codes(np.concatenate([b.counts for b in blocks]), offsets, rows, codes)


def write_codes(
    folder: Path, blocks: Sequence[Codes], block_ids: Sequence[Ids], n_words: int, n_bits: int
) -> None:
    """Write the rows of blocks whose id is not negative as one segment; memory is bounded by pieces."""
    for block in blocks:  # else damage would be written anew, with checksums that fit it
        block.row_check.all()
        block.code_check.all()
    folder.mkdir(parents=True, exist_ok=True)
    lives = [ids >= 0 for ids in block_ids]
    starts = np.cumsum([0, *(int(live.sum()) for live in lives)])
    parts = [
        (block, np.where(live, first + np.cumsum(live) - 1, -1))
        for block, live, first in zip(blocks, lives, starts[:-1].tolist(), strict=True)
    ]
    none = np.empty(0, np.int32)
    counts = np.concatenate([none, *(b.counts[live] for b, live in zip(blocks, lives, strict=True))])
    ids = np.concatenate([none, *(i[live] for i, live in zip(block_ids, lives, strict=True))])
    n, width = int(counts.sum(dtype=np.int64)), -(-n_bits // 64)
    per_word = [np.zeros(0, np.int64)]
    with (
        ArrayWriter(folder, "rows", np.uint32, (n,)) as rows_file,
        ArrayWriter(folder, "codes", np.uint64, (n, width)) as codes_file,
    ):
        for found, rows, codes in _merge(parts, n_words):
            per_word.append(found)
            rows_file.write(rows)
            codes_file.write(codes)
    offsets = _starts(np.concatenate(per_word))
    save_arrays(folder, {"ids": ids.astype(np.int64), "counts": counts, "offsets": offsets})


def open_codes(folder: Path, n_words: int, n_bits: int) -> tuple[Ids, Codes]:
    """Map a segment into memory. IndexFolderError if it is damaged or of another size."""
    arrays = load_arrays(folder, unchecked=("rows", "codes"))
    for name, dtype in _TYPES.items():
        if name not in arrays:
            raise IndexFolderError(f"{folder}: has no {name}.npy; {REPAIR}")
        if arrays[name].dtype != dtype or arrays[name].ndim != (2 if name == "codes" else 1):
            raise _broken(folder, name)
    offsets, n = arrays["offsets"], len(arrays["rows"])
    if len(offsets) != n_words + 1 or arrays["codes"].shape[1] != -(-n_bits // 64):
        raise IndexFolderError(f"{folder}: holds other words than this index; index again")
    if offsets[0] != 0 or offsets[-1] != n or (np.diff(offsets) < 0).any():
        raise _broken(folder, "offsets")
    if len(arrays["codes"]) != n:
        raise _broken(folder, "codes")
    if len(arrays["counts"]) != len(arrays["ids"]):
        raise _broken(folder, "counts")
    checks = (arrays.checks["rows"], arrays.checks["codes"])
    return arrays["ids"], Codes(arrays["counts"], offsets, arrays["rows"], arrays["codes"], *checks)


def _merge(
    parts: Sequence[Part], n_words: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint64]]]:
    """Yield counts by word, rows and codes of some words after the other; rows must rise over the parts."""
    if not parts:
        yield np.zeros(n_words, np.int64), np.empty(0, np.uint32), np.empty((0, 1), np.uint64)
        return
    total = np.sum([block.offsets for block, _ in parts], axis=0)
    first = 0
    while first < n_words:
        last = max(first + 1, int(np.searchsorted(total, total[first] + _PIECE, "right")) - 1)
        found = [_of_words(block, places, first, last) for block, places in parts]
        words, rows, codes = (np.concatenate([piece[i] for piece in found]) for i in range(3))
        order = np.argsort(words, kind="stable")
        counts = np.bincount(words, minlength=last - first)
        yield counts, rows[order].astype(np.uint32), codes[order].astype(np.uint64)
        first = last


def _of_words(
    block: Codes, places: NDArray[np.int64], first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
    """Return words (from 0), new rows and codes of the postings of a range of words that are kept."""
    offsets = block.offsets[first : last + 1]
    within = slice(offsets[0], offsets[-1])
    words = np.repeat(np.arange(last - first), np.diff(offsets))
    rows = places[block.rows[within]]
    return words[rows >= 0], rows[rows >= 0], block.codes[within][rows >= 0]


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _broken(folder: Path, name: str) -> IndexFolderError:
    return IndexFolderError(f"{folder}: {name}.npy does not fit the rest; {REPAIR}")


@kernel()
def count_ones(x: np.uint64) -> np.uint64:
    """Return how many bits of a word are set (Warren, Hacker's Delight, 5-1)."""
    # Numba has no instruction for it. Sums of 2, then 4, then 8 bits side by side in the same word; the
    # product adds the eight bytes up in the highest one.
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@kernel()
def _add_scores(
    block: CodePostings, query: CodedWords, weights: NDArray[np.float32], sums: NDArray[np.float32]
) -> None:
    """Add the weight of each distance between codes of one word to the ``sums`` (n,) of the rows."""
    # Word by word, as the postings are laid out: so only the words of the query are read, and every row's sum
    # is taken in the order of the words, whatever block it is in.
    rows, codes = block.rows, block.codes
    for i in range(len(query.words)):
        for j in range(block.offsets[query.words[i]], block.offsets[query.words[i] + 1]):
            distance = np.uint64(0)
            for part in range(codes.shape[1]):
                distance += count_ones(codes[j, part] ^ query.codes[i, part])
            # A damaged file must not make this write beyond the end.
            if rows[j] < len(sums) and distance < len(weights):
                sums[rows[j]] += weights[distance]


@kernel()
def _find_row(offsets: NDArray[np.int64], rows: NDArray[np.uint32], row: int) -> NDArray[np.int64]:
    """Return int64 (n_words,): where the row's posting of each word is, −1 if it has none."""
    where = np.full(len(offsets) - 1, -1, dtype=np.int64)
    for word in range(len(where)):
        listed = rows[offsets[word] : offsets[word + 1]]
        place = np.searchsorted(listed, np.uint32(row))
        if place < len(listed) and listed[place] == row:
            where[word] = offsets[word] + place
    return where
