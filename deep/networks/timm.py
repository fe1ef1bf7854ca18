"""Networks of timm, by name: weights from a file or from the hub, kept as one safetensors file."""

from __future__ import annotations

import torch
from safetensors.torch import save as save_bytes
from torch import Tensor, nn
from torch.nn import functional as F

from retrieval.errors import SettingError

from ..settings import DEFAULT_SIDE, DeepSettings
from . import foreign_weights, hub, timm_package, weight_files
from .error_text import one_line


class TimmNetwork:
    """A network of timm without its classifier.

    A region is its box, filled with the region's mean outside it; the weights of places are not used, because
    every network of timm pools in its own way.

    Parameters
    ----------
    model : ends in its own pooling.
    mean, std : of the three channels, (1, 3, 1, 1), for pixels in [0, 1].
    dimension : of what it returns.
    """

    def __init__(self, model: nn.Module, mean: Tensor, std: Tensor, dimension: int) -> None:
        self._model, self._mean, self._std = model, mean, std
        self._precision = torch.float32
        self.dimension = dimension

    def prepared(self, device: torch.device, precision: torch.dtype) -> None:
        """Move to a device; compute in a precision."""
        self._precision = precision
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        # Channels last is what convolutions on CPUs and tensor cores compute fastest.
        self._model.to(device).to(precision, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, pixels: Tensor, weights: Tensor | None) -> Tensor:
        """Return embeddings (n, dimension) of unit length of pixels (n, 3, side, side) in [0, 1]."""
        scaled = ((pixels - self._mean) / self._std).to(self._precision, memory_format=torch.channels_last)
        return F.normalize(self._model(scaled).float(), dim=1)  # (n, dimension)


def fetch(chosen: DeepSettings, source: str | None) -> bytes:
    """Return a network's weights as a safetensors file whose header names the network and their origin.

    ``source`` is a weight file, safetensors or one that torch wrote; None if the hub has them.

    Raises
    ------
    SettingError : no such network, no timm, a damaged file or one of another network, or no hub.
    """
    name = timm_package.name_of(chosen.model)
    if source is None and chosen.weights != "hub":
        raise SettingError("weights: only their hash is known; give the file itself with --weights FILE")
    model = timm_package.create(name)
    if source is None:
        model = _from_hub(model, name)
    else:
        _load(model, name, _tensors(chosen, source), source)
    _tried(model, name, chosen.side or DEFAULT_SIDE)  # refuse now what could not encode later
    tensors = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in model.state_dict().items()}
    # One entry: safetensors does not always write several in the same order, and equal bytes are the law.
    return save_bytes(tensors, {"timm": weight_files.conversion(chosen.model, chosen.weights)})


def open_network(chosen: DeepSettings, data: bytes) -> TimmNetwork:
    """Return the network from what ``fetch`` returned. Raise SettingError if that is damaged."""
    name = timm_package.name_of(chosen.model)
    if not weight_files.belong(data, chosen.model, chosen.weights):
        raise SettingError(f"weights: not those of {name}; index again")
    model = timm_package.create(name)
    _load(model, name, foreign_weights.parse_safetensors(data, name), name)
    return _tried(model, name, chosen.side or DEFAULT_SIDE)


def _tried(model: nn.Module, name: str, side: int) -> TimmNetwork:
    """Return the network, after one image of zeros went through it.

    Only a trial shows which sides a network takes, and how long its vectors are.
    """
    config = timm_package.pretrained_config(model)
    mean, std = (
        torch.tensor(config.get(key, (0.5,) * 3), dtype=torch.float32).view(1, -1, 1, 1)
        for key in ("mean", "std")
    )
    try:
        with torch.inference_mode():
            vectors = model(torch.zeros(1, 3, side, side))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        own = config.get("input_size", (3, DEFAULT_SIDE, DEFAULT_SIDE))[-1]
        raise SettingError(
            f"side: {name} does not take images of {side} ({one_line(error)}); give --side {own}"
        ) from error
    if not isinstance(vectors, Tensor) or vectors.ndim != 2 or not vectors.shape[1]:
        raise SettingError(f"model: {name} returns no vector of an image; give another network")
    if not bool(torch.isfinite(vectors).all()):
        raise SettingError(f"weights: {name} returns values that are not finite; give other weights")
    return TimmNetwork(model, mean, std, int(vectors.shape[1]))


def _tensors(chosen: DeepSettings, source: str) -> dict[str, Tensor]:
    """Return the tensors of a weight file, if it is still the one whose hash the settings hold."""
    data = weight_files.read(source)
    if weight_files.fingerprint(data) != chosen.weights:
        raise SettingError(f"weights: {source}: changed meanwhile; run the same command again")
    return foreign_weights.parse(data, source)


def _load(model: nn.Module, name: str, tensors: dict[str, Tensor], source: str) -> None:
    heads = timm_package.pretrained_config(model).get("classifier") or ()
    foreign_weights.load_into(model, name, tensors, source, (heads,) if isinstance(heads, str) else heads)


def _from_hub(model: nn.Module, name: str) -> nn.Module:
    """Return a network with its pretrained weights, from the hub's cache or from the hub."""
    config = timm_package.pretrained_config(model)
    advice = f"give a weight file of {name} with --weights FILE"
    if not config.get("hf_hub_id"):
        raise SettingError(f"weights: the hub has none of {name}; {advice}")
    try:
        path = hub.weight_file(config["hf_hub_id"], config.get("hf_hub_filename"))
    except Exception as error:  # the hub's client passes on whatever its own HTTP client raises
        raise SettingError(f"weights: none from the hub ({one_line(error)}); {advice}") from error
    return timm_package.create_pretrained(name, path)
