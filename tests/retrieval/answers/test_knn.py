"""Facts about votes, confidence, and how well the one tells the other."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from retrieval.answers.knn import Calibration, Classification, calibrate, n_voting, vote
from retrieval.statistics.calibration_measures import brier, expected_calibration_error

A, B = ("a",), ("b",)


def test_the_vote_of_rank_r_weighs_one_over_r():
    assert vote([A, B, B], [0.9, 0.8, 0.7]) == pytest.approx({"a": 6 / 11, "b": 5 / 11})


def test_k_pictures_with_labels_vote():
    assert vote([A, (), B, B], [0.9, 0.8, 0.7, 0.6], k=2) == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    assert vote([A], [0.9], k=10) == {"a": 1.0}


def test_equal_scores_weigh_the_same():
    assert vote([A, B], [0.5, 0.5]) == {"a": 0.5, "b": 0.5}
    assert vote([B, A, A], [0.9, 0.5, 0.5]) == pytest.approx({"b": 6 / 11, "a": 5 / 11})


def test_of_equal_shares_the_better_first_voter_wins_and_then_the_name():
    shares = vote([B, A, A, ("c",), ("c",), A], [6, 5, 4, 3, 2, 1])  # 1 and 1/2 + 1/3 + 1/6
    assert shares["a"] == pytest.approx(shares["b"]) and next(iter(shares)) == "b"
    assert next(iter(vote([B, A], [0.5, 0.5]))) == "a"


def test_the_order_of_equal_scores_decides_nothing():
    votes = [
        vote(list(order), [0.9, 0.5, 0.5, 0.5], k=2)
        for order in itertools.permutations([A, B, B])
        for order in [(A, *order)]
    ]
    # Rank 2 weighs 1/2, ranks 3 and 4 nothing: a third of it for each of the three.
    for one in votes:
        assert one == pytest.approx({"a": (1 + 1 / 6) / 1.5, "b": (1 / 3) / 1.5})


def test_as_many_vote_as_share_the_score_of_the_last():
    assert n_voting(np.array([5, 4, 4, 4, 3]), 2) == 4
    assert n_voting(np.array([5, 4, 3]), 2) == 2
    assert n_voting(np.array([5, 4]), 9) == 2


def test_a_picture_votes_for_each_of_its_labels_once():
    assert vote([("b", "a", "a"), A], [0.9, 0.8]) == pytest.approx({"a": 1.0, "b": 2 / 3})


def test_a_score_of_0_has_no_vote():
    assert vote([A, B], [0.4, 0.0]) == {"a": 1.0}
    assert vote([A, B], [0.0, 0.0]) == {}
    assert vote([], []) == {} and vote([(), ()], [0.2, 0.1]) == {}


def test_scores_below_0_vote():
    assert vote([A, B], [-0.1, -0.2]) == pytest.approx({"a": 2 / 3, "b": 1 / 3})


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=15), st.integers(1, 12))
def test_shares_of_single_labels_sum_to_1_and_fall(labels, k):
    shares = list(vote([(label,) for label in labels], np.linspace(1, 0.1, len(labels)), k).values())
    assert sum(shares) == pytest.approx(1)
    assert all(one >= next - 1e-9 for one, next in itertools.pairwise(shares))


@pytest.mark.parametrize(("labels", "scores", "k"), [([A], [1.0, 2.0], 1), ([A], [1.0], 0)])
def test_votes_that_do_not_fit_are_refused(labels, scores, k):
    with pytest.raises(ValueError, match="vote: 1 labels, scores"):
        vote(labels, scores, k)


def test_calibration_is_the_logistic_regression_of_another_library():
    random = np.random.default_rng(0)
    shares = random.uniform(0.1, 0.95, 400)
    right = random.random(400) < shares**2
    n_right = int(right.sum())
    high, low = (n_right + 1) / (n_right + 2), 1 / (400 - n_right + 2)
    target = np.where(right, high, low)
    odds = np.log(shares / (1 - shares))[:, None]
    known = LogisticRegression(C=1e10, tol=1e-10).fit(
        np.concatenate([odds, odds]),
        np.repeat([1, 0], 400),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    found = calibrate(shares, right)
    assert (found.slope, found.intercept) == pytest.approx((known.coef_[0, 0], known.intercept_[0]), abs=1e-4)
    assert found.n == 400


def test_calibration_of_one_share_is_the_rate_with_platts_targets():
    right = np.arange(10) < 6  # six right of ten: targets 7/8 and 1/6
    expected = (6 * 7 / 8 + 4 / 6) / 10
    assert calibrate(np.full(10, 0.7), right).confidence(0.7) == pytest.approx(expected, abs=1e-6)


def test_a_few_pictures_never_make_an_answer_certain():
    assert calibrate([1.0] * 5, [True] * 5).confidence(1.0) == pytest.approx(6 / 7, abs=1e-4)
    assert calibrate([0.5] * 5, [False] * 5).confidence(0.5) == pytest.approx(1 / 7, abs=1e-4)


def test_where_larger_shares_are_less_often_right_the_share_says_nothing():
    found = calibrate([0.9] * 10 + [0.3] * 10, [False] * 10 + [True] * 10)
    assert found.slope == 0
    assert found.confidence([0.1, 0.9]) == pytest.approx([0.5, 0.5])


def test_nothing_is_learnt_of_nothing():
    assert calibrate([], []) == Calibration()
    assert Calibration().confidence([0.25, 0.5, 0.9]) == pytest.approx([0.25, 0.5, 0.9])
    assert Calibration().confidence([0.0, 1.0]) == pytest.approx([0.02, 0.98])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_confidence_is_a_probability_that_never_falls_with_the_share(pairs):
    shares, right = zip(*pairs, strict=True)
    confidence = calibrate(shares, right).confidence(np.linspace(0, 1, 21))
    assert np.all((confidence >= 0) & (confidence <= 1)) and np.all(np.diff(confidence) >= -1e-12)


def test_calibration_makes_confidence_true():
    random = np.random.default_rng(1)
    shares = random.uniform(0.3, 1, 4000)
    right = random.random(4000) < 1 / (1 + np.exp(-(0.5 * np.log(shares / (1 - shares)) - 0.4)))
    learnt = calibrate(shares[:2000], right[:2000]).confidence(shares[2000:])
    before = expected_calibration_error(shares[2000:], right[2000:])
    assert expected_calibration_error(learnt, right[2000:]) < 0.04 < 0.1 < before


def test_the_error_of_confidence_by_hand():
    # In [0.5, 0.6): 1 of 2 right at 0.55; in [0.9, 1]: 1 of 2 right at 0.95 and 1.
    assert expected_calibration_error([0.55, 0.55, 0.95, 1.0], [1, 0, 1, 0]) == pytest.approx(
        0.5 * 0.05 + 0.5 * 0.475
    )
    assert expected_calibration_error([0.2, 0.8], [False, True], bins=1) == pytest.approx(0)
    assert expected_calibration_error([0.2, 0.8], [False, True], bins=2) == pytest.approx(0.2)
    assert np.isnan(expected_calibration_error([], []))


def test_brier_by_hand():
    assert brier([1.0, 0.5, 0.0], [True, True, True]) == pytest.approx((0 + 0.25 + 1) / 3)
    assert np.isnan(brier([], []))


def test_shapes_that_do_not_fit_are_refused():
    for measure in (brier, expected_calibration_error):
        with pytest.raises(ValueError, match=r"confidence: \(2,\) for right \(1,\); give one each"):
            measure([0.5, 0.5], [True])
    with pytest.raises(ValueError, match=r"calibrate: shares \(2,\) for right \(1,\)"):
        calibrate([0.5, 0.5], [True])
    with pytest.raises(ValueError, match="bins: 0 hold nothing"):
        expected_calibration_error([0.5], [True], bins=0)


@pytest.mark.parametrize(
    ("votes", "confidence", "unsure", "unlike", "label", "doubt"),
    [
        ({"a": 0.9}, 0.9, 0.5, 0.7, "a", None),
        ({"a": 0.9}, 0.5, 0.5, None, "a", None),
        ({"a": 0.9}, 0.49, 0.5, None, None, "unsure"),
        ({"a": 0.9}, 0.9, 0.5, 0.02, None, "unlike anything"),
        ({"a": 0.9}, None, 0.5, None, None, "too few labels"),
        ({"a": 0.9}, None, 0.0, None, "a", None),
        ({}, None, 0.0, None, None, "nothing alike"),
    ],
)
def test_there_is_no_label_where_there_is_doubt(votes, confidence, unsure, unlike, label, doubt):
    found = Classification(votes, confidence, unsure, unlike)
    assert (found.label, found.doubt, found.best) == (label, doubt, next(iter(votes), None))
