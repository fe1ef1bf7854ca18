"""Weight files: safetensors with the architecture and a model card inside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from retrieval.errors import SettingError

from .network import Architecture, Embedder

BUNDLED = "bundled"
"""The name of the weights that come with the package."""

_FORMAT = "semblance-embedder-1"


def bundled() -> Path:
    """Return the file of the weights that come with the package."""
    return Path(str(files("deep") / "bundled.safetensors"))


def save(path: Path, network: Embedder, card: Mapping[str, Any] | None = None, half: bool = False) -> None:
    """Write the network as one file; ``card`` is what JSON holds about it, ``half`` stores it in 16 bits."""
    tensors = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    about = {
        "format": _FORMAT,
        "architecture": json.dumps(asdict(network.architecture)),
        "card": json.dumps(dict(card or {}), sort_keys=True),
    }
    save_file(tensors, path, metadata=about)


def load(source: str | Path = BUNDLED) -> Embedder:
    """Return the network of a weight file, ready for inference; ``bundled`` names the package's own.

    Raises
    ------
    SettingError : no such file, no safetensors file, a damaged one, or not one of ours.
    """
    path = where(source)
    about = _metadata(path)
    if about.get("format") != _FORMAT:
        raise SettingError(
            f"weights: {path}: no embedder of Semblance; give a file that `semblance train` wrote, or name "
            "its architecture with --model timm/NAME"
        )
    try:
        shape = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(about["architecture"]).items()}
        network = Embedder(Architecture(**shape))
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        missing, surplus = network.load_state_dict(tensors, strict=False)
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise SettingError(f"weights: {path}: damaged ({_line(error)}); restore the file") from error
    if surplus or any(not name.endswith("num_batches_tracked") for name in missing):
        raise SettingError(f"weights: {path}: lacks {len(missing)} tensors; restore the file")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise SettingError(f"weights: {path}: holds values that are not finite; restore the file")
    return network.eval()


def card(source: str | Path = BUNDLED) -> dict[str, Any]:
    """Return the model card of a weight file: what it was trained on, how, and its figures."""
    found: dict[str, Any] = json.loads(_metadata(where(source)).get("card", "{}"))
    return found


def fingerprint(source: str | Path = BUNDLED) -> str:
    """Return the SHA-256 of a weight file, 64 hexadecimal digits."""
    with where(source).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def where(source: str | Path) -> Path:
    """Return the path of a weight file. Raise SettingError where there is none."""
    path = bundled() if source == BUNDLED else Path(source)
    if not path.is_file():
        raise SettingError(f"weights: {path}: no such file; give the path of a weight file")
    return path


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise SettingError(
            f"weights: {path}: no safetensors file, or a damaged one ({_line(error)}); restore it"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
