"""Weight files: safetensors with the architecture and a model card inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as save_bytes

from . import weight_files
from .architecture import FORMAT, own_tensors
from .embedder import Embedder
from .weight_files import BUNDLED


def save(path: Path, network: Embedder, card: Mapping[str, Any] | None = None, half: bool = False) -> None:
    """Write a network as one file.

    Parameters
    ----------
    path : of the file, replaced if it exists.
    network : its weights, with the statistics of its normalisations.
    card : the model card, as JSON can hold it.
    half : store float16, half the bytes.
    """
    # The counter of batches serves training alone.
    tensors = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    metadata = {
        "format": FORMAT,
        "architecture": json.dumps(asdict(network.architecture)),
        "card": json.dumps(dict(card or {}), sort_keys=True),
    }
    path.write_bytes(weight_files.canonical(save_bytes(tensors, metadata=metadata)))


def load(source: str | Path = BUNDLED) -> Embedder:
    """Return the network of a weight file, ready for inference; ``bundled`` names the package's own.

    Raises
    ------
    SettingError : no such file, no safetensors file, a damaged one, or not one of ours.
    """
    return parse(weight_files.read(source), str(weight_files.where(source)))


def parse(data: bytes, name: str) -> Embedder:
    """Return the network of a weight file's bytes; ``name`` is for errors. See ``load``."""
    architecture, tensors = own_tensors(data, name)
    network = Embedder(architecture)
    network.load_state_dict({key: torch.from_numpy(values) for key, values in tensors.items()}, strict=False)
    return network.eval()


def card(source: str | Path = BUNDLED) -> dict[str, Any]:
    """Return the model card of a weight file: what it was trained on, how, and its figures."""
    found: dict[str, Any] = json.loads(
        weight_files.header(weight_files.read(source), str(source)).get("card", "{}")
    )
    return found
