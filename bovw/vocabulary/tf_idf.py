"""The weighting: what each visual word of a bag counts for (tf · idf and its variants)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrieval.errors import SettingError
from retrieval.representation import SparseVector

TermFrequency = Literal["sqrt", "raw", "binary", "log"]
Norm = Literal["l2", "l1"]


@dataclass(frozen=True)
class Weighting:
    """Turn words into a weighted bag.

    With c_w the (perhaps fractional) count of word w in an image, its value before normalisation is

        v_w = f(c_w) · s_w,  f(c) = √c (``sqrt``), c (``raw``), 1 (``binary``), ln(1 + c) (``log``)

    and with df_w the number of the N images that hold w, s_w = 0 for a stop word and otherwise

        s_w = ln((N + 1) / (df_w + ½)),  or 1 without ``idf``,

    the inverse document frequency of BM25 as Lucene has it, above 0 even for a word of every image. The
    root counters burstiness (Jégou, Douze, Schmid, On the burstiness of visual elements, CVPR 2009).

    Under ``l2`` the bag is v / |v|₂, and the dot product of two bags their cosine. Under ``l1`` it is
    √(v / |v|₁), and the dot product is Hellinger's affinity of the L1-normalised bags (Bhattacharyya's
    coefficient). Either way a bag has unit length, and a bag with itself scores 1.

    Parameters
    ----------
    tf : how a count is damped: ``sqrt``, ``raw``, ``binary`` or ``log``.
    idf : whether rare words count for more.
    norm : ``l2`` or ``l1``.
    stop : the share of all words, from the most frequent by document frequency, that are ignored; in [0, 1).
    """

    tf: TermFrequency = "sqrt"
    idf: bool = True
    norm: Norm = "l2"
    stop: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in (("tf", get_args(TermFrequency)), ("norm", get_args(Norm))):
            if getattr(self, name) not in choices:
                raise SettingError(
                    f"{name}: {getattr(self, name)!r} is unknown; use one of {', '.join(choices)}"
                )
        if not 0 <= self.stop < 1:
            raise SettingError(f"stop: {self.stop} is no share of the words; give 0 to below 1")

    def word_weights(self, document_frequency: ArrayLike, n_documents: int) -> NDArray[np.float32]:
        """Return s_w of each word, float32 (K,), from int (K,), how many of the documents hold it.

        ``stop`` · K words (rounded down) get 0: those of the highest document frequency, equal ones by word.
        Raises ValueError if a document frequency is negative or above the number of documents.
        """
        frequency = np.asarray(document_frequency, dtype=np.int64)
        if frequency.ndim != 1 or ((frequency < 0) | (frequency > n_documents)).any():
            raise ValueError(
                f"document frequencies must lie in 0 to {n_documents}, one for each word; count anew"
            )
        weights = np.ones(len(frequency))
        if self.idf:
            weights = np.log((n_documents + 1) / (frequency + 0.5))
        most_frequent = np.argsort(-frequency, kind="stable")
        weights[most_frequent[: int(self.stop * len(frequency))]] = 0
        return weights.astype(np.float32)

    def products(self, word_weights: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the f and s of which values of bags with whole counts are products, up to a number a bag.

        That is float64 (65,536,), by the count, and (K,), by the word; both rooted under ``l1``. Under
        ``binary`` there is no count above 1.
        """
        levels = self._damped(np.arange(2.0 if self.tf == "binary" else 65_536.0))
        scales = word_weights.astype(np.float64)
        return (levels, scales) if self.norm == "l2" else (np.sqrt(levels), np.sqrt(scales))

    def weigh(
        self,
        words: NDArray[np.integer],
        word_weights: NDArray[np.float32],
        amounts: NDArray[np.floating] | None = None,
    ) -> SparseVector:
        """Make a bag of the words of an image's points.

        Parameters
        ----------
        words : int, any shape, each in [0, K): (n,) of n points, or (n, m) under soft assignment.
        word_weights : float32 (K,), see ``word_weights``.
        amounts : how much each counts for, of the shape of ``words``, not negative; None counts each 1.

        Returns
        -------
        bag : of size K and unit length; without any value if no word counts for anything.
        """
        flat = np.asarray(words).reshape(-1)
        size = len(word_weights)
        if len(flat) and not 0 <= flat.min() <= flat.max() < size:
            raise ValueError(
                f"words must lie in 0 to {size - 1}; assign with the vocabulary of these weights"
            )
        # Only the words that occur: an image has hundreds of points, a vocabulary thousands of words.
        found, places = np.unique(flat, return_inverse=True)
        weights = None if amounts is None else np.asarray(amounts, dtype=np.float64).reshape(-1)
        counts = np.bincount(places, weights=weights, minlength=len(found)).astype(np.float64)
        values = self._damped(counts) * word_weights[found]
        kept = values > 0
        return self._normalised(found[kept], values[kept], size)

    def _damped(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.tf == "raw":
            return counts
        if self.tf == "binary":
            return np.asarray(counts > 0, dtype=np.float64)
        return np.sqrt(counts) if self.tf == "sqrt" else np.log1p(counts)

    def _normalised(self, words: NDArray[np.integer], values: NDArray[np.float64], size: int) -> SparseVector:
        if len(values) and self.norm == "l2":
            values = values / np.linalg.norm(values)
        elif len(values):
            values = np.sqrt(values / values.sum())
        # A value that rounds to 0 is no word of the bag: an index stores the words that are above 0.
        rounded = values.astype(np.float32)
        kept = rounded > 0
        return SparseVector(words[kept].astype(np.uint32), rounded[kept], size)


def soft_amounts(squared_distances: NDArray[np.floating], sigma: float) -> NDArray[np.float64]:
    """Share each point among its nearest words, float64 (n, m), rows summing to 1.

    ∝ exp(−d² / 2σ²) (Philbin et al., Lost in quantization, CVPR 2008), from squared distances (n, m);
    ``sigma`` is in units of the descriptors. Raises SettingError if it is not above 0.
    """
    if not sigma > 0:
        raise SettingError(f"sigma: {sigma} is no distance; give a number above 0")
    squares = np.asarray(squared_distances, dtype=np.float64)
    # Relative to the nearest word: far from all words every exponential would vanish, and the sum be 0.
    nearest = squares.min(axis=1, keepdims=True) if squares.size else squares
    shares = np.exp((nearest - squares) / (2 * sigma**2))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
