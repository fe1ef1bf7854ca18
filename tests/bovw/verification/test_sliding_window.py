"""Facts about the window whose words are most like a region's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bovw.verification.sliding_window import FACTORS, LEAST, Profile, best_windows, rarity

WORDS, TONES = 12, 5


def likeness(profile: Profile, words: np.ndarray) -> float:
    """Return the cosine of a bag with the profile, worked out with numpy."""
    bag = np.sqrt(np.bincount(words, minlength=len(profile.weights))) * profile.weights
    length = max(float(np.linalg.norm(bag)), (LEAST * profile.square) ** 0.5)
    return float(bag @ profile.values) / length if length else 0.0


@given(seed=st.integers(0, 9999), share=st.floats(0, 1), n=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_the_likeness_is_that_of_the_words_in_the_box_and_no_window_beats_it(seed, share, n):
    rng = np.random.default_rng(seed)
    words, tones = rng.integers(0, WORDS, n), rng.integers(0, TONES, n)
    places = rng.uniform(0, (60, 90), (n, 2))
    profiles = tuple(Profile.of(rng.integers(0, k, 9), rng.uniform(0.1, 2, k)) for k in (WORDS, TONES))
    offsets, shapes = np.array([0, n]), np.array([[60, 90]])
    shares = (1 - share, share)
    boxes, found = best_windows(profiles, shares, (words, tones), places, offsets, shapes, 20, 30)

    def score(box: np.ndarray) -> float:
        low, high = box[:2] - 0.5, box[:2] + box[2:] - 0.5
        inside = ((places >= low) & (places < high)).all(axis=1)
        pairs = zip(shares, profiles, (words, tones), strict=True)
        return sum(part * likeness(profile, kind[inside]) for part, profile, kind in pairs)

    if np.isnan(boxes[0]).any():
        assert found[0] == 0
        return
    assert score(boxes[0]) == pytest.approx(found[0], abs=1e-6)
    for factor in FACTORS:
        size = np.array([20, 30]) * factor
        for top, left in rng.uniform(0, 1, (5, 2)):
            steps = np.ceil(([60, 90] - size) / size * 5)
            corner = np.floor(np.array([top, left]) * (steps + 1)) * ([60, 90] - size) / np.maximum(steps, 1)
            assert score(np.concatenate([corner, size])) <= found[0] + 1e-6


def test_a_patch_of_its_own_words_is_found():
    rows, cols = (grid.ravel() for grid in np.mgrid[2:200:4, 2:300:4])
    words = np.zeros(len(rows), np.int64)
    inside = (rows > 100) & (rows < 140) & (cols > 180) & (cols < 240)
    words[inside] = np.arange(inside.sum()) % 3 + 1
    places = np.stack([rows, cols], axis=1).astype(float)
    # As many as the patch holds: then neither a part of it nor more than it is as like.
    profile = Profile.of(words[inside], np.ones(4))
    offsets, shapes = np.array([0, len(rows)]), np.array([[200, 300]])
    boxes, found = best_windows((profile,), (1.0,), (words,), places, offsets, shapes, 40, 60)
    assert found[0] > 0.85
    np.testing.assert_allclose(boxes[0], (100, 180, 40, 60), atol=13)


def test_a_window_larger_than_the_picture_is_the_picture():
    profile = Profile.of(np.array([0]), np.ones(1))
    args = (profile,), (1.0,), (np.zeros(3, np.int64),), np.full((3, 2), 5.0)
    boxes, found = best_windows(*args, np.array([0, 3]), np.array([[10, 12]]), 50, 400)
    assert boxes[0].tolist() == [0, 0, 10, 12]
    assert found[0] == pytest.approx(1)


def test_pictures_without_a_word_of_the_region_have_no_window():
    profile = Profile.of(np.array([0, 1]), np.ones(3))
    words, places = np.array([0, 2, 2]), np.full((3, 2), 5.0)
    boxes, found = best_windows(
        (profile,), (1.0,), (words,), places, np.array([0, 1, 3, 3]), np.full((3, 2), 40), 10, 10
    )
    assert np.isnan(boxes).all(axis=1).tolist() == [False, True, True]
    assert (found > 0).tolist() == [True, False, False]


def test_rare_words_count_for_more():
    weights = rarity(np.array([0, 0, 0, 1]), 3)
    assert weights[2] > weights[1] > weights[0] > 0
    assert weights[1] == pytest.approx(np.log(5 / 1.5))
