"""Tensors of weight files that others wrote: safetensors or torch's own format, put into a network."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from torch import Tensor, nn

from retrieval.errors import SettingError

from . import weight_files
from .error_text import one_line

_WRAPPERS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema")
"""Keys under which training scripts save the weights beside other things."""


def parse(data: bytes, source: str) -> dict[str, Tensor]:
    """Return the tensors of a weight file of either format. Raise SettingError if it is damaged."""
    # torch.save writes a zip archive (PK), or, before torch 1.6, a bare pickle (0x80).
    is_torch = data[:2] == b"PK" or data[:1] == b"\x80"
    return _parse_torch(data, source) if is_torch else parse_safetensors(data, source)


def parse_safetensors(data: bytes, source: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file. Raise SettingError if it is damaged."""
    weight_files.header(data, source)  # checks the length of the header first
    try:
        found: dict[str, Tensor] = load_bytes(data)
    except (SafetensorError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise SettingError(f"weights: {source}: damaged ({one_line(error)}); restore the file") from error
    return found


def _parse_torch(data: bytes, source: str) -> dict[str, Tensor]:
    """Return the tensors of a file that torch wrote; ``weights_only`` makes nothing but tensors of it."""
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged archive makes its reader raise anything
        raise SettingError(
            f"weights: {source}: damaged, or more than tensors ({one_line(error)}); give a safetensors file"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
            break
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise SettingError(f"weights: {source}: no table of tensors; give one that torch.save wrote")
    # DataParallel and DistributedDataParallel put "module." before every name.
    return {str(key).removeprefix("module."): tensor for key, tensor in found.items()}


def load_into(
    model: nn.Module, name: str, tensors: Mapping[str, Tensor], source: str, heads: Sequence[str]
) -> None:
    """Put weights into a network without its classifier: all that it needs, and no others.

    Parameters
    ----------
    model : is changed.
    name, source : of the network and of its weight file, for errors.
    tensors : by name; those of a classifier are passed over.
    heads : the names of the classifier's layers.

    Raises
    ------
    SettingError : tensors are missing, unknown, of another shape, or not finite.
    """
    prefixes = tuple(f"{head}." for head in heads)
    wanted = model.state_dict()
    given = {key: t for key, t in tensors.items() if key in wanted or not key.startswith(prefixes)}
    # A counter that batch normalisation reads in training alone; older files lack it.
    needed = {key for key in wanted if not key.endswith("num_batches_tracked")}
    misfits = (needed - given.keys()) | {
        key for key, tensor in given.items() if key not in wanted or tensor.shape != wanted[key].shape
    }
    if misfits:
        raise SettingError(
            f"weights: {source}: {len(misfits)} tensors do not fit {name}, which has {len(needed)}, such as "
            f"{min(misfits)}; give the weights of this network"
        )
    if not all(bool(torch.isfinite(t).all()) for t in given.values() if t.is_floating_point()):
        raise SettingError(f"weights: {source}: holds values that are not finite; restore the file")
    model.load_state_dict(given, strict=False)
