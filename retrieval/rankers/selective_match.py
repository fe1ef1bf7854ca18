"""The selective index: ranks aggregated binary codes word by word; only near codes count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..ranker import Ids, Ranking
from ..representation import SparseVector
from .binary_codes import CodedWords, Codes, add_scores, merged, open_codes, write_codes
from .block_store import BlockStore
from .top_k import Selection

MOST_BITS = 128
"""The longest code of a word."""

_PENDING = 4096
"""Vectors that are gathered before they become a block."""


class SelectiveIndex:
    """Rank by ASMK*, the aggregated selective match kernel over binary codes, exactly.

    A vector holds a code of b bits for each of its words: its values are ±1 / √(n · b), b of them a word, at
    ``word · b`` and after, with n the number of its words; so it has unit length. With u = 1 − 2h / b, h the
    Hamming distance of two codes of one word, the score is Σ σ(u) / √(n · n') over the words that both have,
    σ(u) = u^α if u > τ, else 0 (Tolias, Avrithis and Jégou, IJCV 2016, eqs. 9, 12 and 16). A vector
    scores 1 against itself, and no score depends on where a vector is. Saved segments are mapped into
    memory; a posting takes 12 bytes with up to 64 bits, 20 above.

    Parameters
    ----------
    n_words : how many words there are, at least 1.
    n_bits : b, 1 to 128.
    alpha : α, positive: the higher, the less far codes count.
    threshold : τ, 0 to below 1.
    """

    def __init__(self, n_words: int, n_bits: int, alpha: float = 3.0, threshold: float = 0.0) -> None:
        if n_words < 1 or not 1 <= n_bits <= MOST_BITS:
            raise SettingError(
                f"n_words {n_words}, n_bits {n_bits}: give 1 word or more, of 1 to {MOST_BITS} bits"
            )
        self.n_words, self.n_bits = n_words, n_bits
        self._weights = similarities(n_bits, alpha, threshold)
        self._store: BlockStore[CodedWords, Codes] = BlockStore(
            partial(Codes.build, n_words=n_words), partial(merged, n_words=n_words), at_once=_PENDING
        )

    @classmethod
    def open(
        cls, folders: Iterable[Path], n_words: int, n_bits: int, alpha: float = 3.0, threshold: float = 0.0
    ) -> Self:
        """Open saved segments as one ranker. IndexFolderError if one is damaged or of another size."""
        index = cls(n_words, n_bits, alpha, threshold)
        index._store.open([open_codes(Path(folder), n_words, n_bits) for folder in folders])
        return index

    @property
    def size(self) -> int:
        """The length of the vectors."""
        return self.n_words * self.n_bits

    def add(self, ids: Ids, vectors: Sequence[SparseVector]) -> None:
        """Add vectors under new ids; nothing is added if one of them is refused.

        Raises ValueError if an id is negative, there already or repeated, or a vector holds no codes.
        """
        self._store.add(ids, vectors, self._coded)

    def remove(self, ids: Ids) -> None:
        """Forget ids; those that are not there are passed over."""
        self._store.remove(ids)

    def rank(self, query: SparseVector, k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Rank the ids against a vector and return the best ``k``; all of them if k is above their number.

        ``among`` is bool, by id: ids that it does not hold, or holds False, are not ranked. Raises ValueError
        if the query holds no codes of this index.
        """
        coded = self._coded(query)
        selection = Selection(min(k, len(self)), among)
        for ids, block in self._store.blocks():
            selection.offer(ids, add_scores(block, coded, self._weights))
        return selection.ranking()

    def vector(self, id: int) -> SparseVector:
        """Return the vector under an id, as it was added. Raise KeyError if there is none."""
        block, row = self._store.find(id)
        coded = block.row(row)
        bits = np.unpackbits(coded.codes.astype("<u8").view(np.uint8), axis=1, bitorder="little")
        return signs(coded.words, bits[:, : self.n_bits].astype(bool), self.n_words)

    def ids(self) -> Ids:
        """Return the ids that are there, int64 (n,), rising."""
        return self._store.ids()

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each id i the new id ``numbers[i]``; remove it if that is negative or i beyond the end."""
        self._store.renumber(numbers)

    def save(self, folder: Path) -> None:
        """Write what is there as one segment, some words at a time."""
        blocks = list(self._store.blocks())
        write_codes(folder, [b for _, b in blocks], [ids for ids, _ in blocks], self.n_words, self.n_bits)

    def __len__(self) -> int:
        return len(self._store)

    def _coded(self, vector: SparseVector) -> CodedWords:
        """Return the words of a vector with their codes. Raise ValueError if it is none of this index."""
        if vector.size != self.size:
            raise ValueError(
                f"a vector of length {vector.size} against an index of {self.n_words} words of {self.n_bits} "
                "bits; use the representation that made the index"
            )
        # Rebuilt from its codes and compared: whatever is not exactly such a vector is refused.
        n = len(vector.indices) // self.n_bits
        words = np.array(vector.indices[:: self.n_bits], dtype=np.int64) // self.n_bits
        values = np.asarray(vector.values)
        try:
            bits = (values > 0).reshape(n, self.n_bits)
            sound = signs(words, bits, self.n_words)
        except ValueError as error:
            raise ValueError("a vector lacks a part of the code of a word; encode it again") from error
        if not np.array_equal(sound.indices, vector.indices) or not np.allclose(sound.values, values, 1e-5):
            raise ValueError("a vector holds other values than codes, or words that fall; encode it again")
        return CodedWords(words, packed(bits))


def similarities(n_bits: int, alpha: float, threshold: float) -> NDArray[np.float32]:
    """Return σ(1 − 2h / b) for each Hamming distance h, float32 (b + 1,). SettingError out of range."""
    if not 0 < alpha < np.inf or not 0 <= threshold < 1:
        raise SettingError(f"alpha {alpha}, threshold {threshold}: give a positive number, and 0 to below 1")
    # All values that u can have: kernels look weights up by the Hamming distance.
    u = 1 - 2 * np.arange(n_bits + 1) / n_bits
    return np.where(u > threshold, np.maximum(u, 0) ** alpha, 0).astype(np.float32)


def signs(words: NDArray[np.integer], bits: NDArray[np.bool_], n_words: int) -> SparseVector:
    """Return the vector of the codes ``bits`` (n, b) of some words, int (n,), strictly rising.

    Raise ValueError if the words do not rise below ``n_words``.
    """
    n, n_bits = bits.shape
    if n and (words[0] < 0 or words[-1] >= n_words or (np.diff(words) <= 0).any()):
        raise ValueError(f"words must rise and stay below {n_words}")
    indices = (words[:, None] * n_bits + np.arange(n_bits)).astype(np.uint32)
    unit = np.float32(1 / np.sqrt(max(1, n * n_bits)))
    return SparseVector(indices.reshape(-1), np.where(bits, unit, -unit).reshape(-1), n_words * n_bits)


def packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return codes bool (n, b) as uint64 (n, ⌈b / 64⌉), the first bit lowest, the rest 0."""
    n, n_bits = bits.shape
    # Bits beyond b are 0 in every code, so that they never count as a difference.
    padded = np.zeros((n, -(-n_bits // 64) * 64), dtype=bool)
    padded[:, :n_bits] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)
