"""What is left when the levels are learnt: a projection of them, and the form of a weight file."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from benchmarks.bundled.level_targets import LevelTargets
from deep.networks.embedder import Embedder
from deep.regions.window_embeddings import SCALES, Windows, windows

_VIEWS, _BATCH = 8_192, 64
_WINDOWS = 48  # of a view


def mixed(networks: Sequence[Embedder], shares: Sequence[float]) -> Embedder:
    """Return a network with the weights of folded networks, each times its share; the shares add up to 1."""
    made, states = copy.deepcopy(networks[0]), [network.state_dict() for network in networks]
    made.load_state_dict(
        {
            name: sum(share * state[name] for share, state in zip(shares, states, strict=True))
            for name in states[0]
        }
    )
    return made


def projected(network: Embedder, data: LevelTargets) -> Embedder:
    """Give a network the projection to the principal axes of the pooled levels of windows, about their mean.

    Windows are described by the projection, which the second stage does not learn. Regions of chest films
    were found better by it than by the one that comes nearest to the embeddings of the first stage.
    """
    sums = torch.zeros(network.architecture.pooled, dtype=torch.float64)
    products, n = torch.zeros(len(sums), len(sums), dtype=torch.float64), 0
    random = np.random.default_rng(0)
    with torch.inference_mode():
        for first in range(0, min(_VIEWS, len(data.views)), _BATCH):
            views = torch.tensor(data.views[first : first + _BATCH]).float() / 255
            maps = network.maps(views.contiguous(memory_format=torch.channels_last))
            rows = network.pool_windows(maps, torch.tensor(_some_windows(random))).flatten(0, 1).double()
            sums += rows.sum(dim=0)
            products += rows.T @ rows
            n += len(rows)
    mean = sums / n
    _, axes = torch.linalg.eigh(products / n - torch.outer(mean, mean))
    axes = axes[:, -network.architecture.dimension :]
    with torch.no_grad():
        network.projection.weight.copy_(axes.T)
        network.projection.bias.copy_(-(axes.T @ mean))
    return network


def _some_windows(random: np.random.Generator) -> Windows:
    """Return windows of every scale that indexes have, as many of each, and the whole view, (k, 4)."""
    sides = windows(len(SCALES))[:, 2]
    of_scale = [np.flatnonzero(sides == np.float32(share)) for share, _ in SCALES]
    chosen = [random.choice(found, _WINDOWS // len(SCALES)) for found in of_scale]
    whole = np.array([[0, 0, 1, 1]], dtype=np.float32)
    return np.concatenate([whole, windows(len(SCALES))[np.concatenate(chosen)]])


def unfolded(network: Embedder) -> Embedder:
    """Return a network whose convolutions have biases with normalisations that do nothing but add these.

    A weight file has normalisations: their mean is 0, their variance 1.
    """
    made = Embedder(network.architecture).eval()
    there = dict(network.named_modules())
    with torch.no_grad():
        made.projection.load_state_dict(network.projection.state_dict())
        for name, module in made.named_modules():
            if not isinstance(module, nn.Sequential) or not isinstance(module[0], nn.Conv2d):
                continue
            layer, normalisation = module[0], module[1]
            folded = there[name][0]  # type: ignore[index]
            layer.weight.copy_(folded.weight)
            normalisation.running_mean.zero_()
            normalisation.running_var.fill_(1 - normalisation.eps)
            normalisation.weight.fill_(1)
            normalisation.bias.copy_(folded.bias)
    return made
