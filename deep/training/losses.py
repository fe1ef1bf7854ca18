"""Losses: each is a function of embeddings and labels that is small if the classes are far apart.

Embeddings are float (n, d) of unit length, labels int (n,). The loss of a batch without pairs is 0.
Losses with proxies, one vector a class, take them as a third argument; ``make`` binds it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retrieval.errors import SettingError

from .mining import MINERS, relations

Loss = Callable[[Tensor, Tensor], Tensor]

_SMALLEST = 1e-12  # the gradient of the root at 0 is infinite


def contrastive(embeddings: Tensor, labels: Tensor, *, margin: float = 1.0) -> Tensor:
    """Return the siamese loss y d² + (1 − y) max(0, m − d)²; y is 1 for a pair of one class, else 0.

    Hadsell et al. 2006, eq. 4, without its factor ½; d is the distance. The mean over all pairs of one class
    and that over all other pairs are added, so that both kinds count the same however many there are.
    """
    squared = squared_distances(embeddings)  # (n, n)
    same, other = relations(labels)  # (n, n)
    apart = (margin - squared.clamp(min=_SMALLEST).sqrt()).clamp(min=0) ** 2
    # Two means: of 32 images in 8 classes, 90 % of the pairs are of two classes.
    return _mean(squared[same]) + _mean(apart[other])


def triplet(embeddings: Tensor, labels: Tensor, *, margin: float = 0.2, mining: str = "batch-hard") -> Tensor:
    """Return the mean of [‖f(a) − f(p)‖² − ‖f(a) − f(n)‖² + α]₊ over all mined triplets, zeros included.

    Schroff et al. 2015, eq. 3: distances are squared, α is the margin.
    """
    squared = squared_distances(embeddings)
    # Which triplets are mined has no gradient; their distances have.
    anchors, positives, negatives = MINERS[mining](squared.detach(), labels)  # (t,) each
    hinge = squared[anchors, positives] - squared[anchors, negatives] + margin  # (t,)
    return _mean(hinge.clamp(min=0))


def multi_similarity(
    embeddings: Tensor,
    labels: Tensor,
    *,
    alpha: float = 2.0,
    beta: float = 50.0,
    base: float = 0.5,
    epsilon: float = 0.1,
) -> Tensor:
    """Return the mean over all anchors of ln(1 + Σ_p e^(−α (S − λ))) / α + ln(1 + Σ_n e^(β (S − λ))) / β.

    Wang et al. 2019, eq. 15; S are cosines, λ is ``base``. Of the pairs those count that eq. 11 and 12 leave:
    negatives nearer than the farthest positive, positives farther than the nearest negative, give or take ε.
    """
    cosines = embeddings @ embeddings.T  # (n, n)
    same, other = relations(labels)  # (n, n)
    hardest_positive = torch.where(same, cosines, torch.inf).amin(dim=1, keepdim=True)  # (n, 1)
    hardest_negative = torch.where(other, cosines, -torch.inf).amax(dim=1, keepdim=True)  # (n, 1)
    positives = same & (cosines - epsilon < hardest_negative)  # eq. 12
    negatives = other & (cosines + epsilon > hardest_positive)  # eq. 11
    pull = _log1p_sum_exp(-alpha * (cosines - base), positives, dim=1) / alpha
    push = _log1p_sum_exp(beta * (cosines - base), negatives, dim=1) / beta
    return (pull + push).mean()


def supervised_contrastive(embeddings: Tensor, labels: Tensor, *, temperature: float = 0.1) -> Tensor:
    """Return the mean of −1/|P| Σ_p ln(e^(a·p / τ) / Σ_i e^(a·i / τ)) over the anchors that have positives.

    Khosla et al. 2020, eq. 2; i runs over all pictures but the anchor.
    """
    same, other = relations(labels)  # (n, n)
    # An image with itself is in neither: e^(−∞) = 0 leaves it out of the sum over i.
    logits = (embeddings @ embeddings.T / temperature).masked_fill(~(same | other), -torch.inf)
    likelihoods = logits - logits.logsumexp(dim=1, keepdim=True)  # ln of a softmax over each row
    counts = same.sum(dim=1)  # |P| of each anchor
    sums = torch.where(same, likelihoods, 0).sum(dim=1)
    return _mean(-sums[counts > 0] / counts[counts > 0])


def proxy_anchor(
    embeddings: Tensor, labels: Tensor, proxies: Tensor, *, margin: float = 0.1, alpha: float = 32.0
) -> Tensor:
    """Return Σ₊ ln(1 + Σ_x e^(−α (s − δ))) / |P₊| + Σ ln(1 + Σ_x e^(α (s + δ))) / |P|.

    Kim et al. 2020, eq. 4; s is the cosine of a picture x and a proxy, δ the margin. The first sum runs over
    the proxies whose class is in the batch and x over its pictures; the second over all and all others.
    """
    cosines = embeddings @ F.normalize(proxies, dim=1).T  # (n, classes)
    own = F.one_hot(labels, len(proxies)).bool()  # (n, classes)
    # Sums over the images x of a batch: dim 0. (classes,) each; 0 for a class without images in the batch.
    pull = _log1p_sum_exp(-alpha * (cosines - margin), own, dim=0)
    push = _log1p_sum_exp(alpha * (cosines + margin), ~own, dim=0)
    return pull.sum() / own.any(dim=0).sum().clamp(min=1) + push.mean()


def softmax(embeddings: Tensor, labels: Tensor, proxies: Tensor, *, temperature: float = 0.05) -> Tensor:
    """Return the cross entropy of the softmax over cosines with the proxies, divided by a temperature.

    The normalised softmax of Zhai and Wu 2019, eq. 2: classification, without a bias.
    """
    return F.cross_entropy(embeddings @ F.normalize(proxies, dim=1).T / temperature, labels)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "triplet": triplet,
    "contrastive": contrastive,
    "multi-similarity": multi_similarity,
    "proxy-anchor": proxy_anchor,
    "supervised-contrastive": supervised_contrastive,
    "softmax": softmax,
}


class WithProxies(nn.Module):
    """Hold a loss and the proxies that are learnt with it, float (n_classes, dimension)."""

    def __init__(
        self, loss: Callable[[Tensor, Tensor, Tensor], Tensor], n_classes: int, dimension: int
    ) -> None:
        super().__init__()
        self._loss = loss
        self.proxies = nn.Parameter(F.normalize(torch.randn(n_classes, dimension), dim=1))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar."""
        return self._loss(embeddings, labels, self.proxies)


def make(name: str, n_classes: int, dimension: int, **settings: float | str) -> Loss:
    """Return a loss as a function of embeddings and labels alone.

    Raises
    ------
    SettingError : no such loss, or a setting that it does not have.
    """
    if name not in LOSSES:
        raise SettingError(f"loss: {name!r} is unknown; one of {', '.join(LOSSES)}")
    # The keywords of a loss are its settings, so that each is written once.
    known = inspect.signature(LOSSES[name]).parameters
    keywords = [key for key, each in known.items() if each.kind is each.KEYWORD_ONLY]
    if unknown := settings.keys() - keywords:
        raise SettingError(f"{min(unknown)}: the loss {name!r} has none; it has {', '.join(keywords)}")
    if (mining := settings.get("mining", "random")) not in MINERS:
        raise SettingError(f"mining: {mining!r} is unknown; one of {', '.join(MINERS)}")
    bound: Any = partial(LOSSES[name], **settings)
    return WithProxies(bound, n_classes, dimension) if "proxies" in known else bound


def squared_distances(embeddings: Tensor) -> Tensor:
    """Return ‖x − y‖² (n, n) of embeddings of unit length: 2 − 2 x·y."""
    return (2 - 2 * embeddings @ embeddings.T).clamp(min=0)  # rounding may leave −1e-7


def _mean(values: Tensor) -> Tensor:
    # 0 of no values, with a gradient of 0; torch's mean would be NaN.
    return values.sum() / max(1, values.numel())


def _log1p_sum_exp(values: Tensor, chosen: Tensor, dim: int) -> Tensor:
    """Return ln(1 + Σ eᵛ) over the chosen values, without overflow."""
    kept = values.masked_fill(~chosen, -torch.inf)
    zero = torch.zeros_like(kept.narrow(dim, 0, 1))  # e⁰ is the 1 of the formula
    return torch.cat([zero, kept], dim=dim).logsumexp(dim=dim)
