"""Facts about the exact test, against whole numbers of ways and by hand."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retrieval.errors import SettingError
from retrieval.statistics.fisher_exact import (
    holm,
    share_interval,
    size_strata,
    stratified_upper_tails,
    upper_tails,
)


@st.composite
def counts(draw):
    total = draw(st.integers(1, 400))
    drawn, labelled = draw(st.integers(0, total)), draw(st.integers(0, total))
    found = draw(st.integers(0, min(drawn, labelled)))
    return found, drawn, labelled, total


def ways(found, drawn, labelled, total):
    """Return in how many ways of ``comb(total, drawn)`` exactly ``found`` carry the label."""
    return comb(labelled, found) * comb(total - labelled, drawn - found)


@given(counts())
def test_tails_are_those_of_counted_ways(numbers):
    found, drawn, labelled, total = numbers
    more = sum(ways(x, drawn, labelled, total) for x in range(found, min(drawn, labelled) + 1))
    expected = Fraction(more, comb(total, drawn))
    assert upper_tails(*numbers) == pytest.approx(float(expected), rel=1e-9, abs=1e-300)


@given(st.lists(counts(), min_size=1, max_size=3))
def test_stratified_tails_are_those_of_ways_counted_in_each_stratum(strata):
    small = [[value % 9 for value in one] for one in strata]
    small = [(min(found, drawn, k), drawn, k, drawn + k + total) for found, drawn, k, total in small]
    found, drawn, labelled, totals = zip(*small, strict=True)
    each = [[(x, ways(x, n, k, total)) for x in range(min(n, k) + 1)] for _, n, k, total in small]
    more = sum(
        int(np.prod([w for _, w in one], dtype=object))
        for one in product(*each)
        if sum(x for x, _ in one) >= sum(found)
    )
    every = int(np.prod([comb(total, n) for _, n, _, total in small], dtype=object))
    (p,) = stratified_upper_tails([sum(found)], drawn, [labelled], totals)
    assert p == pytest.approx(float(Fraction(more, every)), rel=1e-9)


def test_one_stratum_is_the_test_without_strata():
    found, labelled = np.array([8, 0, 3]), np.array([20, 50, 90])
    p = stratified_upper_tails(found, [10], labelled[:, None], [100])
    assert p.tolist() == upper_tails(found, 10, labelled, 100).tolist()
    # A stratum of which no case was drawn says nothing.
    both = stratified_upper_tails(found, [10, 0], np.stack([labelled, labelled], axis=1), [100, 200])
    np.testing.assert_allclose(both, p, rtol=1e-12)


def test_strata_are_powers_of_two():
    assert size_strata([1, 2, 3, 4, 7, 8, 1023, 1024]).tolist() == [0, 1, 1, 2, 2, 3, 9, 10]


def test_the_test_is_fishers():
    table = [[8, 2], [12, 78]]
    _, p = stats.fisher_exact(table, alternative="greater")
    assert upper_tails(8, 10, 20, 100) == pytest.approx(p, rel=1e-12)


def test_large_collections_are_tested_exactly():
    more = sum(ways(x, 50, 3_000, 1_000_000) for x in range(12, 51))
    expected = Fraction(more, comb(1_000_000, 50))
    assert upper_tails(12, 50, 3_000, 1_000_000) == pytest.approx(float(expected), rel=1e-6)


def test_four_of_four_drawn_from_eight_by_hand():
    assert upper_tails(4, 4, 4, 8) == pytest.approx(1 / 70)  # one of the 70 ways to draw 4 of 8
    assert upper_tails(0, 4, 4, 8) == 1.0


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_that_of_clopper_and_pearson(a, b, level):
    found, drawn = a, a + b
    low, high = share_interval(found, drawn, level)
    tail = (1 - level) / 2
    expected_low = 0.0 if found == 0 else stats.beta.ppf(tail, found, b + 1)
    expected_high = 1.0 if found == drawn else stats.beta.ppf(1 - tail, found + 1, b)
    assert (low, high) == pytest.approx((float(expected_low), float(expected_high)), abs=1e-9)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_under_shuffled_labels_p_values_are_uniform():
    random = np.random.default_rng(0)
    labels = np.arange(60) < 24
    exact, randomised = [], []
    for _ in range(4000):
        found = int(random.permutation(labels)[:15].sum())
        p, point = float(upper_tails(found, 15, 24, 60)), ways(found, 15, 24, 60) / comb(60, 15)
        exact.append(p)
        randomised.append(p - random.random() * point)  # ties are broken at random: exactly uniform
    assert stats.kstest(randomised, "uniform").pvalue > 0.01
    for level in (0.01, 0.05, 0.2, 0.5):  # those that are given are never too small
        assert np.mean(np.array(exact) <= level) <= level + 3 * np.sqrt(level / 4000)


@pytest.mark.parametrize("numbers", [(3, 2), (-1, 2), (1, 0)])
def test_counts_that_do_not_fit_are_refused(numbers):
    with pytest.raises(SettingError, match="do not fit together"):
        share_interval(*numbers)
