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

    def embed_parts(self, pixels: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings (n, dimension) of images, and of their windows (k, 4), (n, k, dimension)."""
        ...


class OwnNetwork:
    """The project's own embedder, with its normalisations folded in."""

    def __init__(self, network: Embedder) -> None:
        self._network = folded(network)
        self._precision = torch.float32
        self.dimension = network.architecture.dimension

    def prepared(self, device: torch.device, precision: torch.dtype) -> None:
        """Move to a device. The trunk computes in ``precision``, pooling and projection in float32."""
        self._precision = precision
        self._network.to(device)
        # Convolutions are fastest with channels last, on CPUs with bfloat16 units and on tensor cores alike.
        for trunk in (self._network.stem, self._network.stages):
            trunk.to(precision, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, pixels: Tensor, weights: Tensor | None) -> Tensor:
        """Return embeddings (n, dimension) of unit length."""
        network = self._network
        return network.embed(network.pool(self._maps(pixels), weights))

    def embed_parts(self, pixels: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings (n, dimension) of images, and of their windows (k, 4), (n, k, dimension)."""
        network, maps = self._network, self._maps(pixels)  # [(n, channels, rows, cols)], a level each
        whole, parts = network.pool(maps), network.pool_windows(maps, windows)
        return network.embed(whole), network.embed(parts)

    def _maps(self, pixels: Tensor) -> list[Tensor]:
        return self._network.maps(pixels.contiguous(memory_format=torch.channels_last), self._precision)

    def map(self, pixels: Tensor, level: int) -> Tensor:
        """Return the feature map (n, channels, rows, cols) of one of the levels that are pooled."""
        return self._maps(pixels)[level]


class Runner:
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

    def embed(self, squares: Squares, weights: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return embeddings float32 (n, dimension) of squares (n, 3, side, side).

        ``weights`` float32 (n, side, side) in [0, 1] says how much of each place counts.
        """
        with torch.inference_mode():
            # Bytes are moved to the device, a quarter of float32, and become [0, 1] there.
            pixels = torch.from_numpy(np.ascontiguousarray(squares)).to(self.device).float() / 255
            share = None if weights is None else torch.from_numpy(weights[:, None]).to(self.device)
            embeddings: NDArray[np.float32] = self.network.embed(pixels, share).float().cpu().numpy()
        return embeddings

    def embed_parts(
        self, squares: Squares, windows: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return embeddings (n, dimension) of squares, and of windows of each, (n, k, dimension)."""
        assert isinstance(self.network, PartsNetwork)
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(squares)).to(self.device).float() / 255
            found = self.network.embed_parts(pixels, torch.from_numpy(windows).to(self.device))
            whole, parts = (each.float().cpu().numpy() for each in found)
        return whole, parts

    def maps(self, squares: Squares, level: int) -> NDArray[np.float32]:
        """Return a level's feature maps, float32 (n, rows, cols, channels), of squares (n, 3, side, side).

        Raise SettingError for a network that is not the project's own.
        """
        if not isinstance(self.network, OwnNetwork):
            raise SettingError("features: deep needs the network of this project; give its weights")
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(squares)).to(self.device).float() / 255
            found = self.network.map(pixels, level).float().permute(0, 2, 3, 1)  # (n, rows, cols, channels)
            maps: NDArray[np.float32] = found.contiguous().cpu().numpy()
        return maps

    def embed_at(self, square: Squares, side: int) -> NDArray[np.float32]:
        """Return the embedding float32 (1, dimension) of one square, stretched to another side."""
        pixels = torch.from_numpy(np.ascontiguousarray(square))[None].float()  # (1, 3, side, side)
        larger = F.interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
        # Bytes again, so that a stretched square is seen as any other.
        return self.embed(larger.round().clamp(0, 255).byte().numpy())


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
