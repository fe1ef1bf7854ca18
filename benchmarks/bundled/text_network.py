"""The network that sees overlaid text, as PyTorch trains it, and its arrays as the product runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

_NEVER = -1e4


class _Block(nn.Module):
    """A convolution by channel, and a mixing of channels."""

    def __init__(self, n_in: int, n_out: int, stride: int = 1, apart: int = 1) -> None:
        super().__init__()
        self.depth = nn.Conv2d(n_in, n_in, 3, stride, apart, apart, groups=n_in, bias=False)
        self.mix = nn.Conv2d(n_in, n_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, n_out, rows / stride, cols / stride)."""
        return F.relu(self.norm(self.mix(self.depth(maps))))


class TextNetwork(nn.Module):
    """The network of ``retrieval.readers.overlaid_text``: it makes two maps of logits."""

    def __init__(self, widths: tuple[int, int, int, int] = (8, 16, 32, 48)) -> None:
        super().__init__()
        a, b, c, d = widths
        self.first = nn.Conv2d(3, a, 4, 2, 1, bias=False)
        self.second = nn.Conv2d(a, b, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(b)
        self.small = nn.Sequential(_Block(b, c, 2), _Block(c, c), _Block(c, c, 1, 2))
        self.large = nn.Sequential(_Block(c, d, 2), _Block(d, d), _Block(d, d, 1, 2))
        self.small_out, self.large_out = nn.Conv2d(c, 1, 1), nn.Conv2d(d, 1, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of small and of large text, (n, rows / 8, cols / 8) and (n, rows / 16, cols / 16)."""
        # The absolute value: light text on dark looks as dark text on light does.
        small = self.small(F.relu(self.norm(self.second(self.first(pixels).abs()))))
        return self.small_out(small)[:, 0], self.large_out(self.large(small))[:, 0]


def loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return the loss of one map: where text is, and is seen best; where none is, and is the hardest."""
    is_text, is_free = target == 1, target == 0
    total = logits.new_zeros(())
    if is_text.any():
        best = _best(logits, is_text, 2)
        total = total + 0.5 * F.softplus(-logits[is_text]).mean() + 0.5 * F.softplus(-best).mean()
    wrong = F.softplus(logits[is_free])
    hardest = torch.topk(wrong, max(1, len(wrong) // 100)).values
    # An image is judged by its highest score: so is every view.
    worst = F.softplus(_best(logits, is_free, 1))
    return total + 0.3 * wrong.mean() + 0.7 * hardest.mean() + 0.5 * worst.mean()


def _best(logits: Tensor, among: Tensor, n: int) -> Tensor:
    """Return the n highest logits of each view, of those that count."""
    best = torch.topk(torch.where(among, logits, _NEVER).flatten(1), n, dim=1).values
    return best[best > _NEVER / 2]


def arrays(network: TextNetwork, threshold: float) -> dict[str, NDArray[np.float16]]:
    """Return the arrays of the bundled file, with the normalisation multiplied into the weights."""
    network.eval()
    with torch.no_grad():
        found = {name: value.numpy().astype(np.float16) for name, value in _folded(network)}
    return {**found, "threshold": np.array(threshold, np.float16)}


def _folded(network: TextNetwork) -> Iterator[tuple[str, Tensor]]:
    yield "first", network.first.weight
    scale, bias = _scale(network.norm)
    # The kernel takes 4 × 4 taps.
    yield "second", F.pad(network.second.weight * scale[:, None, None, None], (0, 1, 0, 1))
    yield "second_bias", bias
    for name in ("small", "large"):
        for number, block in enumerate(getattr(network, name)):
            scale, bias = _scale(block.norm)
            yield f"{name}{number}_depth", block.depth.weight[:, 0]
            yield f"{name}{number}_mix", block.mix.weight[:, :, 0, 0] * scale[:, None]
            yield f"{name}{number}_bias", bias
        out: Any = getattr(network, f"{name}_out")
        yield f"{name}_out", out.weight[0, :, 0, 0]
        yield f"{name}_out_bias", out.bias


def _scale(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale
