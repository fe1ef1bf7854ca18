"""The project's own network as a weight file holds it: its shape, and its tensors. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

from . import weight_files
from .error_text import one_line

FORMAT = "semblance-embedder-1"
"""What the header of a weight file of the project's own network says."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of ImageNet's channels, for pixels in [0, 1]; grey images have three equal channels."""

_LARGEST_POWER = 100
SMALLEST = 1e-6
"""What pooled values are raised to at least: at 0 the gradient of a root would be infinite."""


@dataclass(frozen=True)
class Architecture:
    """The shape of an embedder.

    Parameters
    ----------
    widths : channels of each stage; every stage after the first halves the resolution, which is a quarter of
        the image's in the first.
    depths : residual blocks of each stage.
    levels : the stages, from 0, whose maps are pooled into the embedding.
    dimension : of the embedding.
    power : the exponent p of GeM pooling: 1 is the average, infinity the maximum.
    side : rows and columns of the square that images are stretched to, in pixels.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    depths: tuple[int, ...] = (1, 2, 2, 2)
    levels: tuple[int, ...] = (1, 2, 3)
    dimension: int = 192
    power: float = 3.0
    side: int = 176

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.depths) or not self.widths or min(*self.widths, *self.depths) < 1:
            raise SettingError(
                f"widths {self.widths}, depths {self.depths}: give one of each per stage, from 1"
            )
        if not self.levels or not set(self.levels) <= set(range(len(self.widths))):
            raise SettingError(f"levels: {self.levels}; name stages from 0 to {len(self.widths) - 1}")
        if min(self.dimension, self.power, self.side) < 1:
            raise SettingError(
                f"dimension {self.dimension}, power {self.power}, side {self.side}: give 1 or more"
            )

    @property
    def pooled(self) -> int:
        """Channels of all pooled levels together: the values before the projection."""
        return sum(self.widths[level] for level in self.levels)

    def blocks(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield each residual block: its stage, its place there, channels in and out, and its stride."""
        n_in = self.widths[0]
        for stage, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True)):
            for place in range(depth):
                yield stage, place, n_in, width, 2 if stage > 0 and place == 0 else 1
                n_in = width


def own_tensors(data: bytes, name: str) -> tuple[Architecture, dict[str, NDArray[np.float32]]]:
    """Return the architecture in a weight file's bytes, and its tensors; ``name`` is for errors.

    Raises
    ------
    SettingError : no safetensors file, a damaged one, or not one of the project's own network.
    """
    metadata = weight_files.header(data, name)
    if metadata.get("format") != FORMAT:
        raise SettingError(
            f"weights: {name}: no embedder of Semblance; give a file that `semblance train` wrote, or name "
            "the network that it belongs to with --model timm/NAME"
        )
    try:
        architecture, tensors = _of_header(metadata), weight_files.tensors(data, name)
        _check_shapes(architecture, tensors)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise SettingError(f"weights: {name}: damaged ({one_line(error, 200)}); restore the file") from error
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise SettingError(f"weights: {name}: holds values that are not finite; restore the file")
    return architecture, tensors


def _of_header(metadata: Mapping[str, str]) -> Architecture:
    """Return the architecture in a header. Raise SettingError, KeyError, … if it makes no sense."""
    given: dict[str, Any] = dict(json.loads(metadata["architecture"]))
    for key, value in given.items():
        numbers = value if isinstance(value, list) else [value]
        if key != "power" and not all(type(number) is int for number in numbers):
            raise ValueError(f"architecture: {key} is not of whole numbers")
        if key == "power" and not (type(value) in (int, float) and 1 <= value <= _LARGEST_POWER):
            raise ValueError(f"architecture: the power {str(value)[:20]} is not from 1 to {_LARGEST_POWER}")
    # JSON has lists only; the fields are tuples.
    fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in given.items()}
    return Architecture(**fields)


def _shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor that a weight file of this architecture holds, by its name."""
    found = _convolution("stem.0", 3, architecture.widths[0], 3)
    for stage, place, n_in, n_out, stride in architecture.blocks():
        block = f"stages.{stage}.{place}"
        found |= _convolution(f"{block}.first", n_in, n_out, 3)
        found |= _convolution(f"{block}.second", n_out, n_out, 3)
        if n_in != n_out or stride > 1:
            found |= _convolution(f"{block}.around.1", n_in, n_out, 1)
    size = architecture.dimension, architecture.pooled
    return found | {"projection.weight": size, "projection.bias": size[:1]}


def _check_shapes(architecture: Architecture, tensors: Mapping[str, Any]) -> None:
    """Raise ValueError for tensors of another architecture."""
    # Before names are made for what a damaged header asks for.
    if len(architecture.depths) + sum(architecture.depths) > len(tensors):
        raise ValueError(f"{len(tensors)} tensors are too few for its architecture")
    wanted = _shapes(architecture)
    lost, surplus = wanted.keys() - tensors.keys(), tensors.keys() - wanted.keys()
    if lost or surplus:
        raise ValueError(f"{len(lost)} tensors are missing, {len(surplus)} unknown")
    for key, tensor in tensors.items():
        if tuple(tensor.shape) != wanted[key]:
            raise ValueError(f"{key} is {tuple(tensor.shape)}, not {wanted[key]}")


def _convolution(name: str, n_in: int, n_out: int, size: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a convolution and of its normalisation, which follows it."""
    of_channels = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.0.weight": (n_out, n_in, size, size)} | {f"{name}.1.{n}": (n_out,) for n in of_channels}
