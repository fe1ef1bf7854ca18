"""The network: pooling by hand, folding, unit length, and what an architecture refuses."""

import math

import pytest

torch = pytest.importorskip("torch")

from support.embedders import tiny  # noqa: E402

from deep.networks.embedder import Architecture, Embedder, folded, gem  # noqa: E402
from retrieval.errors import SettingError  # noqa: E402

FOUR = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])


def test_gem_of_power_one_is_the_mean():
    assert gem(FOUR, 1).item() == pytest.approx(2.5)


def test_gem_by_hand():
    assert gem(FOUR, 3).item() == pytest.approx(((1 + 8 + 27 + 64) / 4) ** (1 / 3))


def test_gem_of_a_large_power_nears_the_maximum():
    assert gem(FOUR, 60).item() == pytest.approx(4, abs=0.1)


def test_gem_pools_only_what_the_weights_mark():
    upper = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    assert gem(FOUR, 2, upper).item() == pytest.approx(math.sqrt((1 + 4) / 2))
    assert gem(FOUR, 2, torch.ones(1, 1, 2, 2)).item() == pytest.approx(gem(FOUR, 2).item())


def test_gem_shrinks_weights_by_area():
    # Of each quarter of the map, the weights cover: all, a half, none, none.
    weights = torch.zeros(1, 1, 4, 4)
    weights[..., :2, :2] = 1
    weights[..., 0, 2:] = 1
    assert gem(FOUR, 1, weights).item() == pytest.approx((1 * 1 + 2 * 0.5) / 1.5)


def test_gem_without_any_weight_is_finite():
    assert torch.isfinite(gem(FOUR, 3, torch.zeros(1, 1, 2, 2))).all()


def test_embeddings_have_unit_length():
    with torch.inference_mode():
        found = tiny()(torch.rand(5, 3, 32, 32))
    assert found.shape == (5, 16)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(5))
    assert (found[0] - found[1]).abs().max() > 1e-4


def test_maps_shrink_stage_by_stage():
    with torch.inference_mode():
        maps = tiny().maps(torch.rand(2, 3, 64, 32))
    assert [tuple(m.shape) for m in maps] == [(2, 8, 16, 8), (2, 12, 8, 4)]


def test_levels_not_named_are_not_pooled():
    network = Embedder(Architecture((8, 12), (1, 1), (1,), dimension=4)).eval()
    with torch.inference_mode():
        maps = network.maps(torch.rand(1, 3, 32, 32))
    assert [m.shape[1] for m in maps] == [12]
    assert network.projection.in_features == 12


def test_folded_gives_the_same_values_without_normalisations():
    network = tiny()
    fast = folded(network)
    pixels = torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(fast(pixels), network(pixels), atol=1e-5, rtol=0)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fast.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize(
    "wrong",
    [
        {"widths": (8,), "depths": (1, 1)},
        {"widths": (), "depths": ()},
        {"widths": (8, 0), "depths": (1, 1), "levels": (0,)},
        {"widths": (8, 8), "depths": (1, 0), "levels": (0,)},
        {"levels": ()},
        {"levels": (4,)},
        {"levels": (-1,)},
        {"dimension": 0},
        {"power": 0.5},
        {"side": 0},
    ],
)
def test_an_architecture_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Architecture(**wrong)
