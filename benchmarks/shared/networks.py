"""The networks that benchmarks compare: two of ImageNet, frozen, and the project's own embedder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.shared.imagenet_networks import SIDE, MobileNet, SqueezeNet
from benchmarks.shared.labelled_sets import DATA
from deep.networks.embedder import gem
from deep.networks.preprocessing import prepare
from deep.representation import DeepEmbedding
from retrieval.picture import Picture

Vectors = NDArray[np.float32]

IMAGENET: Mapping[str, tuple[type[nn.Module], float]] = {
    "SqueezeNet GeM": (SqueezeNet, 3.0),
    "SqueezeNet average": (SqueezeNet, 1.0),
    "MobileNetV2 average": (MobileNet, 1.0),
}
"""The trunk, and the power of the generalised mean that pools its last map; 1 is the average."""
FIRST_WEIGHTS = Path(__file__).parents[2] / "tests" / "golden" / "first_weights.safetensors"
"""What the package had before the second stage of training; indexes in the tests were made with them."""
_BATCH = 32


def opened(kind: type[nn.Module], data: Path = DATA) -> nn.Module | None:
    """Return an ImageNet network with the weights of a data folder; None if they are not there."""
    try:
        return kind(data).eval()
    except FileNotFoundError:
        return None


def imagenet_vectors(
    pictures: Iterable[Picture], data: Path = DATA, names: Iterable[str] = IMAGENET
) -> dict[str, Vectors]:
    """Return float32 (n, channels) of each named network whose weights are there, not normalised.

    Pictures are stretched to 224 × 224 as the project's own are; each trunk runs once for all its poolings.
    """
    wanted = {name: IMAGENET[name] for name in IMAGENET if name in set(names)}
    trunks = {kind: opened(kind, data) for kind, _ in wanted.values()}
    wanted = {name: row for name, row in wanted.items() if trunks[row[0]] is not None}
    found: dict[str, list[Vectors]] = {name: [] for name in wanted}
    for batch in batched(pictures):
        pixels = torch.from_numpy(np.stack([prepare(picture, SIDE) for picture in batch])).float() / 255
        with torch.inference_mode():
            maps = {kind: trunks[kind](pixels) for kind in {kind for kind, _ in wanted.values()}}
            for name, (kind, power) in wanted.items():
                found[name].append(gem(maps[kind], power).numpy())
    return {name: np.concatenate(vectors) for name, vectors in found.items()}


def own_vectors(made: DeepEmbedding, pictures: Iterable[Picture]) -> Vectors:
    """Return the embeddings float32 (n, dimension) that an index would hold, computed in batches."""
    encodings = []
    for batch in batched(pictures, made.batch_size):
        encodings += made.encode_prepared([made.prepare(picture) for picture in batch])
    return np.stack([np.asarray(encoding.vector) for encoding in encodings])


def batched(pictures: Iterable[Picture], n: int = _BATCH) -> Iterator[list[Picture]]:
    """Yield lists of n pictures, the last one of what is left."""
    rest = iter(pictures)
    while batch := list(islice(rest, n)):
        yield batch
