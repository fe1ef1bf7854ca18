"""Networks of timm, by name: weights from a file or from the hub, kept as one safetensors file."""

from __future__ import annotations

import difflib
import importlib
import io
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import save as save_bytes
from torch import Tensor, nn
from torch.nn import functional as F

from retrieval.errors import SettingError

from ..settings import DEFAULT_SIDE, TIMM, DeepSettings
from . import weight_files

_FILES = ("model.safetensors", "pytorch_model.bin")
_WRAPPERS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema")
_SECONDS = 5.0
_OPERATORS: list[torch.library.Library] = []


class TimmNetwork:
    """A network of timm without its classifier.

    A region is its box, filled with the region's mean outside it; how much of each place counts is not asked,
    because every network of timm pools in its own way.

    Parameters
    ----------
    model : ends in its own pooling.
    mean, std : of the three channels, for pixels in [0, 1].
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
        self._model.to(device).to(precision, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, pixels: Tensor, weights: Tensor | None) -> Tensor:
        """Return embeddings (n, dimension) of unit length."""
        scaled = ((pixels - self._mean) / self._std).to(self._precision, memory_format=torch.channels_last)
        return F.normalize(self._model(scaled).float(), dim=1)


def fetch(chosen: DeepSettings, source: str | None) -> bytes:
    """Return a network's weights as a safetensors file that names the network and where they are from.

    ``source`` is a weight file, safetensors or one that torch wrote; None where the hub has them.

    Raises
    ------
    SettingError : no such network, no timm, a damaged file or one of another network, or no hub.
    """
    name = _name(chosen)
    if source is None and chosen.weights != "hub":
        raise SettingError("weights: only their hash is known; give the file itself with --weights FILE")
    model = _made(name)
    if source is None:
        model = _from_hub(model, name)
    else:
        _load(model, name, _tensors(chosen, source), source)
    _network(model, name, chosen.side or DEFAULT_SIDE)
    tensors = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in model.state_dict().items()}
    # One entry: the order of several is not always the same.
    return save_bytes(tensors, {"timm": weight_files.conversion(chosen.model, chosen.weights)})


def open_network(chosen: DeepSettings, data: bytes) -> TimmNetwork:
    """Return the network from what ``fetch`` returned. Raise SettingError where that is damaged."""
    name = _name(chosen)
    if not weight_files.belong(data, chosen.model, chosen.weights):
        raise SettingError(f"weights: not those of {name}; index again")
    model = _made(name)
    _load(model, name, _parsed(data, name), name)
    return _network(model, name, chosen.side or DEFAULT_SIDE)


def _name(chosen: DeepSettings) -> str:
    """Return the network's name in timm. Raise SettingError where timm has none of it."""
    timm, name = _timm(), chosen.model.removeprefix(TIMM)
    if timm.is_model(name):
        return name
    near = difflib.get_close_matches(name.partition(".")[0], timm.list_models(), n=3)
    advice = f"did you mean {', '.join(near)}?" if near else "timm.list_models() in Python lists them"
    raise SettingError(f"model: timm has no network {name!r}; {advice}")


def _timm() -> Any:
    """Return the package. Raise SettingError where it is not installed."""
    try:
        _import_torchvision()
        import timm
    except ImportError as error:
        raise SettingError(
            f"model: timm cannot be loaded ({error}); run `pip install 'semblance[timm]'`"
        ) from error
    return timm


def _import_torchvision() -> None:
    """Import torchvision, which timm needs, also where its compiled part does not fit this torch.

    That part defines two operators that no network here calls, and the import fails without them.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise SettingError(
                f"model: torchvision cannot be loaded ({_line(error)}); install the one of this torch"
            ) from error
        _define_operators()
        importlib.import_module("torchvision")


def _define_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    _OPERATORS.append(library)


def _made(name: str) -> nn.Module:
    """Return a network without classifier, its weights random."""
    try:
        model: nn.Module = _timm().create_model(name, pretrained=False, num_classes=0)
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise SettingError(
            f"model: timm cannot make {name!r} without its classifier ({_line(error)})"
        ) from error
    return model.eval()


def _about(model: nn.Module) -> Mapping[str, Any]:
    about: Mapping[str, Any] = getattr(model, "pretrained_cfg", {})
    return about


def _network(model: nn.Module, name: str, side: int) -> TimmNetwork:
    """Return the network, after one picture of zeros went through it."""
    about = _about(model)
    mean, std = (
        torch.tensor(about.get(key, default), dtype=torch.float32).view(1, -1, 1, 1)
        for key, default in (("mean", (0.5,) * 3), ("std", (0.5,) * 3))
    )
    try:
        with torch.inference_mode():
            tried = model(torch.zeros(1, 3, side, side))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        own = about.get("input_size", (3, DEFAULT_SIDE, DEFAULT_SIDE))[-1]
        raise SettingError(
            f"side: {name} does not take pictures of {side} ({_line(error)}); give --side {own}"
        ) from error
    if not isinstance(tried, Tensor) or tried.ndim != 2 or not tried.shape[1]:
        raise SettingError(f"model: {name} returns no vector of a picture; give another network")
    if not bool(torch.isfinite(tried).all()):
        raise SettingError(f"weights: {name} returns values that are not finite; give other weights")
    return TimmNetwork(model, mean, std, int(tried.shape[1]))


def _tensors(chosen: DeepSettings, source: str) -> dict[str, Tensor]:
    """Return the tensors of a weight file of either kind."""
    data = weight_files.read(source)
    if weight_files.fingerprint(data) != chosen.weights:
        raise SettingError(f"weights: {source}: changed meanwhile; run the same command again")
    # A zip archive, or an older file, that torch.save wrote.
    return _unpacked(data, source) if data[:2] == b"PK" or data[:1] == b"\x80" else _parsed(data, source)


def _parsed(data: bytes, source: str) -> dict[str, Tensor]:
    weight_files.header(data, source)
    try:
        found: dict[str, Tensor] = load_bytes(data)
    except (SafetensorError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise SettingError(f"weights: {source}: damaged ({_line(error)}); restore the file") from error
    return found


def _unpacked(data: bytes, source: str) -> dict[str, Tensor]:
    """Return the tensors of a file that torch wrote; nothing but tensors is ever made of it."""
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # Whatever a damaged archive makes its reader stumble over.
        raise SettingError(
            f"weights: {source}: damaged, or more than tensors ({_line(error)}); give a safetensors file"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
            break
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise SettingError(f"weights: {source}: no table of tensors; give one that torch.save wrote")
    return {str(key).removeprefix("module."): tensor for key, tensor in found.items()}


def _load(model: nn.Module, name: str, tensors: Mapping[str, Tensor], source: str) -> None:
    """Put weights into a network: all that it has, and none besides, but for a classifier's."""
    heads = _about(model).get("classifier") or ()
    heads = tuple(f"{head}." for head in ((heads,) if isinstance(heads, str) else heads))
    wanted = model.state_dict()
    given = {key: t for key, t in tensors.items() if key in wanted or not (heads and key.startswith(heads))}
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


def _from_hub(model: nn.Module, name: str) -> nn.Module:
    """Return a network with its pretrained weights, from the hub's cache or from the hub."""
    about = _about(model)
    advice = f"give a weight file of {name} with --weights FILE"
    if not about.get("hf_hub_id"):
        raise SettingError(f"weights: the hub has none of {name}; {advice}")
    try:
        path = _hub_file(about["hf_hub_id"], about.get("hf_hub_filename"))
    except Exception as error:  # Its client raises what its own client raises.
        raise SettingError(f"weights: none from the hub ({_line(error)}); {advice}") from error
    loaded: nn.Module = _timm().create_model(
        name, pretrained=True, num_classes=0, pretrained_cfg_overlay={"file": path}
    )
    return loaded.eval()


def _hub_file(repository: str, file: str | None) -> str:
    """Return where a weight file of the hub lies on this machine, fetched where it is not yet there.

    The hub must answer within seconds, because fetching tries again and again where there is no network.
    """
    import huggingface_hub as hub

    names = (file,) if file else _FILES
    for name in names:
        cached = hub.try_to_load_from_cache(repository, name)
        if isinstance(cached, str):
            return cached
    _knock(hub.constants.ENDPOINT)
    for name in names:
        try:
            return str(hub.hf_hub_download(repository, name))
        except hub.errors.EntryNotFoundError:
            continue
    raise FileNotFoundError(f"{repository} has no {' and no '.join(names)}")


def _knock(address: str) -> None:
    """Ask an address for an answer, whichever. Raise OSError where there is none."""
    request = urllib.request.Request(address, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_SECONDS).close()
    except urllib.error.HTTPError as answer:
        answer.close()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
