"""Facts about the extent of a match along a stack."""

import numpy as np
import pytest

from retrieval.answers.score_extent import SURELY, extent, profile

BOTH = (False, True)


@pytest.mark.parametrize(
    ("values", "best", "expected"),
    [
        ([0, 0, 0, 8, 9, 8, 0, 0, 0, 0], 4, (3, 5)),
        ([0, 0, 0, 4, 9, 3, 0, 0, 0, 0], 4, (3, 4)),  # 0.35 of 9 is 3.15
        ([0, 0, 7, 8, 9, 7, 0, 0, 0, 0], 3, (2, 5)),  # the peak is the one beside it
        ([0, 9, 0, 0, 0, 9, 8, 8, 0, 0, 0], 5, (5, 7)),  # another one, farther away
        ([0, 0, 9, 0, 0, 0, 1], 1, (1, 2)),  # the best one belongs whatever its neighbours say
        ([9, 8, 0, 0, 0, 0], 0, (0, 1)),
        ([0, 0, 0, 0, 8, 9], 5, (4, 5)),
        ([5, 5, 5], 1, (0, 2)),
        ([3], 0, (0, 0)),
    ],
)
def test_it_holds_the_slices_around_the_peak_that_are_like_it(values, best, expected):
    assert extent(np.array(values, dtype=np.float64), best) == expected


def test_a_larger_share_holds_only_what_surely_belongs():
    values = np.array([0, 0, 0, 4, 6, 9, 5, 4, 0, 0, 0.0])
    assert extent(values, 5) == (3, 7)
    assert extent(values, 5, SURELY) == (4, 6)


def test_a_profile_averages_who_asks_and_slices_beside_each_other():
    scores = np.zeros((2, 21))
    scores[0, 10], scores[1, 10] = 3.0, 1.0
    found = profile([scores], [False])
    # One slice of 21 with the mean 2: its deviation is 2 √(1/21 · 20/21), above a median of 0.
    peak = 2 / (2 * np.sqrt(20) / 21)
    gauss = np.exp(-0.5 * np.arange(-3, 4) ** 2)
    np.testing.assert_allclose(found[7:14], peak * gauss / gauss.sum())
    np.testing.assert_allclose(found[:7], 0, atol=1e-12)
    even = profile([scores], [True])
    np.testing.assert_allclose((even[10], even[9]), (peak, 0), atol=1e-12)
    np.testing.assert_allclose(profile([scores, scores], BOTH), found + even)


def test_representations_count_the_same_whatever_their_units():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(3, 30)), rng.normal(size=(3, 30))
    np.testing.assert_allclose(profile([one, 1000 * other + 7], BOTH), profile([one, other], BOTH))
    np.testing.assert_allclose(profile([one, np.full((3, 30), 5.0)], BOTH), profile([one], BOTH[:1]))


def test_one_odd_slice_neither_ends_an_extent_nor_prolongs_it():
    shown = np.zeros((1, 40))
    shown[0, 10:19] = 1.0
    odd = shown.copy()
    odd[0, 14], odd[0, 25] = 0.0, 1.0
    assert extent(profile([shown], [False]), 12) == extent(profile([odd], [False]), 12) == (10, 18)
