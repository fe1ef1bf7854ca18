"""Facts about the slice range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.answers.slice_range import coordinates, find_range
from retrieval.errors import SettingError


def test_coordinates_run_from_the_lowest_to_the_highest_labelled_slice():
    heights = np.array([0.0, 10, 20, 30, 40])
    found = coordinates(heights, np.array([False, True, True, True, False]))
    assert found.tolist() == [-0.5, 0, 0.5, 1, 1.5]
    assert coordinates(heights, np.array([False, True, False, False, False])) is None
    assert coordinates(heights, np.zeros(5, bool)) is None


@settings(max_examples=20)
@given(st.floats(-50, 150), st.floats(150, 320), st.integers(0, 99))
def test_clean_votes_are_found_again(bottom, span, seed):
    heights = np.arange(0.0, 420, 5)
    votes = np.repeat(((heights - bottom) / span)[:, None], 4, axis=1)
    votes += np.random.default_rng(seed).normal(0, 0.01, votes.shape)
    found = find_range(heights, votes, np.ones_like(votes), (120, 400))
    assert (found.bottom, found.top) == pytest.approx((bottom, bottom + span), abs=5)
    assert found.is_certain


def test_a_third_of_wild_votes_does_no_harm():
    random = np.random.default_rng(0)
    heights = np.arange(0.0, 400, 5)
    votes = np.repeat(((heights - 80) / 220)[:, None], 6, axis=1) + random.normal(0, 0.03, (len(heights), 6))
    wild = random.random(votes.shape) < 0.35
    votes[wild] = random.uniform(-0.5, 1.5, wild.sum())
    found = find_range(heights, votes, np.ones_like(votes), (130, 400))
    assert (found.bottom, found.top) == pytest.approx((80, 300), abs=10)


def test_a_volume_that_holds_a_piece_tells_where_the_ends_would_be():
    heights = np.arange(100.0, 220, 5)
    votes = ((heights - 50) / 250)[:, None]
    found = find_range(heights, votes, np.ones_like(votes), (150, 350))
    assert (found.bottom, found.top) == pytest.approx((50, 300), abs=12)


def test_votes_at_random_are_not_certain():
    random = np.random.default_rng(1)
    heights = np.arange(0.0, 400, 5)
    votes = random.uniform(-1.5, 2.5, (len(heights), 10))
    assert not find_range(heights, votes, np.ones_like(votes), (130, 400)).is_certain


@pytest.mark.parametrize("lengths", [(0, 10), (20, 10)])
def test_lengths_that_make_no_sense_are_refused(lengths):
    with pytest.raises(SettingError, match="locate: no labelled slice"):
        find_range(np.arange(3.0), np.zeros((3, 1)), np.ones((3, 1)), lengths)
