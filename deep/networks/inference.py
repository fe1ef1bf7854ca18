"""Inference: squares of bytes become embeddings, in batches, on what computes fastest here."""

from __future__ import annotations

import os
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from retrieval.errors import SettingError

from .embedder import Embedder, folded

Squares = NDArray[np.uint8]


class Network(Protocol):
    """What a runner runs: images (n, 3, side, side) in [0, 1] in, embeddings (n, dimension) out."""

    dimension: int

    def embed(self, pixels: Tensor, weights: Tensor | None) -> Tensor:
        """Return embeddings of unit length; ``weights`` (n, 1, side, side) says what counts."""
        ...

    def prepared(self, device: torch.device, precision: torch.dtype) -> None:
        """Move to a device; compute the heavy part in a precision."""
        ...


@runtime_checkable
class PartsNetwork(Network, Protocol):
    """A network that embeds parts of images in the pass that embeds them whole."""

    part_dimension: int

    def embed_parts(self, pixels: Tensor, windows: Tensor, around: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return embeddings (n, dimension) of images, and (n, k, part_dimension) of their windows (k, 4).

        With ``around``, windows around each of these, of how a window differs from the rest of that one.
        """
        ...

    def embed_part(self, pixels: Tensor, weights: Tensor, around: Tensor | None) -> Tensor:
        """Return embeddings (n, part_dimension) of what ``weights`` (n, 1, side, side) marks.

        With ``around``, other weights, of how it differs from what these mark.
        """
        ...


class OwnNetwork:
    """The project's own embedder, with its normalisations folded in.

    Parameters
    ----------
    network : the embedder.
    projected : whole images are embedded by its projection; else by its pooled levels. Parts always by the
        projection.
    """

    def __init__(self, network: Embedder, projected: bool = True) -> None:
        self._network = folded(network)
        self._precision = torch.float32
        self._projected = projected
        self.part_dimension = network.architecture.dimension
        self.dimension = self.part_dimension if projected else network.architecture.pooled

    def prepared(self, device: torch.device, precision: torch.dtype) -> None:
        """Move to a device. The trunk computes in ``precision``, pooling and projection in float32."""
        self._precision = precision
        self._network.to(device)
        # Convolutions are fastest with channels last, on CPUs with bfloat16 units and on tensor cores alike.
        for trunk in (self._network.stem, self._network.stages):
            trunk.to(precision, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, pixels: Tensor, weights: Tensor | None) -> Tensor:
        """Return embeddings (n, dimension) of unit length."""
        return self._whole(self._network.pool(self._maps(pixels), weights))

    def embed_parts(
        self, pixels: Tensor, windows: Tensor, around: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return embeddings of images (n, dimension) and of windows (n, k, part_dimension)."""
        network, maps = self._network, self._maps(pixels)  # [(n, channels, rows, cols)], a level each
        rings = None if around is None else network.pool_windows(maps, around, windows)
        return self._whole(network.pool(maps)), network.embed(network.pool_windows(maps, windows), rings)

    def embed_part(self, pixels: Tensor, weights: Tensor, around: Tensor | None = None) -> Tensor:
        """Return embeddings (n, part_dimension) of what ``weights`` (n, 1, side, side) marks."""
        network, maps = self._network, self._maps(pixels)
        return network.embed(
            network.pool(maps, weights), None if around is None else network.pool(maps, around)
        )

    def _whole(self, pooled: Tensor) -> Tensor:
        return self._network.embed(pooled) if self._projected else F.normalize(pooled, dim=-1)

    def _maps(self, pixels: Tensor) -> list[Tensor]:
        return self._network.maps(pixels.contiguous(memory_format=torch.channels_last), self._precision)

    def map(self, pixels: Tensor, level: int) -> Tensor:
        """Return the feature map (n, channels, rows, cols) of one of the levels that are pooled."""
        return self._maps(pixels)[level]


class TorchRunner:
    """Run a network in batches on the best device there is.

    Parameters
    ----------
    network : what is run.
    precision : ``auto``, ``float32`` or ``bfloat16``.
    """

    def __init__(self, network: Network, precision: str = "auto") -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.precision = _precision(precision, self.device)
        self.network = network
        network.prepared(self.device, self.precision)
        if isinstance(network, nn.Module):
            network.eval()

    @property
    def dimension(self) -> int:
        """The length of the embeddings."""
        return self.network.dimension

    def embed(self, squares: Squares, weights: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return embeddings float32 (n, dimension) of squares (n, 3, side, side).

        ``weights`` float32 (n, side, side) in [0, 1] says how much of each place counts.
        """
        with torch.inference_mode():
            share = None if weights is None else self._share(weights)
            return _as_numpy(self.network.embed(self._pixels(squares), share))

    def embed_part(
        self, squares: Squares, weights: NDArray[np.float32], around: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return embeddings float32 (n, part dimension), as those of windows, of what ``weights`` mark.

        With ``around``, other weights, of how it differs from what these mark.
        """
        assert isinstance(self.network, PartsNetwork)
        with torch.inference_mode():
            ring = None if around is None else self._share(around)
            return _as_numpy(self.network.embed_part(self._pixels(squares), self._share(weights), ring))

    def no_parts(self) -> NDArray[np.float32]:
        """Return the embeddings of no windows, float32 (0, part dimension)."""
        assert isinstance(self.network, PartsNetwork)
        return np.zeros((0, self.network.part_dimension), dtype=np.float32)

    def embed_parts(
        self, squares: Squares, windows: NDArray[np.float32], around: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return embeddings (n, dimension) of squares, and (n, k, part dimension) of windows of each.

        With ``around``, windows around each of these, of how a window differs from the rest of that one.
        """
        assert isinstance(self.network, PartsNetwork)
        with torch.inference_mode():
            places = torch.from_numpy(windows).to(self.device)
            wider = None if around is None else torch.from_numpy(around).to(self.device)
            found = self.network.embed_parts(self._pixels(squares), places, wider)
            return _as_numpy(found[0]), _as_numpy(found[1])

    def maps(self, squares: Squares, level: int) -> NDArray[np.float32]:
        """Return a level's feature maps, float32 (n, rows, cols, channels), of squares (n, 3, side, side).

        Raise SettingError for a network that is not the project's own.
        """
        if not isinstance(self.network, OwnNetwork):
            raise SettingError("features: deep needs the network of this project; give its weights")
        with torch.inference_mode():
            found = self.network.map(self._pixels(squares), level)  # (n, channels, rows, cols)
            return _as_numpy(found.float().permute(0, 2, 3, 1).contiguous())

    def _pixels(self, squares: Squares) -> Tensor:
        """Return squares in [0, 1] on the device; bytes are moved, a quarter of float32."""
        return torch.from_numpy(np.ascontiguousarray(squares)).to(self.device).float() / 255

    def _share(self, weights: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(weights[:, None])).to(self.device)


def _as_numpy(found: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = found.float().cpu().numpy()
    return values


def use_threads(n: int | None = None) -> None:
    """Let torch compute in n threads, by default one for each core that this process may use."""
    torch.set_num_threads(n or len(os.sched_getaffinity(0)))


def _precision(asked: str, device: torch.device) -> torch.dtype:
    if asked != "auto":
        return torch.bfloat16 if asked == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    # Emulated, bfloat16 is slower than float32; every AMX processor has this one, too.
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
