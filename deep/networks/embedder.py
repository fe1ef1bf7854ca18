"""The network: a compact residual trunk, GeM pooling at several depths, a projection, unit length."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .architecture import MEAN, SMALLEST, STD, Architecture


class Embedder(nn.Module):
    """Turn images into embeddings of unit length."""

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or Architecture()
        shape = self.architecture
        self.mean: Tensor
        self.std: Tensor
        # Buffers move to a device with the weights; as constants they are not stored.
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        # (n, 3, side, side) → (n, widths[0], side / 4, side / 4)
        self.stem = nn.Sequential(_convolution(3, shape.widths[0], 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        before = (shape.widths[0], *shape.widths)
        # The first stage keeps the resolution, each other one halves it.
        self.stages = nn.ModuleList(
            _stage(before[i], width, depth, 1 if i == 0 else 2)
            for i, (width, depth) in enumerate(zip(shape.widths, shape.depths, strict=True))
        )
        self.projection = nn.Linear(shape.pooled, shape.dimension)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return embeddings (n, dimension) of unit length for images (n, 3, rows, cols) in [0, 1]."""
        return self.embed(self.pool(self.maps(pixels)))

    def maps(self, pixels: Tensor, precision: torch.dtype | None = None) -> list[Tensor]:
        """Return the feature map (n, channels, rows, cols) of each level, computed in a precision."""
        found = []
        x = self.stem(((pixels - self.mean) / self.std).to(precision or pixels.dtype))
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in self.architecture.levels:
                found.append(x)
        return found

    def pool(self, maps: Sequence[Tensor], weights: Tensor | None = None) -> Tensor:
        """Return the pooled levels, each of unit length, side by side: (n, sum of the levels' channels).

        ``weights`` (n, 1, rows, cols) in [0, 1] says how much of each place counts; by default all.
        """
        # [(n, channels)], in float32: powers need its digits. At unit length all levels count the same.
        pooled = [gem(found.float(), self.architecture.power, weights) for found in maps]
        return torch.cat([F.normalize(level, dim=1) for level in pooled], dim=1)

    def pool_windows(self, maps: Sequence[Tensor], windows: Tensor, without: Tensor | None = None) -> Tensor:
        """Return the pooled levels of windows, (n, k, sum of the levels' channels), as ``pool`` does.

        ``windows`` (k, 4) are row, col, height and width, as shares of the image; a place counts as far as
        a window covers it, less what the window ``without`` (k, 4) covers of it.
        """
        power = self.architecture.power
        pooled = [gem_windows(found.float(), power, windows, without) for found in maps]  # (n, k, c) each
        return torch.cat([F.normalize(level, dim=2) for level in pooled], dim=2)

    def embed(self, pooled: Tensor, around: Tensor | None = None) -> Tensor:
        """Return embeddings (..., dimension) of unit length for pooled levels.

        With ``around``, the pooled levels of what surrounds each, of the difference of the projections.
        """
        projected = self.projection(pooled)
        return F.normalize(
            (projected if around is None else projected - self.projection(around)).float(), dim=-1
        )


def gem(maps: Tensor, power: float, weights: Tensor | None = None) -> Tensor:
    """Return the generalised mean (Σ w xᵖ / Σ w)^(1/p) over the places of maps (n, channels, rows, cols).

    Radenović et al. 2018, eq. 3. The weights are shrunk to the maps' size by area.
    """
    raised = maps.clamp(min=SMALLEST) ** power
    if weights is None:
        mean = raised.mean(dim=(2, 3))  # (n, channels)
    else:
        share = F.adaptive_avg_pool2d(weights, (maps.shape[2], maps.shape[3]))  # (n, 1, rows, cols)
        mean = (raised * share).sum(dim=(2, 3)) / share.sum(dim=(2, 3)).clamp(min=SMALLEST)
    return mean ** (1 / power)


def gem_windows(maps: Tensor, power: float, windows: Tensor, without: Tensor | None = None) -> Tensor:
    """Return the generalised mean of maps (n, channels, rows, cols) over windows (k, 4), (n, k, channels).

    What the windows ``without`` (k, 4) cover does not count.
    """
    rows, cols = maps.shape[2:]
    share = _shares(windows, rows, cols)  # (k, rows · cols)
    if without is not None:
        share = (share - _shares(without, rows, cols)).clamp(min=0)
    share = share / share.sum(dim=1, keepdim=True).clamp(min=SMALLEST)
    raised = maps.clamp(min=SMALLEST).flatten(2) ** power  # (n, channels, rows · cols)
    # One product of matrices pools all windows of all images.
    return (raised @ share.T).transpose(1, 2) ** (1 / power)


def _shares(windows: Tensor, rows: int, cols: int) -> Tensor:
    """Return how much of each place windows (k, 4) cover, (k, rows · cols)."""
    # A window is a product of two spans: (k, rows) and (k, cols).
    down, across = _covers(windows[:, 0], windows[:, 2], rows), _covers(windows[:, 1], windows[:, 3], cols)
    return (down[:, :, None] * across[:, None, :]).flatten(1)


def _covers(start: Tensor, length: Tensor, n: int) -> Tensor:
    """Return how much of each of n equal parts of [0, 1] spans (k,) cover, (k, n)."""
    edges = torch.arange(n + 1, device=start.device) / n  # part i is [edges[i], edges[i + 1]]
    end = torch.minimum((start + length)[:, None], edges[1:])
    return (end - torch.maximum(start[:, None], edges[:-1])).clamp(min=0) * n


class Block(nn.Module):
    """Two 3 × 3 convolutions and a shortcut around them (He et al. 2016)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(n_in, n_out, 3, stride)
        self.second = _convolution(n_out, n_out, 3, 1)
        # An average before the 1 × 1 convolution sees every place, a stride only one in four (ResNet-D,
        # He, T. et al. 2019, figure 2c).
        self.around = (
            nn.Identity()
            if n_in == n_out and stride == 1
            else nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False), _convolution(n_in, n_out, 1, 1)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (n, n_out, rows / stride, cols / stride)."""
        y: Tensor = self.second(F.relu(self.first(x)))
        return F.relu(y + self.around(x))


def _stage(n_in: int, n_out: int, depth: int, stride: int) -> nn.Sequential:
    first = Block(n_in, n_out, stride)
    return nn.Sequential(first, *(Block(n_out, n_out, 1) for _ in range(depth - 1)))


def _convolution(n_in: int, n_out: int, size: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(n_in, n_out, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(n_out))


def folded(network: Embedder) -> Embedder:
    """Return a copy for inference whose normalisations are part of the convolutions: same values, faster.

    With fixed statistics, batch normalisation is y = a x + b for each channel, which scales and shifts the
    convolution's weights and bias.
    """
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    copy = Embedder(network.architecture)
    copy.load_state_dict(network.state_dict())
    copy.eval()
    for module in list(copy.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        layer, *others = module
        if isinstance(layer, nn.Conv2d) and isinstance(others[0], nn.BatchNorm2d):
            module[0] = fuse_conv_bn_eval(layer, others[0])
            module[1] = nn.Identity()
    return copy
