"""Mining: which triplets of a batch are learnt from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Triplets = tuple[Tensor, Tensor, Tensor]
"""Positions (t,) in the batch of anchors, of their positives, and of their negatives."""

Mining = Callable[[Tensor, Tensor], Triplets]
"""Takes distances (n, n), squared or not, and labels (n,)."""


def draw_random(distances: Tensor, labels: Tensor) -> Triplets:
    """Return every pair of a class, each way round, with a negative drawn at random.

    The draw is torch's own on the CPU: its seed decides it. Pairs without any negative are left out.
    """
    anchors, positives, others = _pairs(labels)  # (t,), (t,), (t, n)
    chances = torch.rand(others.shape).to(others.device)  # on the CPU: the same on every device
    # The largest of random numbers is at a random place: a uniform draw from each row's negatives.
    return anchors, positives, torch.where(others, chances, -1.0).argmax(dim=1)


def take_semi_hard(distances: Tensor, labels: Tensor) -> Triplets:
    """Return every pair of a class with the nearest negative that is farther than the positive.

    If none is farther, the farthest negative is taken. To begin with the hardest negatives collapses the
    embedding (Schroff et al. 2015, section 3.2; the rule for the rest is that of TensorFlow Addons).
    """
    anchors, positives, others = _pairs(labels)  # (t,), (t,), (t, n)
    away = distances[anchors]  # (t, n)
    farther = others & (away > distances[anchors, positives][:, None])  # eq. 4 of Schroff et al.
    nearest = torch.where(farther, away, torch.inf).argmin(dim=1)
    farthest = torch.where(others, away, -torch.inf).argmax(dim=1)
    return anchors, positives, torch.where(farther.any(dim=1), nearest, farthest)


def take_batch_hard(distances: Tensor, labels: Tensor) -> Triplets:
    """Return each image with the farthest of its class and the nearest of the others.

    Hermans et al. 2017, eq. 5. Images alone in their class, or without any of another class, are left out.
    """
    same, other = relations(labels)
    anchors = (same.any(dim=1) & other.any(dim=1)).nonzero().flatten()  # (t,)
    away = distances[anchors]  # (t, n)
    positives = torch.where(same[anchors], away, -torch.inf).argmax(dim=1)
    negatives = torch.where(other[anchors], away, torch.inf).argmin(dim=1)
    return anchors, positives, negatives


MINERS: dict[str, Mining] = {
    "random": draw_random,
    "semi-hard": take_semi_hard,
    "batch-hard": take_batch_hard,
}


def relations(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return bool (n, n): pairs of one class, an image with itself left out, and pairs of two classes."""
    equal = labels[:, None] == labels[None]
    return equal & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~equal


def _pairs(labels: Tensor) -> Triplets:
    """Return anchors and positives (t,), and which pictures are negatives of each, bool (t, n)."""
    same, other = relations(labels)
    anchors, positives = same.nonzero(as_tuple=True)  # in the order of rows: fixed for a batch
    kept = other[anchors].any(dim=1)
    return anchors[kept], positives[kept], other[anchors[kept]]
