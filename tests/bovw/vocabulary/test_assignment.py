"""The assignment of descriptors to words, against a plain numpy reference."""

from __future__ import annotations

import numpy as np
import pytest

from bovw.vocabulary.assignment import Assigner, agreement, exact, nearest
from retrieval.errors import SettingError


def clusters(n_words: int, n: int, d: int = 8, seed: int = 0):
    """Return centers, and descriptors scattered about them."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_words, d)).astype(np.float32)
    points = centers[rng.integers(n_words, size=n)] + rng.normal(scale=0.3, size=(n, d)).astype(np.float32)
    return centers, points.astype(np.float32)


def reference(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return ((points[:, None].astype(np.float64) - centers[None]) ** 2).sum(axis=2)


def test_exact_words_are_the_nearest_centers():
    centers, points = clusters(50, 300)
    np.testing.assert_array_equal(exact(points, centers), reference(points, centers).argmin(axis=1))


def test_nearest_words_come_in_order_with_their_squared_distances():
    centers, points = clusters(50, 300)
    words, distances = nearest(points, centers, 4)
    squares = reference(points, centers)
    np.testing.assert_array_equal(words, squares.argsort(axis=1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(squares, axis=1)[:, :4], rtol=1e-4)
    assert distances.dtype == np.float32


def test_equally_near_words_come_by_number():
    centers = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], dtype=np.float32)
    words, distances = nearest(np.zeros((1, 2)), centers, 3)
    assert words.tolist() == [[0, 1, 2]]
    assert distances.tolist() == [[1, 1, 1]]
    assert exact(np.zeros((2, 2)), centers).tolist() == [0, 0]


def test_identical_words_tie_for_the_lowest_in_the_tree_too():
    centers = np.repeat(np.eye(4, dtype=np.float32), 10, axis=0)
    tree = Assigner(centers, approximate_above=1, probes=2)
    assert tree.is_approximate
    assert tree.assign(np.eye(4)).tolist() == [0, 10, 20, 30]
    assert tree.nearest(np.eye(4)[1:2], 3)[0].tolist() == [[10, 11, 12]]


def test_more_words_than_there_are_gives_all():
    centers, points = clusters(5, 7)
    words, _ = nearest(points, centers, 9)
    assert np.sort(words, axis=1).tolist() == [[0, 1, 2, 3, 4]] * 7


def test_half_precision_and_bytes_are_taken():
    centers, points = clusters(20, 100)
    half = points.astype(np.float16)
    np.testing.assert_array_equal(exact(half, centers), exact(half.astype(np.float32), centers))
    steps = np.arange(0, 250, 10, dtype=np.uint8)[:, None]
    np.testing.assert_array_equal(exact(steps, steps), np.arange(25))


def test_a_common_offset_costs_no_precision():
    centers, points = clusters(30, 200)
    far = np.float32(10_000)
    moved_centers, moved_points = centers + far, points + far
    expected = reference(moved_points, moved_centers).argmin(axis=1)
    np.testing.assert_array_equal(exact(moved_points, moved_centers), expected)


@pytest.mark.parametrize("approximate_above", [0, 10])
def test_no_descriptors_give_no_words(approximate_above):
    centers, _ = clusters(50, 1)
    assigner = Assigner(centers, approximate_above)
    assert assigner.assign(np.empty((0, 8))).shape == (0,)
    words, distances = assigner.nearest(np.empty((0, 8)), 3)
    assert words.shape == distances.shape == (0, 3)


def test_the_tree_agrees_with_the_exact_search_on_nearly_all():
    centers, points = clusters(900, 3000)
    assert agreement(points, centers, probes=12) > 0.95
    assert agreement(points, centers, probes=30) == 1
    assert agreement(points, centers, probes=1) < agreement(points, centers, probes=4)
    assert agreement(points[:0], centers, probes=1) == 1


def test_the_tree_falls_back_where_its_cells_hold_too_few_words():
    centers, points = clusters(64, 50)
    words, _ = Assigner(centers, approximate_above=1, probes=1).nearest(points, 60)
    np.testing.assert_array_equal(np.sort(words[:, :60], axis=1)[:, 0] >= 0, True)
    assert all(len(set(row)) == 60 for row in words.tolist())


def test_the_tree_is_used_only_above_its_threshold():
    centers, _ = clusters(50, 1)
    assert not Assigner(centers, approximate_above=50).is_approximate
    assert Assigner(centers, approximate_above=49).is_approximate
    assert not Assigner(centers, approximate_above=0).is_approximate


def test_one_word_takes_everything():
    assert exact(np.random.default_rng(0).normal(size=(5, 3)), np.zeros((1, 3))).tolist() == [0] * 5


def test_arguments_that_do_not_fit_are_refused():
    centers, points = clusters(5, 7)
    with pytest.raises(ValueError, match="dimension 8"):
        exact(points[:, :5], centers)
    with pytest.raises(ValueError, match="dimension 8"):
        exact(points[0], centers)
    for bad in (np.empty((0, 8)), np.full((2, 8), np.nan), np.ones(8)):
        with pytest.raises(ValueError, match="centers"):
            Assigner(bad)
    for keywords in ({"probes": 0}, {"approximate_above": -1}):
        with pytest.raises(SettingError, match=next(iter(keywords))):
            Assigner(centers, **keywords)
    with pytest.raises(SettingError, match="n: 0"):
        nearest(points, centers, 0)


def test_the_callers_arrays_are_left_as_they_are():
    centers, points = clusters(60, 70)
    before = centers.copy(), points.copy()
    for assigner in (Assigner(centers), Assigner(centers, approximate_above=10)):
        assigner.nearest(points, 2)
    np.testing.assert_array_equal(centers, before[0])
    np.testing.assert_array_equal(points, before[1])
