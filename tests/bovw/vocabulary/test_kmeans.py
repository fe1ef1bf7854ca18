"""k-means: seeds, passes over the sample, empty centers."""

from __future__ import annotations

import numpy as np
import pytest

from bovw.vocabulary.distinct import n_distinct
from bovw.vocabulary.kmeans import Tally, in_order, kmeans, lloyd, plus_plus, refill, tally
from bovw.vocabulary.nearest_center import Scoring
from bovw.vocabulary.two_level import share_out, two_level
from retrieval.errors import FitError

CORNERS = np.array([[0, 0], [0, 10], [10, 0], [10, 10]], dtype=np.float32)


def about_corners(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (CORNERS[rng.integers(4, size=n)] + rng.normal(scale=0.1, size=(n, 2))).astype(np.float32)


def test_four_clouds_are_found_at_their_corners():
    points = about_corners(400)
    centers = kmeans(points, np.arange(400), 4, np.random.default_rng(0), 10)
    np.testing.assert_allclose(centers[np.lexsort(np.round(centers).T[::-1])], CORNERS, atol=0.05)


def test_seeds_are_all_different_points_when_there_are_just_enough():
    points = np.repeat(CORNERS, 5, axis=0)
    seeds = plus_plus(points, 4, np.random.default_rng(3))
    assert sorted(map(tuple, seeds)) == sorted(map(tuple, CORNERS))


def test_more_seeds_than_different_points_are_drawn_without_an_error():
    assert plus_plus(np.repeat(CORNERS[:2], 3, axis=0), 5, np.random.default_rng(0)).shape == (5, 2)


def test_a_tally_holds_sums_counts_errors_and_the_farthest_rows():
    points = np.array([[0, 0], [9, 9], [2, 0], [5, 0]], dtype=np.float32)
    centers = np.array([[0, 0], [6, 0], [90, 90]], dtype=np.float32)
    found = tally(points, np.array([0, 2, 3]), Scoring(centers).closest, 3)
    assert found.sums.tolist() == [[2, 0], [5, 0], [0, 0]]
    assert found.counts.tolist() == [2, 1, 0]
    np.testing.assert_allclose(found.errors, [4, 1, 0], atol=1e-2)
    assert found.farthest_rows[:2].tolist() == [2, 3]
    assert found.means(centers).tolist() == [[1, 0], [5, 0], [90, 90]]


def test_a_tally_is_the_same_to_the_last_bit_with_any_number_of_threads():
    points = np.random.default_rng(0).normal(size=(30_000, 6)).astype(np.float32)
    closest = Scoring(points[:20]).closest
    one, three = (tally(points, np.arange(30_000), closest, 20, n_threads) for n_threads in (1, 3))
    np.testing.assert_array_equal(one.sums, three.sums)
    np.testing.assert_array_equal(one.errors, three.errors)


def test_an_empty_center_moves_to_the_farthest_point_of_the_cluster_with_the_largest_error():
    points = np.array([[0, 0], [1, 0], [50, 0], [58, 0]], dtype=np.float32)
    centers = np.array([[0, 0], [51, 0], [999, 0], [998, 0], [997, 0]], dtype=np.float32)
    found = tally(points, np.arange(4), Scoring(centers).closest, 5)
    refilled = refill(centers, found, points)
    assert refilled[2:4].tolist() == [[58, 0], [1, 0]]
    assert refilled[4].tolist() == [997, 0]


def test_a_center_that_repeats_another_moves_as_if_it_were_empty():
    points = np.array([[0, 0], [0, 0], [7, 0], [8, 0]], dtype=np.float32)
    centers = np.array([[0, 0], [7, 0], [0, 0]], dtype=np.float32)
    refilled = refill(centers, tally(points, np.arange(4), Scoring(centers).closest, 3), points)
    assert refilled.tolist() == [[0, 0], [7, 0], [8, 0]]


def test_lloyd_never_makes_the_error_larger():
    points = np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32)
    errors = []
    for iterations in range(1, 6):
        centers = lloyd(points, np.arange(500), points[:40].copy(), iterations)
        errors.append(tally(points, np.arange(500), Scoring(centers).closest, 40).errors.sum())
    assert (np.diff(errors) <= 1e-3).all()


def test_lloyd_reaches_the_error_of_scikit_learn_from_the_same_seeds():
    cluster = pytest.importorskip("sklearn.cluster")
    points = np.random.default_rng(2).normal(size=(600, 4))
    seeds = points[:10]
    theirs = cluster.KMeans(10, init=seeds, n_init=1, max_iter=20, tol=0, algorithm="lloyd").fit(points)
    ours = lloyd(points, np.arange(600), seeds.astype(np.float32), 20)
    error = tally(points, np.arange(600), Scoring(ours).closest, 10).errors.sum()
    assert error == pytest.approx(theirs.inertia_, rel=0.03)


def test_two_levels_lose_little_against_one():
    points = np.random.default_rng(4).normal(size=(6000, 4)).astype(np.float32)
    rows = np.arange(6000)
    one = kmeans(points, rows, 100, np.random.default_rng(0), 8)
    two = two_level(points, rows, 100, np.random.default_rng(0), 8)
    errors = [tally(points, rows, Scoring(centers).closest, 100).errors.sum() for centers in (one, two)]
    assert two.shape == (100, 4)
    assert errors[1] < 1.05 * errors[0]


@pytest.mark.parametrize(
    ("n_words", "counts", "shares"),
    [
        (6, [30, 30, 30], [2, 2, 2]),
        (4, [90, 5, 5], [2, 1, 1]),
        (5, [0, 3, 2], [0, 3, 2]),
        (3, [1, 1, 1], [1, 1, 1]),
    ],
)
def test_words_are_shared_in_proportion_but_never_more_than_there_are_descriptors(n_words, counts, shares):
    assert share_out(n_words, np.array(counts)).tolist() == shares


def test_shares_always_sum_to_the_number_of_words():
    rng = np.random.default_rng(0)
    for _ in range(50):
        counts = rng.integers(0, 40, size=9)
        n_words = int(rng.integers(min(9, counts.sum()), counts.sum() + 1))
        shares = share_out(n_words, counts)
        assert shares.sum() == max(n_words, np.count_nonzero(counts))
        assert (shares <= counts).all()


def test_results_of_threads_come_in_order():
    assert list(in_order(lambda x: x * x, range(50), 3)) == [x * x for x in range(50)]


def test_an_error_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda x: 1 // x, [1, 0, 1], 2))


def test_distinct_rows_are_counted_up_to_enough():
    points = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [2.0, 2.0]])
    assert n_distinct(points, np.arange(5), enough=10) == 3
    assert n_distinct(points, np.array([0, 1]), enough=10) == 1
    assert n_distinct(points, np.arange(0), enough=10) == 0


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(FitError, match="not finite"):
        n_distinct(np.array([[np.inf, 0]]), np.arange(1), enough=1)


def test_a_tally_of_nothing_keeps_every_center():
    assert Tally.of_zeros(4, 2).means(CORNERS).tolist() == CORNERS.tolist()
