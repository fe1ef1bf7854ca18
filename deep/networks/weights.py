"""Weight files: safetensors with the architecture and a model card inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import save as save_bytes

from retrieval.errors import SettingError

from . import weight_files
from .embedder import Architecture, Embedder
from .error_text import one_line
from .weight_files import BUNDLED

FORMAT = "semblance-embedder-1"


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
    metadata = weight_files.header(data, name)
    if metadata.get("format") != FORMAT:
        raise SettingError(
            f"weights: {name}: no embedder of Semblance; give a file that `semblance train` wrote, or name "
            "the network that it belongs to with --model timm/NAME"
        )
    try:
        architecture = _architecture(metadata)
        tensors = {key: tensor.float() for key, tensor in load_bytes(data).items()}
        _check_shapes(architecture, tensors)  # before memory is taken for what a damaged header asks for
        network = Embedder(architecture)
        network.load_state_dict(tensors, strict=False)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise SettingError(f"weights: {name}: damaged ({one_line(error, 200)}); restore the file") from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise SettingError(f"weights: {name}: holds values that are not finite; restore the file")
    return network.eval()


def card(source: str | Path = BUNDLED) -> dict[str, Any]:
    """Return the model card of a weight file: what it was trained on, how, and its figures."""
    found: dict[str, Any] = json.loads(
        weight_files.header(weight_files.read(source), str(source)).get("card", "{}")
    )
    return found


def _architecture(metadata: Mapping[str, str]) -> Architecture:
    """Return the architecture in a header. Raise SettingError, KeyError, … if it makes no sense."""
    fields: dict[str, Any] = json.loads(metadata["architecture"])
    # JSON has lists only; the fields are tuples.
    given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    return Architecture(**given)


def _check_shapes(architecture: Architecture, tensors: Mapping[str, torch.Tensor]) -> None:
    """Raise ValueError for tensors of another architecture."""
    if len(architecture.depths) + sum(architecture.depths) > len(tensors):
        raise ValueError(f"{len(tensors)} tensors are too few for its architecture")
    with torch.device("meta"):  # shapes without memory
        wanted = Embedder(architecture).state_dict()
    lost = {key for key in wanted if not key.endswith("num_batches_tracked")} - tensors.keys()
    surplus = tensors.keys() - wanted.keys()
    if lost or surplus:
        raise ValueError(f"{len(lost)} tensors are missing, {len(surplus)} unknown")
    for key, tensor in tensors.items():
        if tensor.shape != wanted[key].shape:
            raise ValueError(f"{key} is {tuple(tensor.shape)}, not {tuple(wanted[key].shape)}")
