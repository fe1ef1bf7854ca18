"""Two ImageNet networks, read from the data folder: what the student learns from, and is measured against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 224
_FILES = {
    "squeezenet": "squeezenet_v1.1_notop_f32.npz",
    "mobilenet": "mobilenet_v2_1.0_224_dequant_f16.npz",
}
# Sandler et al. 2018, table 2: expansion, channels, repeats, stride.
_INVERTED = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 up to the last fire module (Iandola et al. 2016)."""

    def __init__(self, data: Path) -> None:
        super().__init__()
        arrays = np.load(data / "weights" / _FILES["squeezenet"])
        self.register_buffer("shift", torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1))
        self.first = _keras(arrays, "conv1", stride=2)
        names = ("squeeze1x1", "expand1x1", "expand3x3")
        self.fires = nn.ModuleList(
            nn.ModuleList(_keras(arrays, f"fire{i}.{name}") for name in names) for i in range(2, 10)
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the last map (n, 512, 13, 13) of pictures (n, 3, 224, 224), RGB in [0, 1]."""
        return self.fire_maps(pixels)[9]

    def fire_maps(self, pixels: Tensor) -> dict[int, Tensor]:
        """Return the map of each fire module, by its number from 2 to 9."""
        x = F.max_pool2d(F.relu(self.first(pixels.flip(1) * 255 - self.shift)), 3, 2)
        found = {}
        for i, (squeeze, one, three) in enumerate(self.fires, start=2):
            x = F.relu(squeeze(x))
            x = found[i] = torch.cat([F.relu(one(x)), F.relu(three(x))], dim=1)
            if i in (3, 5):
                x = F.max_pool2d(x, 3, 2)
        return found


class MobileNet(nn.Module):
    """MobileNetV2 up to the last convolution, its normalisations folded into biases."""

    def __init__(self, data: Path) -> None:
        super().__init__()
        arrays = np.load(data / "weights" / _FILES["mobilenet"])
        layers = (_plain(arrays[f"{i:02d}.weight"], arrays[f"{i:02d}.bias"]) for i in range(52))
        self.first = next(layers)
        self.blocks = nn.ModuleList()
        self.strides: list[int] = []
        for expansion, _, repeats, stride in _INVERTED:
            for i in range(repeats):
                self.blocks.append(nn.ModuleList(next(layers) for _ in range(2 if expansion == 1 else 3)))
                self.strides.append(stride if i == 0 else 1)
        self.last = next(layers)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the last map (n, 1280, 7, 7) of pictures (n, 3, 224, 224), RGB in [0, 1]."""
        x = F.relu6(_same(self.first, pixels * 2 - 1, 2))
        for block, stride in zip(self.blocks, self.strides, strict=True):
            y = x
            for layer in list(block)[:-2]:
                y = F.relu6(layer(y))
            y = block[-1](F.relu6(_same(block[-2], y, stride)))
            x = x + y if stride == 1 and x.shape == y.shape else y
        return F.relu6(self.last(x))


def _keras(arrays: Any, name: str, stride: int = 1) -> nn.Conv2d:
    found = {k.endswith("_b"): arrays[k] for k in arrays.files if k.startswith(f"{name}.")}
    layer = _plain(found[False].transpose(3, 2, 0, 1), found[True])
    layer.stride = (stride, stride)
    layer.padding = (0, 0) if name == "conv1" else layer.padding
    return layer


def _plain(weight: np.ndarray[Any, Any], bias: np.ndarray[Any, Any]) -> nn.Conv2d:
    n_out, n_in, rows, cols = weight.shape
    groups = n_out if n_in == 1 else 1
    layer = nn.Conv2d(n_in * groups, n_out, (rows, cols), padding=(rows // 2, cols // 2), groups=groups)
    layer.weight.data = torch.tensor(weight.astype(np.float32))
    layer.bias.data = torch.tensor(bias.astype(np.float32))  # type: ignore[union-attr]
    return layer.requires_grad_(False)


def _same(layer: nn.Conv2d, x: Tensor, stride: int) -> Tensor:
    """Convolve as TensorFlow's "same" does: where a stride of 2 needs one more place, it is at the end."""
    padding = (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)
    return F.conv2d(F.pad(x, padding), layer.weight, layer.bias, stride, 0, 1, layer.groups)
