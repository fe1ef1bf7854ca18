"""Losses: by hand on tiny batches, and against pytorch-metric-learning on random ones."""

from __future__ import annotations

import importlib
import math
import warnings
from typing import Any, get_args

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402

from deep.training import losses  # noqa: E402
from deep.training.training_settings import MINING, TAKES, LossName  # noqa: E402
from retrieval.errors import SettingError  # noqa: E402

SQUARE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
"""Three points of the unit circle: neighbours at squared distance 2, the first and last at 4."""


def batch(seed: int, n: int = 24, n_classes: int = 5) -> tuple[Any, Any]:
    """Return random embeddings and labels, and a picture that is alone in its class."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(n_classes, (n,), generator=random)
    labels[0] = n_classes
    return F.normalize(torch.randn(n, 8, generator=random, dtype=torch.float64), dim=1), labels


def oracle() -> Any:
    """Return pytorch-metric-learning, which this is held against."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("pytorch_metric_learning")
        for name in ("distances", "losses", "miners", "reducers"):
            importlib.import_module(f"pytorch_metric_learning.{name}")
    return library


def test_contrastive_by_hand() -> None:
    # One pair of a class at d² = 2; two others at d = √2 and 2, so with margin 1.5: (1.5 − √2)² and 0.
    expected = 2 + ((1.5 - math.sqrt(2)) ** 2 + 0) / 2
    found = losses.contrastive(SQUARE, torch.tensor([0, 0, 1]), margin=1.5)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_triplet_by_hand() -> None:
    # Anchor 0: [2 − 4 + 2.5]₊ = 0.5; anchor 1: [2 − 2 + 2.5]₊ = 2.5; anchor 2 has no positive.
    found = losses.triplet(SQUARE, torch.tensor([0, 0, 1]), margin=2.5, mining="batch-hard")
    assert float(found) == pytest.approx(1.5)


def test_the_mean_of_triplets_counts_those_that_are_0() -> None:
    # Margin 1: anchor 0 gives [2 − 4 + 1]₊ = 0, anchor 1 gives 1.
    assert float(losses.triplet(SQUARE, torch.tensor([0, 0, 1]), margin=1.0)) == pytest.approx(0.5)


def test_softmax_by_hand() -> None:
    proxies = torch.tensor([[3.0, 0.0], [0.0, 0.5]])  # their lengths do not count
    found = losses.softmax(SQUARE[:1], torch.tensor([0]), proxies, temperature=0.5)
    assert float(found) == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-5)


def test_supervised_contrastive_by_hand() -> None:
    # Anchor 0: cosines 0 (positive) and −1; anchor 1: 0 (positive) and 0; anchor 2 has no positive.
    expected = (math.log(1 + math.exp(-1)) + math.log(2)) / 2
    found = losses.supervised_contrastive(SQUARE, torch.tensor([0, 0, 1]), temperature=1.0)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_proxy_anchor_by_hand() -> None:
    # One picture on its proxy, at cosine 0 with the other: α = 1, δ = 0.5.
    found = losses.proxy_anchor(SQUARE[:1], torch.tensor([0]), torch.eye(2), margin=0.5, alpha=1.0)
    expected = math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(0.5)) / 2
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_multi_similarity_by_hand() -> None:
    # Labels 0 0 1: anchor 0 keeps its positive at 0 only where 0 − 0.1 < −1, so not; nor the negative.
    # Anchor 1: positive 0 and negative 0 are both kept. Anchor 2 has no positive: it keeps no negative.
    expected = (math.log(1 + math.exp(1)) / 2 + math.log(1 + math.exp(-25)) / 50) / 3
    found = losses.multi_similarity(SQUARE, torch.tensor([0, 0, 1]))
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_contrastive_is_that_of_the_oracle(seed: int) -> None:
    embeddings, labels = batch(seed)
    library = oracle()
    lengths = library.distances.LpDistance(normalize_embeddings=False, p=2, power=1)
    apart = library.losses.ContrastiveLoss(
        0, 1, distance=lengths, reducer=library.reducers.DoNothingReducer()
    )(embeddings, labels)
    expected = sum(float((apart[name]["losses"] ** 2).mean()) for name in ("pos_loss", "neg_loss"))
    assert float(losses.contrastive(embeddings, labels, margin=1.0)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_batch_hard_triplets_are_those_of_the_oracle(seed: int) -> None:
    embeddings, labels = batch(seed)
    library = oracle()
    squared = library.distances.LpDistance(normalize_embeddings=False, p=2, power=2)
    mined = library.miners.BatchHardMiner(distance=squared)(embeddings, labels)
    loss = library.losses.TripletMarginLoss(0.2, distance=squared, reducer=library.reducers.MeanReducer())
    expected = float(loss(embeddings, labels, mined))
    assert expected > 0
    assert float(losses.triplet(embeddings, labels, margin=0.2)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["multi-similarity", "supervised-contrastive"])
def test_losses_of_pairs_are_those_of_the_oracle(name: str, seed: int) -> None:
    embeddings, labels = batch(seed)
    library = oracle()
    if name == "supervised-contrastive":
        expected = library.losses.SupConLoss(temperature=0.1)(embeddings, labels)
    else:
        mined = library.miners.MultiSimilarityMiner(epsilon=0.1)(embeddings, labels)
        expected = library.losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5)(embeddings, labels, mined)
    assert float(losses.LOSSES[name](embeddings, labels)) == pytest.approx(float(expected))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["proxy-anchor", "softmax"])
def test_losses_with_proxies_are_those_of_the_oracle(name: str, seed: int) -> None:
    embeddings, labels = batch(seed)
    library = oracle()
    if name == "proxy-anchor":
        theirs = library.losses.ProxyAnchorLoss(8, 8, margin=0.1, alpha=32).double()
        proxies = theirs.proxies
    else:
        theirs = library.losses.NormalizedSoftmaxLoss(8, 8, temperature=0.05).double()
        proxies = theirs.W.T
    expected = float(theirs(embeddings, labels).detach())
    found = losses.LOSSES[name](embeddings, labels, proxies.detach())
    assert float(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_step_down_the_gradient_makes_the_loss_smaller(name: str) -> None:
    torch.manual_seed(0)
    embeddings, labels = batch(0)
    points = embeddings.float().requires_grad_()
    loss = losses.make(name, 6, 8)
    before = loss(points, labels)
    before.backward()
    assert bool(torch.isfinite(points.grad).all()) and float(points.grad.abs().max()) > 0
    with torch.no_grad():
        nearer = F.normalize(points - 1e-3 * points.grad, dim=1)
    assert float(loss(nearer, labels).detach()) < float(before.detach())


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("equal", [True, False])
def test_a_batch_of_equal_embeddings_or_one_class_has_finite_gradients(name: str, equal: bool) -> None:
    points = SQUARE[[0, 0, 0]] if equal else SQUARE
    points = points.clone().requires_grad_()
    labels = torch.tensor([0, 0, 1]) if equal else torch.tensor([0, 0, 0])
    value = losses.make(name, 2, 2)(points, labels)
    value.backward()
    assert math.isfinite(float(value.detach())) and bool(torch.isfinite(points.grad).all())


def test_a_loss_with_proxies_learns_them() -> None:
    loss = losses.make("softmax", 3, 4)
    assert isinstance(loss, torch.nn.Module)
    assert [tuple(p.shape) for p in loss.parameters()] == [(3, 4)]


def test_the_plan_knows_the_losses_and_their_settings() -> None:
    assert tuple(losses.LOSSES) == tuple(TAKES) == get_args(LossName)
    assert tuple(losses.MINERS) == MINING
    values = {"margin": 0.3, "temperature": 0.2, "mining": "random"}
    for name, taken in TAKES.items():
        losses.make(name, 2, 2, **{each: values[each] for each in taken})
        for other in values.keys() - set(taken):
            with pytest.raises(SettingError, match=other):
                losses.make(name, 2, 2, **{other: values[other]})


@pytest.mark.parametrize("name,settings", [("triplett", {}), ("triplet", {"mining": "easy"})])
def test_an_unknown_loss_or_mining_is_refused(name: str, settings: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="is unknown; one of"):
        losses.make(name, 2, 2, **settings)
