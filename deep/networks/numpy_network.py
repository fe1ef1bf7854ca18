"""The project's own network by numpy, in float32: no torch is loaded, and BLAS does the work.

Maps are float32 (rows, cols, channels), so that what a convolution sees of a row is one piece of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import sched_getaffinity
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided

from retrieval.statistics.blas_threads import one_blas_thread

from .architecture import MEAN, STD, own_tensors
from .numpy_pooling import covered, pooled, pooled_windows, unit
from .runner import Squares, Values

_Found = TypeVar("_Found")

_EPSILON = 1e-5
"""What batch normalisation adds to variances."""
_SCRATCH = 1 << 20
"""Values that are laid out for one product, 4 MB: what a core's own cache holds, more or less."""


class NumpyNetwork:
    """Embed squares by the project's own network.

    Each image is computed by itself, so that what else is in a batch changes no bit of its embedding.

    Parameters
    ----------
    data : the bytes of a weight file.
    name : of the file, for errors.
    projected : whole images are embedded by the projection; else by the pooled levels. Parts always by the
        projection.

    Raises
    ------
    SettingError : no weight file of the project's own network, or a damaged one.
    """

    def __init__(self, data: bytes, name: str, projected: bool = True) -> None:
        self._architecture, tensors = own_tensors(data, name)
        self._projected = projected
        self.part_dimension = self._architecture.dimension
        self._dimension = self.part_dimension if projected else self._architecture.pooled
        self._stem = _Convolution(tensors, "stem.0", 2)
        self._blocks = [_Block(tensors, *block) for block in self._architecture.blocks()]
        self._projection = np.ascontiguousarray(tensors["projection.weight"].T), tensors["projection.bias"]
        # What each byte of each channel is to the network, (3, 256).
        levels = np.arange(256, dtype=np.float32) / 255
        mean, deviation = (np.array(values, dtype=np.float32)[:, None] for values in (MEAN, STD))
        self._levels = (levels - mean) / deviation

    @property
    def dimension(self) -> int:
        """The length of the embeddings of whole images."""
        return self._dimension

    def embed(self, squares: Squares, weights: Values | None = None) -> Values:
        """Return embeddings float32 (n, dimension) of squares (n, 3, side, side).

        ``weights`` float32 (n, side, side) in [0, 1] says how much of each place counts.
        """
        found = _each(lambda i: self._whole(self._pool(self._maps(squares[i]), weights, i)), len(squares))
        return np.concatenate(found)

    def embed_part(self, squares: Squares, weights: Values, around: Values | None = None) -> Values:
        """Return embeddings float32 (n, part dimension), as those of windows, of what ``weights`` mark.

        With ``around``, other weights, of how it differs from what these mark.
        """

        def of(i: int) -> Values:
            maps = self._maps(squares[i])
            return self._project(
                self._pool(maps, weights, i), None if around is None else self._pool(maps, around, i)
            )

        return np.concatenate(_each(of, len(squares)))

    def no_parts(self) -> Values:
        """Return the embeddings of no windows, float32 (0, part dimension)."""
        return np.zeros((0, self.part_dimension), dtype=np.float32)

    def embed_parts(
        self, squares: Squares, windows: Values, around: Values | None = None
    ) -> tuple[Values, Values]:
        """Return embeddings (n, dimension) of squares, and (n, k, part dimension) of windows (k, 4) of each.

        With ``around``, windows around each of these, of how a window differs from the rest of that one.
        """
        power = self._architecture.power

        def of(i: int) -> tuple[Values, Values]:
            maps = self._maps(squares[i])
            rings = None if around is None else pooled_windows(maps, power, around, windows)
            return self._whole(self._pool(maps)), self._project(pooled_windows(maps, power, windows), rings)

        found = _each(of, len(squares))
        return np.concatenate([whole for whole, _ in found]), np.stack([parts for _, parts in found])

    def maps(self, squares: Squares, level: int) -> Values:
        """Return a level's feature maps, float32 (n, rows, cols, channels), of squares (n, 3, side, side)."""
        return np.stack(_each(lambda i: self._maps(squares[i])[level], len(squares)))

    def _maps(self, square: Squares) -> list[Values]:
        """Return the map of each level that is pooled, of one square (3, side, side)."""
        scratch = np.empty(_SCRATCH, dtype=np.float32)
        x = np.stack([own[channel] for own, channel in zip(self._levels, square, strict=True)], axis=-1)
        first = self._stem(x, scratch)
        x = _largest(np.maximum(first, 0, out=first))
        last: dict[int, Values] = {}
        for block in self._blocks:
            x = block(x, scratch)
            last[block.stage] = x
        return [last[level] for level in sorted(set(self._architecture.levels))]

    def _pool(self, maps: Sequence[Values], weights: Values | None = None, i: int = 0) -> Values:
        """Return the pooled levels of image i, each of unit length, side by side: float32 (1, d)."""
        power = self._architecture.power
        shares = [None if weights is None else covered(weights[i], *found.shape[:2]) for found in maps]
        pairs = zip(maps, shares, strict=True)
        return np.concatenate([pooled(found, power, share) for found, share in pairs], axis=1)

    def _whole(self, levels: Values) -> Values:
        return self._project(levels) if self._projected else unit(levels)

    def _project(self, levels: Values, around: Values | None = None) -> Values:
        """Return embeddings (n, dimension) of unit length for pooled levels (n, …), less those around."""
        weight, bias = self._projection
        projected = levels @ weight + bias
        return unit(projected if around is None else projected - (around @ weight + bias))


class _Convolution:
    """A convolution with the normalisation that follows it: with fixed statistics that is a x + b."""

    def __init__(self, tensors: dict[str, Values], name: str, stride: int) -> None:
        weight = tensors[f"{name}.0.weight"]  # (n out, n in, size, size)
        scale = tensors[f"{name}.1.weight"] / np.sqrt(tensors[f"{name}.1.running_var"] + _EPSILON)
        self.bias = tensors[f"{name}.1.bias"] - tensors[f"{name}.1.running_mean"] * scale
        self.size, self.stride = weight.shape[2], stride
        laid = (weight * scale[:, None, None, None]).transpose(2, 3, 1, 0)
        # (size · size · n in, n out), in the order in which places and their channels are laid out.
        self.weight = np.ascontiguousarray(laid.reshape(-1, len(weight)))

    def __call__(self, x: Values, scratch: Values) -> Values:
        """Return the map (rows / stride, cols / stride, n out) of a map (rows, cols, n in)."""
        n_in = x.shape[2]
        if self.size == 1:
            return np.asarray(x.reshape(-1, n_in) @ self.weight + self.bias).reshape(*x.shape[:2], -1)
        edge = self.size // 2
        rows, cols = ((side - 1) // self.stride + 1 for side in x.shape[:2])
        padded = np.zeros((x.shape[0] + 2 * edge, x.shape[1] + 2 * edge, n_in), dtype=np.float32)
        padded[edge:-edge, edge:-edge] = x
        down, across, step = padded.strides
        # Each place sees `size` pieces of memory, one a row: (rows, cols, size, size · n in).
        shape = (rows, cols, self.size, self.size * n_in)
        seen = as_strided(padded, shape, (down * self.stride, across * self.stride, down, step))
        found = np.empty((rows, cols, self.weight.shape[1]), dtype=np.float32)
        n = max(1, len(scratch) // (cols * len(self.weight)))
        for first in range(0, rows, n):
            part = seen[first : first + n]
            if part.size > len(scratch):  # a single row of a very wide map
                scratch = np.empty(part.size, dtype=np.float32)
            laid = scratch[: part.size].reshape(part.shape)
            laid[...] = part
            into = found[first : first + n].reshape(-1, found.shape[2])
            np.matmul(laid.reshape(-1, len(self.weight)), self.weight, out=into)
        found += self.bias
        return found


class _Block:
    """Two convolutions of 3 × 3, and a shortcut around them."""

    def __init__(
        self, tensors: dict[str, Any], stage: int, place: int, n_in: int, n_out: int, stride: int
    ) -> None:
        name = f"stages.{stage}.{place}"
        self.stage, self._stride = stage, stride
        self._first = _Convolution(tensors, f"{name}.first", stride)
        self._second = _Convolution(tensors, f"{name}.second", 1)
        is_same = n_in == n_out and stride == 1
        self._around = None if is_same else _Convolution(tensors, f"{name}.around.1", 1)

    def __call__(self, x: Values, scratch: Values) -> Values:
        """Return the map (rows / stride, cols / stride, n out) of a map (rows, cols, n in)."""
        y = self._first(x, scratch)
        y = self._second(np.maximum(y, 0, out=y), scratch)
        y += x if self._around is None else self._around(_averages(x, self._stride), scratch)
        return np.maximum(y, 0, out=y)


def _averages(x: Values, stride: int) -> Values:
    """Return the means of pairs of rows and columns, where a stride of 2 halves a map: an odd end alone."""
    if stride == 1:
        return x
    return _halved(_halved(x).transpose(1, 0, 2)).transpose(1, 0, 2)


def _halved(x: Values) -> Values:
    """Return the means of pairs of rows."""
    pairs = len(x) // 2
    found = np.empty(((len(x) + 1) // 2, *x.shape[1:]), dtype=np.float32)
    np.add(x[0 : 2 * pairs : 2], x[1 : 2 * pairs : 2], out=found[:pairs])
    found[:pairs] /= 2
    found[pairs:] = x[2 * pairs :]
    return found


def _largest(x: Values) -> Values:
    """Return the largest of 3 × 3 places around every second place of a map of values from 0."""
    rows, cols = ((side - 1) // 2 + 1 for side in x.shape[:2])
    padded = np.zeros((2 * rows + 1, 2 * cols + 1, x.shape[2]), dtype=np.float32)
    padded[1 : x.shape[0] + 1, 1 : x.shape[1] + 1] = x
    tall = np.maximum(np.maximum(padded[:-2:2], padded[1:-1:2]), padded[2::2])  # (rows, …)
    return np.maximum(np.maximum(tall[:, :-2:2], tall[:, 1:-1:2]), tall[:, 2::2])


def _each(work: Callable[[int], _Found], n: int) -> list[_Found]:
    """Return the results for n images, each by one thread, so that they are the same whatever the threads.

    Several threads for each image would be no quicker where there are several images.
    """

    def quiet(i: int) -> _Found:
        # What overflows is found where embeddings are normalised.
        with np.errstate(over="ignore", invalid="ignore"):
            return work(i)

    with one_blas_thread():
        if n == 1:
            return [quiet(0)]
        with ThreadPoolExecutor(min(n, len(sched_getaffinity(0)))) as threads:
            return list(threads.map(quiet, range(n)))
