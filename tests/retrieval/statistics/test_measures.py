"""Measures of a ranking, against values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from retrieval.statistics.measures import (
    average_precision,
    average_precision_at,
    average_precision_at_r,
    average_precisions,
    bootstrap_interval,
    bpref,
    hit_at,
    majority_at,
    ndcg_at,
    precision_at,
    published_average_precision_at,
    r_precision,
)


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1)
    )
)
def test_average_precisions_are_those_of_each_row(rows: list[list[bool]]) -> None:
    expected = [average_precision(row) for row in rows]
    np.testing.assert_allclose(average_precisions(np.array(rows)), expected, rtol=1e-12)


def test_average_precision_of_hits_at_ranks_1_3_and_4() -> None:
    assert average_precision([True, False, True, True]) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_average_precision_without_anything_relevant_is_no_number() -> None:
    assert math.isnan(average_precision([False, False]))
    assert math.isnan(average_precision([]))


@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_average_precision_agrees_with_scikit_learn(relevant: list[bool]) -> None:
    scores = -np.arange(len(relevant))
    assert average_precision(relevant) == pytest.approx(average_precision_score(relevant, scores))


def test_average_precision_at_r_ends_at_as_many_places_as_are_relevant() -> None:
    assert average_precision_at_r([True, False, True, True, False]) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision_at_r([False, True]) == 0
    assert average_precision_at_r([True, True, False]) == 1
    assert math.isnan(average_precision_at_r([False]))


def test_average_precision_at_5_divides_by_what_could_be_found() -> None:
    relevant = [True, False, True, False, False, True]
    assert average_precision_at(relevant, 5) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision_at([True, False, *[True] * 9], 2) == pytest.approx(1 / 2)
    assert average_precision_at([False, False, True], 2) == 0
    assert math.isnan(average_precision_at([False], 1))


def test_the_published_average_precision_forgives_what_is_not_found() -> None:
    # The example in the docstring of their code: a, a, n, a, j for a.
    assert published_average_precision_at([1, 1, 0, 1, 0], 5) == pytest.approx(0.9166667)
    assert published_average_precision_at([True, False, False, False, False, True, True], 5) == 1
    assert published_average_precision_at([False, False, True], 2) == 0


@given(st.lists(st.booleans(), min_size=1, max_size=30).filter(any), st.integers(1, 40))
def test_the_published_average_precision_is_never_below_the_true_one(relevant: list[bool], k: int) -> None:
    assert published_average_precision_at(relevant, k) >= average_precision_at(relevant, k)


@given(st.lists(st.booleans(), min_size=1, max_size=30).filter(any))
def test_average_precision_at_all_is_average_precision(relevant: list[bool]) -> None:
    assert average_precision_at(relevant, len(relevant)) == pytest.approx(average_precision(relevant))


def test_a_hit_counts_among_the_first_k_alone() -> None:
    relevant = [False, False, True]
    assert [hit_at(relevant, k) for k in (1, 2, 3, 9)] == [False, False, True, True]
    assert not hit_at([], 5)


def test_a_tie_of_the_majority_counts_as_right() -> None:
    labels = ["a", "b", "b", "a", "c", "c", "c"]
    assert majority_at(labels, "a", 5) and majority_at(labels, "b", 5)
    assert not majority_at(labels, "c", 5)
    assert majority_at(labels, "c", 7) and not majority_at(labels, "a", 7)
    assert not majority_at([], "a", 5)


@pytest.mark.parametrize("measure", [average_precision_at, published_average_precision_at, hit_at])
def test_the_first_none_are_refused(measure: Callable[[list[bool], int], float]) -> None:
    with pytest.raises(ValueError, match="k: the first 0 hits"):
        measure([True], 0)


def test_missing_hits_count_as_wrong() -> None:
    assert precision_at([True, True], 5) == pytest.approx(0.4)
    assert precision_at([], 1) == 0


def test_precision_at_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="k: precision at 0"):
        precision_at([True], 0)


def test_an_interval_of_equal_values_is_that_value() -> None:
    assert bootstrap_interval([0.5] * 9) == (0.5, 0.5)


def test_an_interval_leaves_out_what_is_no_number() -> None:
    assert bootstrap_interval([0.5, math.nan, 0.5]) == (0.5, 0.5)
    assert all(math.isnan(end) for end in bootstrap_interval([math.nan]))
    assert all(math.isnan(end) for end in bootstrap_interval([]))


def test_an_interval_is_as_wide_as_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(size=2000)
    low, high = bootstrap_interval(values)
    assert high - low == pytest.approx(2 * 1.96 / math.sqrt(2000), rel=0.1)


def test_groups_of_equal_queries_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=50), 20)
    alone, together = bootstrap_interval(values), bootstrap_interval(values, np.repeat(np.arange(50), 20))
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


@pytest.mark.parametrize("n_groups", [3, 5, 8, 30])
def test_an_interval_covers_the_mean_as_often_as_it_says(n_groups: int) -> None:
    random, n, covered = np.random.default_rng(0), 1500, 0
    groups = np.repeat(np.arange(n_groups), 3)
    for seed in range(n):
        values = random.normal(size=n_groups)[groups] + 0.3 * random.normal(size=len(groups))
        low, high = bootstrap_interval(values, groups, draws=500, seed=seed)
        covered += low <= 0 <= high
    assert 0.93 <= covered / n <= 0.975


def test_an_interval_of_shares_stays_between_0_and_1() -> None:
    low, high = bootstrap_interval([0.9, 1.0, 1.0], bounds=(0.0, 1.0))
    assert high == 1.0 and 0 < low < 0.9


def test_one_group_says_nothing_of_how_groups_differ() -> None:
    assert all(math.isnan(end) for end in bootstrap_interval([0.2, 0.9, 0.4], ["p", "p", "p"]))
    assert all(math.isnan(end) for end in bootstrap_interval([0.2]))


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(2).normal(size=100)
    assert bootstrap_interval(values, seed=5) == bootstrap_interval(values, seed=5)


def test_measures_by_hand():
    hits = [True, False, True, False, False]
    assert r_precision(hits) == 0.5
    assert bpref(hits) == pytest.approx((1 + 0.5) / 2)
    assert bpref(hits, [True, False, True, True, True]) == 1
    assert ndcg_at([1, 0, 2], 3) == pytest.approx((1 + 2 / 2) / (2 + 1 / np.log2(3)))
    assert np.isnan([r_precision([False]), bpref([False]), ndcg_at([0, 0], 5)]).all()
    assert bpref([True, True]) == 1
