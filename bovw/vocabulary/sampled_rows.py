"""Descriptors of many images in one array, which is what vocabularies learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROOM = 1.25
"""How many times its size the array grows to, when it is full."""


@dataclass(frozen=True, eq=False)
class SampledRows:
    """Descriptors of images, one image after the other.

    Parameters
    ----------
    together : (n, d), all of them.
    lengths : how many of them each image has.
    """

    together: NDArray[Any]
    lengths: list[int]

    @property
    def images(self) -> list[NDArray[Any]]:
        """The descriptors of each image, as views."""
        ends = np.cumsum(self.lengths, dtype=np.int64).tolist()
        return [self.together[end - n : end] for end, n in zip(ends, self.lengths, strict=True)]


def gather(samples: Iterable[Mapping[str, NDArray[Any]]], *names: str) -> list[SampledRows]:
    """Join the descriptors (n_i, d) of images, those of each name apart; no samples give arrays (0, 0)."""
    growing = [_Growing() for _ in names]
    for sample in samples:
        for one, name in zip(growing, names, strict=True):
            one.add(sample[name])
    return [one.whole() for one in growing]


class _Growing:
    """An array that grows in place: of an iterator, the sample is in memory once."""

    def __init__(self) -> None:
        self._rows = np.empty((0, 0))
        self._lengths: list[int] = []
        self._n = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows (n, d)."""
        if not self._lengths:
            self._rows = np.empty((0, rows.shape[1]), rows.dtype)
        n = self._n + len(rows)
        if n > len(self._rows):
            self._rows.resize((int(_ROOM * n), rows.shape[1]), refcheck=False)
        self._rows[self._n : n] = rows
        self._n = n
        self._lengths.append(len(rows))

    def whole(self) -> SampledRows:
        """Return all rows."""
        self._rows.resize((self._n, self._rows.shape[1]), refcheck=False)
        return SampledRows(self._rows, self._lengths)
