"""The optimiser of a training: AdamW, with its own learning rate for trunk, projection and proxies."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.embedder import Embedder
from .training_settings import TrainingSettings

_PROXY_RATE = 10.0
"""Proxies start at random, the network does not: so they learn faster (as in Kim et al. 2020)."""


class Optimiser:
    """Change weights by AdamW (Loshchilov and Hutter 2019); the learning rate follows a schedule.

    Parameters
    ----------
    network, proxies : what is trained; ``proxies`` may have no parameters.
    settings : learning rates, weight decay and warm-up.
    n_steps : of the whole training.
    """

    def __init__(
        self, network: Embedder, proxies: nn.Module, settings: TrainingSettings, n_steps: int
    ) -> None:
        self._n_steps, self._warm_up = n_steps, settings.warm_up
        groups = _parameter_groups(network, proxies, settings)
        self._adamw = torch.optim.AdamW(groups, lr=settings.learning_rate)
        self._highest = [group["lr"] for group in self._adamw.param_groups]

    def set_rate(self, step: int) -> None:
        """Set the learning rates of a step, from 0: a linear rise, then half a cosine.

        Loshchilov and Hutter 2017, eq. 5, without restarts: ½ (1 + cos(π step / n_steps)).
        """
        rise = max(1.0, self._warm_up * self._n_steps)
        # The rise scales the cosine, so that the two meet without a jump.
        share = min(1.0, (step + 1) / rise) * 0.5 * (1 + math.cos(math.pi * step / self._n_steps))
        for group, highest in zip(self._adamw.param_groups, self._highest, strict=True):
            group["lr"] = highest * share

    def step(self, loss: Tensor, clipped: nn.Module, longest: float) -> None:
        """Take one step against the gradient; that of the ``clipped`` module is at most ``longest``."""
        self._adamw.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(clipped.parameters(), longest)
        self._adamw.step()

    def state(self) -> dict[str, Tensor]:
        """Return the state as named tensors, ``parameter/name``, for a checkpoint."""
        state = self._adamw.state_dict()["state"]
        return {f"{i}/{name}": torch.as_tensor(v) for i, kept in state.items() for name, v in kept.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what ``state`` returned."""
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            number, _, name = key.partition("/")
            state.setdefault(int(number), {})[name] = tensor
        self._adamw.load_state_dict({**self._adamw.state_dict(), "state": state})


def _parameter_groups(
    network: Embedder, proxies: nn.Module, settings: TrainingSettings
) -> list[dict[str, Any]]:
    """Return the optimiser's parameters: trunk, projection and proxies, each at its own learning rate.

    Biases and the scales of normalisations have one dimension and no weight decay; nor have proxies.
    """
    trunk = [*network.stem.parameters(), *network.stages.parameters()]
    for parameter in trunk:
        parameter.requires_grad_(settings.trunk_rate > 0)  # else no gradient is computed for it
    found = []
    for parameters, share, decay in (
        (trunk if settings.trunk_rate > 0 else [], settings.trunk_rate, settings.weight_decay),
        (list(network.projection.parameters()), 1.0, settings.weight_decay),
        (list(proxies.parameters()), _PROXY_RATE, 0.0),
    ):
        for kept, own_decay in (
            ([p for p in parameters if p.ndim > 1], decay),
            ([p for p in parameters if p.ndim <= 1], 0.0),
        ):
            if kept:
                found.append(
                    {"params": kept, "lr": settings.learning_rate * share, "weight_decay": own_decay}
                )
    return found
