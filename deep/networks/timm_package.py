"""The package timm: imported where it is installed, and asked for networks by name."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from retrieval.errors import SettingError

from ..settings import TIMM
from .error_text import one_line

_OPERATORS: list[torch.library.Library] = []  # kept alive: torch drops the operators of a library that dies


def package() -> Any:
    """Return the package. Raise SettingError if it is not installed."""
    try:
        _import_torchvision()
        import timm
    except ImportError as error:
        raise SettingError(
            f"model: timm cannot be loaded ({error}); run `pip install 'semblance[timm]'`"
        ) from error
    return timm


def name_of(model: str) -> str:
    """Return the name in timm of a network ``timm/NAME``. Raise SettingError if timm has no such network."""
    timm, name = package(), model.removeprefix(TIMM)
    if timm.is_model(name):
        return name
    near = difflib.get_close_matches(name.partition(".")[0], timm.list_models(), n=3)
    advice = f"did you mean {', '.join(near)}?" if near else "timm.list_models() in Python lists them"
    raise SettingError(f"model: timm has no network {name!r}; {advice}")


def create(name: str) -> nn.Module:
    """Return a network without its classifier, in evaluation mode, with random weights.

    Raise SettingError if timm cannot build it so.
    """
    try:
        # num_classes=0 drops the classifier: the model then ends in its pooling and returns (n, dimension).
        model: nn.Module = package().create_model(name, pretrained=False, num_classes=0)
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise SettingError(
            f"model: timm cannot make {name!r} without its classifier ({one_line(error)})"
        ) from error
    return model.eval()


def create_pretrained(name: str, path: str) -> nn.Module:
    """Return a network without its classifier, in evaluation mode, with the weights of a file of the hub.

    timm itself reads the file here: several of its networks rename or reshape pretrained tensors.
    """
    model: nn.Module = package().create_model(
        name, pretrained=True, num_classes=0, pretrained_cfg_overlay={"file": path}
    )
    return model.eval()


def pretrained_config(model: nn.Module) -> Mapping[str, Any]:
    """Return what timm knows of a network's pretrained weights: input size, mean, std, hub repository."""
    found: Mapping[str, Any] = getattr(model, "pretrained_cfg", {})
    return found


def _import_torchvision() -> None:
    """Import torchvision, which timm needs, even if its compiled part does not fit this torch.

    That part defines two operators that no network here calls, and the import fails without them.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise SettingError(
                f"model: torchvision cannot be loaded ({one_line(error)}); install the one of this torch"
            ) from error
        _define_operators()
        importlib.import_module("torchvision")


def _define_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    _OPERATORS.append(library)
