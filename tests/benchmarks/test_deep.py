"""The benchmarks of the deep family measure what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from benchmarks.quality import medmnist
from benchmarks.shared import networks
from benchmarks.speed import embedder_times, throughput
from deep.networks import weights
from deep.networks.embedder import Architecture, Embedder
from retrieval.picture import Picture
from retrieval.ranker import Ranking

SMALL = Architecture(widths=(8, 8), depths=(1, 1), levels=(1,), dimension=6, side=32)


def split(labels: list[int], asking: list[int]) -> medmnist.Splits:
    images = np.zeros((9, 28, 28), dtype=np.uint8)
    return medmnist.Splits(images[: len(labels)], np.array(labels), images[: len(asking)], np.array(asking))


def test_the_published_protocol_of_two_queries_by_hand() -> None:
    splits = split([1, 1, 0, 1, 0, 0], [1, 0])
    best = np.array([2, 0, 1, 4, 5, 3])  # labels 0 1 1 0 0 1
    scores = np.zeros(6, dtype=np.float32)
    found = medmnist.measure([Ranking(best, scores), Ranking(best, scores)], splits)
    # For 1: hits at 2, 3, 6; for 0: at 1, 4, 5.
    assert found == pytest.approx(
        {
            "ACC@1": 50.0,
            "ACC@3": 100.0,
            "ACC@5": 100.0,
            "mMV@5": 50.0,
            "mAP@5 as published": 100 * ((1 / 2 + 2 / 3) / 2 + (1 + 2 / 4 + 3 / 5) / 3) / 2,
            "mAP@5": 100 * ((1 / 2 + 2 / 3) / 3 + (1 + 2 / 4 + 3 / 5) / 3) / 2,
            "P@5": 100 * (2 / 5 + 3 / 5) / 2,
            "mAP": 100 * ((1 / 2 + 2 / 3 + 3 / 6) / 3 + (1 + 2 / 4 + 3 / 5) / 3) / 2,
        }
    )


def test_by_distance_the_length_of_a_vector_counts() -> None:
    vectors = np.array([[10, 10], [1, 0], [1, 1]], dtype=np.float32)
    (found,) = medmnist.by_distance(vectors, np.array([[1.2, 1.2]], dtype=np.float32))
    assert found.ids.tolist() == [2, 1, 0]
    assert found.scores[0] == pytest.approx(-np.hypot(0.2, 0.2))


def test_the_published_sigma_of_624_queries() -> None:
    assert medmnist.sigma(85.74, 624) == pytest.approx(1.4, abs=0.01)


def test_what_is_searched_and_what_asks_are_different_splits(tmp_path: Path) -> None:
    (tmp_path / "pneumoniamnist").mkdir()
    arrays = {
        f"{name}_{what}": np.full((3, 28, 28) if what == "images" else (3, 1), i, dtype=np.uint8)
        for i, name in enumerate(("train", "val", "test"))
        for what in ("images", "labels")
    }
    np.savez(tmp_path / "pneumoniamnist" / "pneumoniamnist.npz", **arrays)
    for ask, number in (("test", 2), ("val", 1)):
        found = medmnist.Splits.load(tmp_path, ask)
        assert (found.labels == 0).all() and (found.images == 0).all()
        assert (found.asking_labels == number).all() and (found.asking == number).all()
    assert [item.read().shape for item in found.items(112)] == [(112, 112)] * 6


def test_networks_without_weights_are_left_out(tmp_path: Path) -> None:
    picture = Picture(np.zeros((8, 8), dtype=np.float32))
    assert networks.imagenet_vectors([picture], tmp_path) == {}


def test_batches_hold_every_picture_once_in_order() -> None:
    pictures = [Picture(np.zeros((1, 1), dtype=np.float32), id=str(i)) for i in range(7)]
    found = list(networks.batched(iter(pictures), 3))
    assert [len(batch) for batch in found] == [3, 3, 1]
    assert [picture.id for batch in found for picture in batch] == list("0123456")


def test_every_way_to_run_the_network_says_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Embedder(SMALL).eval()
    squares = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
    with torch.inference_mode():
        right = network(torch.from_numpy(squares).float() / 255).numpy()
    weights.save(tmp_path / "small", network)
    ways = throughput.runs(network, (tmp_path / "small").read_bytes())
    ways |= embedder_times.own_ways(network, squares)
    run = (throughput.by_runner, throughput.by_numpy)
    runners = [way.args[0] for way in ways.values() if way.func in run]
    assert len(runners) == 2 * len(throughput.BATCHES) + 2 + 1 + 4
    for runner in runners:
        assert np.sum(runner.embed(squares) * right, axis=1) == pytest.approx(1, abs=1e-3)


def test_each_run_takes_its_turn_and_the_first_round_is_not_counted() -> None:
    seen: list[str] = []
    times = throughput.in_turns({name: lambda name=name: seen.append(name) for name in "ab"}, 2)
    assert times.shape == (2, 2)
    assert "".join(seen) == "ababab"
