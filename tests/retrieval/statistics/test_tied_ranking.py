"""Facts about measures of tied rankings: the mean over all orders, and the plain measure without ties."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.statistics import measures
from retrieval.statistics.tied_ranking import TiedRanking, expected_precisions

MEASURES = {
    "mAP": (TiedRanking.average_precision, lambda gains: measures.average_precision(gains > 0)),
    "MAP@R": (TiedRanking.average_precision_at_r, lambda gains: measures.average_precision_at_r(gains > 0)),
    "R-prec": (TiedRanking.r_precision, lambda gains: measures.r_precision(gains > 0)),
    "bpref": (TiedRanking.bpref, lambda gains: measures.bpref(gains > 0)),
    "nDCG@3": (lambda ranking: ranking.ndcg_at(3), lambda gains: measures.ndcg_at(gains, 3)),
    "P@3": (lambda ranking: ranking.precision_at(3), lambda gains: measures.precision_at(gains > 0, 3)),
    "ACC@2": (lambda ranking: ranking.hit_at(2), lambda gains: measures.hit_at(gains > 0, 2)),
}


def orders(gains, scores):
    """Yield the gains in every order of the hits of equal scores."""
    groups = [[g for g, s in zip(gains, scores, strict=True) if s == level] for level in sorted({*scores})]
    for chosen in product(*(permutations(group) for group in reversed(groups))):
        yield np.array([gain for group in chosen for gain in group])


@pytest.mark.parametrize("name", MEASURES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_it_is_the_mean_over_all_orders(name, data):
    n = data.draw(st.integers(1, 6))
    gains = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    scores = np.sort(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))[::-1]
    tied, plain = MEASURES[name]
    one_by_one = [plain(order) for order in orders(gains, scores)]
    assert tied(TiedRanking(gains, scores)) == pytest.approx(np.mean(one_by_one), nan_ok=True)


@pytest.mark.parametrize("name", MEASURES)
def test_without_ties_it_is_the_plain_measure_to_the_last_bit(name):
    rng = np.random.default_rng(0)
    tied, plain = MEASURES[name]
    for _ in range(50):
        gains = rng.integers(0, 3, 40)
        assert tied(TiedRanking(gains, np.arange(40)[::-1])) == plain(gains)


def test_a_random_order_of_four_right_of_nine_by_hand():
    # (R − 1)/(N − 1) + H_N / N · (1 − (R − 1)/(N − 1)), H_9 = 1 + 1/2 + … + 1/9
    gains, harmonic = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0]), sum(1 / i for i in range(1, 10))
    expected = 3 / 8 + harmonic / 9 * (1 - 3 / 8)
    for order in (gains, gains[::-1]):
        assert TiedRanking(order, np.ones(9)).average_precision() == pytest.approx(expected)


def test_how_many_hits_are_tied():
    assert TiedRanking(np.zeros(6), np.array([3, 2, 2, 1, 1, 1])).n_tied == 5
    assert TiedRanking(np.zeros(3), np.array([3, 2, 1])).n_tied == 0
    empty = TiedRanking(np.zeros(0), np.zeros(0))
    assert (empty.n_tied, empty.hit_at(1), empty.precision_at(5)) == (0, 0.0, 0.0)
    assert np.isnan(empty.average_precision())


def test_many_rankings_are_those_one_by_one():
    rng = np.random.default_rng(1)
    relevant = rng.random((5, 12)) < 0.4
    scores = -np.sort(-rng.integers(0, 4, (5, 12)).astype(np.float32), axis=1)
    scores[:, -2:], relevant[:, -2:] = np.nan, False  # what may not be found is last
    for row, flags, own in zip(expected_precisions(relevant, scores), relevant, scores, strict=True):
        assert row.sum() == pytest.approx(expected_precisions(flags[None, :-2], own[None, :-2]).sum())


def test_scores_and_gains_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one each"):
        TiedRanking(np.zeros(3), np.zeros(2))
