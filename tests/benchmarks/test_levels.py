"""The second stage of the bundled weights: its views, what it learns, and what it leaves in a weight file."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
from support.embedders import tiny

from benchmarks.bundled import level_distillation
from benchmarks.bundled.finishing import mixed, projected, unfolded
from benchmarks.bundled.generated_pictures import KINDS
from benchmarks.bundled.level_distillation import LevelSettings, distil_levels
from benchmarks.bundled.level_targets import GRID, LEVELS, MAPS, SHARES, WEIGHTS, Cutter, LevelTargets
from benchmarks.bundled.pictures import VIEW
from deep.networks.embedder import Architecture, Embedder, folded

N_SETS, N_VIEWS = 4, 128  # sixteen pairs of each set


def picture(seed: int, side: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture
def targets() -> LevelTargets:
    random = np.random.default_rng(0)
    return LevelTargets(
        random.integers(0, 256, (N_VIEWS, 3, VIEW, VIEW), dtype=np.uint8),
        np.repeat(np.arange(N_SETS, dtype=np.int16), N_VIEWS // N_SETS),
        random.random((N_VIEWS, sum(LEVELS.values()))).astype(np.float16),
        {name: random.random((N_VIEWS, LEVELS[name], GRID, GRID)).astype(np.float16) for name in MAPS},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_generated_picture_is_made_of_its_picture_and_of_lots_alone(kind: str) -> None:
    make, sources = KINDS[kind]
    one, again = (make(picture(1, VIEW), np.random.default_rng(2)) for _ in range(2))
    assert (one.shape, one.dtype) == ((VIEW, VIEW, 3), np.uint8)
    assert (one == again).all()
    assert (one != make(picture(1, VIEW), np.random.default_rng(3))).any()
    assert one.std() > 5
    assert set(sources) <= set(SHARES)


def test_a_view_is_the_same_in_every_process_and_pairs_share_their_set() -> None:
    pictures = {name: [picture(i), picture(i + 50)] for i, name in enumerate(SHARES) if name not in KINDS}
    one, other = (Cutter(pictures, seed=4) for _ in range(2))
    views = [one.view(i) for i in range(60)]
    assert all((views[i][0] == other.view(i)[0]).all() for i in (59, 7, 0))
    assert all(views[i][1] == views[i + 1][1] for i in range(0, 60, 2))
    assert all(pixels.shape == (VIEW, VIEW, 3) for pixels, _ in views)
    assert len({set for _, set in views}) > 5


def test_every_set_has_a_weight_for_every_level() -> None:
    assert list(WEIGHTS) == list(SHARES)
    assert {len(weights) for weights in WEIGHTS.values()} == {len(LEVELS)}
    assert sum(SHARES.values()) == pytest.approx(1, abs=0.03)


def test_a_network_unfolded_sees_what_it_saw() -> None:
    network = tiny(3)
    pixels = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        for before, after in zip(network.maps(pixels), unfolded(folded(network)).maps(pixels), strict=True):
            assert torch.allclose(before, after, atol=1e-4)


def test_the_projection_keeps_what_tells_windows_apart(targets: LevelTargets) -> None:
    network = folded(tiny(3))
    projected(network, targets)
    weight = network.projection.weight
    assert torch.allclose(weight @ weight.T, torch.eye(len(weight)), atol=1e-4)
    views = torch.tensor(targets.views[:8]).float() / 255
    parts = torch.tensor([[0.25, 0.25, 0.5, 0.5], [0, 0, 0.2, 0.2], [0, 0, 1, 1]])
    with torch.inference_mode():
        levels = network.pool_windows(network.maps(views), parts).flatten(0, 1)
        found = network.projection(levels)
    apart, kept = (torch.cdist(rows, rows).sum() for rows in (levels, found))
    assert 0.99 < float(kept / apart) <= 1.0001


def test_a_mixture_has_its_share_of_either() -> None:
    one, other = folded(tiny(3)), folded(tiny(4))
    made = mixed([one, other], [0.75, 0.25])
    assert torch.allclose(
        made.projection.weight, 0.75 * one.projection.weight + 0.25 * other.projection.weight
    )
    assert not torch.allclose(made.projection.weight, one.projection.weight)


def test_a_step_learns_and_leaves_the_projection(
    targets: LevelTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[float] = []
    losses = level_distillation._Learner._losses

    def noted(self, chosen):
        # The same views each time, so that what is learnt of them shows.
        found = losses(self, np.arange(N_VIEWS))
        said.append(float(found["levels"].detach()))
        return found

    monkeypatch.setattr(level_distillation._Learner, "_losses", noted)
    # A clock by which every look at it takes a second.
    monkeypatch.setattr(level_distillation.time, "perf_counter", count().__next__)
    torch.manual_seed(0)
    start = folded(Embedder(Architecture((4, 8, 8, 8), (1, 1, 1, 1), (1, 2, 3), dimension=6)).eval())
    projection = start.projection.weight.clone()
    learnt = distil_levels(start, targets, LevelSettings(minutes=8 / 60, rate=2e-2))
    assert len(said) == 7
    assert said[-1] < said[0]
    assert (learnt.projection.weight == projection).all()
    assert all(tensor.isfinite().all() for tensor in learnt.state_dict().values())
