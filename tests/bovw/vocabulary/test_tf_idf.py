"""The weighting: counts, document frequencies and norms, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bovw.vocabulary.tf_idf import Weighting, soft_amounts
from retrieval.errors import SettingError

ONES = np.ones(5, dtype=np.float32)


def bag(weighting: Weighting, words, word_weights=ONES, amounts=None):
    return weighting.weigh(np.array(words, dtype=np.intp), word_weights, amounts)


def test_square_roots_of_counts_at_unit_length():
    found = bag(Weighting(), [3, 1, 3, 3, 3])
    assert found.indices.tolist() == [1, 3]
    np.testing.assert_allclose(found.values, np.array([1, 2]) / np.sqrt(5), rtol=1e-6)
    assert (found.indices.dtype, found.values.dtype, found.size) == (np.uint32, np.float32, 5)


@pytest.mark.parametrize(
    ("tf", "ratio"), [("raw", 4.0), ("sqrt", 2.0), ("binary", 1.0), ("log", np.log(5) / np.log(2))]
)
def test_a_word_seen_four_times_counts_so_much_against_one_seen_once(tf, ratio):
    found = bag(Weighting(tf=tf), [0, 2, 2, 2, 2])
    assert found.values[1] / found.values[0] == pytest.approx(ratio, rel=1e-6)


def test_l1_gives_hellingers_affinity_as_dot_product():
    weighting = Weighting(tf="raw", norm="l1")
    first, second = bag(weighting, [0, 0, 0, 1]), bag(weighting, [0, 1])
    expected = np.sqrt(3 / 4 * 1 / 2) + np.sqrt(1 / 4 * 1 / 2)
    assert first.dense() @ second.dense() == pytest.approx(expected, rel=1e-6)
    assert first.dense() @ first.dense() == pytest.approx(1, rel=1e-6)


def test_rarer_words_weigh_more_and_the_commonest_still_something():
    weights = Weighting().word_weights([10, 5, 1, 0], 10)
    np.testing.assert_allclose(weights, np.log(11 / np.array([10.5, 5.5, 1.5, 0.5])), rtol=1e-6)
    assert weights.dtype == np.float32
    assert (np.diff(weights) > 0).all()
    assert weights[0] > 0


def test_without_idf_every_word_weighs_one():
    assert Weighting(idf=False).word_weights([10, 0, 3], 10).tolist() == [1, 1, 1]


def test_stop_words_are_the_most_frequent_and_ties_go_to_the_lowest_word():
    weights = Weighting(idf=False, stop=0.5).word_weights([3, 9, 3, 1], 10)
    assert weights.tolist() == [0, 0, 1, 1]


def test_a_bag_of_stop_words_alone_is_empty():
    found = bag(Weighting(), [1, 1], np.zeros(5, dtype=np.float32))
    assert len(found.indices) == len(found.values) == 0
    assert found.size == 5


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_no_points_make_an_empty_bag(norm):
    found = bag(Weighting(norm=norm), [])
    assert (len(found.values), found.indices.dtype, found.values.dtype) == (0, np.uint32, np.float32)


def test_soft_amounts_add_up_to_the_hard_bag_when_all_goes_to_one_word():
    hard = bag(Weighting(), [0, 1, 1])
    words = np.array([[0, 4], [1, 4], [1, 4]])
    soft = bag(Weighting(), words, amounts=np.array([[1.0, 0.0]] * 3))
    np.testing.assert_array_equal(hard.dense(), soft.dense())
    assert 4 not in soft.indices


def test_soft_amounts_share_a_point_by_distance():
    shares = soft_amounts(np.array([[0.0, 2.0], [7.0, 7.0]]), sigma=1.0)
    np.testing.assert_allclose(shares[0], np.array([1, np.exp(-1)]) / (1 + np.exp(-1)))
    np.testing.assert_allclose(shares[1], [0.5, 0.5])
    assert soft_amounts(np.empty((0, 3)), 1.0).shape == (0, 3)


def test_distances_however_large_give_shares_that_sum_to_one():
    shares = soft_amounts(np.array([[1e6, 2e6]]), sigma=0.1)
    np.testing.assert_array_equal(shares, [[1, 0]])


def test_bad_settings_are_refused_with_their_name():
    for keywords in ({"tf": "tfidf"}, {"norm": "l3"}, {"stop": 1.0}, {"stop": -0.1}, {"stop": float("nan")}):
        with pytest.raises(SettingError, match=next(iter(keywords))):
            Weighting(**keywords)
    with pytest.raises(SettingError, match="sigma"):
        soft_amounts(np.ones((1, 1)), 0.0)


def test_words_and_frequencies_out_of_range_are_refused():
    for words in ([5], [-1]):
        with pytest.raises(ValueError, match="vocabulary"):
            bag(Weighting(), words)
    for frequency in ([11], [-1]):
        with pytest.raises(ValueError, match="count anew"):
            Weighting().word_weights(frequency, 10)


def test_the_words_given_are_left_as_they_are():
    words = np.array([4, 0, 4])
    Weighting().weigh(words, ONES)
    assert words.tolist() == [4, 0, 4]
