"""Facts about cases: each rule against a plain reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references import plain_cases, plain_collapse

from retrieval.answers.grouping import CaseRule, collapse, rank_cases
from retrieval.answers.late_interaction import Alignment, spread
from retrieval.errors import SettingError
from retrieval.ranker import Ranking, order


def ranking(scores):
    scores = np.array(scores, np.float32)
    return order(np.arange(len(scores)), scores, len(scores))


GRID = st.integers(-8, 8).map(lambda n: n / 8)
PICTURES = st.lists(st.tuples(GRID, st.integers(0, 4)), min_size=1, max_size=25)


@pytest.mark.parametrize("rule", ["best", "mean-2", "mean-3", "rank-weighted"])
@given(PICTURES)
def test_every_rule_agrees_with_a_plain_reference(rule, pictures):
    scores, cases = [s for s, _ in pictures], [c for _, c in pictures]
    numbers = np.unique(cases, return_inverse=True)[1].astype(np.int64)
    found = rank_cases(ranking(scores), numbers, CaseRule(rule), 100)
    expected = dict(plain_cases(scores, cases, rule))
    got = [(cases[i], float(s)) for i, s in zip(found.ranking.ids, found.ranking.scores, strict=True)]
    assert [c for c, _ in got] == list(dict.fromkeys(c for c, _ in got))
    assert {c for c, _ in got} == set(cases)
    for case, score in got:
        assert score == pytest.approx(expected[case], abs=1e-6)
    ordered = list(zip((-found.ranking.scores).tolist(), found.ranking.ids.tolist(), strict=True))
    assert ordered == sorted(ordered)
    for id, rows in zip(found.ranking.ids, found.rows, strict=True):
        assert rows[0] == np.flatnonzero(ranking(scores).ids == id)[0]
        assert sorted(ranking(scores).ids[rows]) == [i for i, c in enumerate(cases) if c == cases[id]]


def test_equal_cases_are_ordered_by_their_best_picture():
    found = rank_cases(ranking([0.5, 0.5, 0.5, 0.5]), np.array([1, 0, 1, 0]), CaseRule("mean-2"), 9)
    assert found.ranking.ids.tolist() == [0, 1]


def test_k_cases_are_kept():
    found = rank_cases(ranking(np.linspace(1, 0, 10)), np.arange(10) // 2, CaseRule(), 3)
    assert found.ranking.ids.tolist() == [0, 2, 4]


def test_no_picture_makes_no_case():
    empty = ranking([])
    assert len(rank_cases(empty, np.empty(0, np.int64), CaseRule(), 3).ranking) == 0


@pytest.mark.parametrize("name", ["worst", "mean", "mean-0", "mean--1", "mean-1.5", "", "BEST"])
def test_a_rule_that_makes_no_sense_is_refused(name):
    with pytest.raises(SettingError, match="give best, mean-3"):
        CaseRule(name)


SLICES = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(st.integers(0, 30), st.just(np.nan)), GRID), max_size=30
)


@given(SLICES, st.sampled_from([0.5, 1, 3, 10]))
def test_neighbours_collapse_as_a_plain_loop_does_it(slices, within):
    stacks = np.array([s for s, _, _ in slices], np.int64)
    positions = np.array([p for _, p, _ in slices], np.float64)
    pictures = ranking([s for _, _, s in slices])
    found = collapse(pictures, stacks, positions, within)
    assert found.ids.tolist() == plain_collapse(pictures.ids.tolist(), stacks, positions, within)


def test_slices_without_a_position_never_collapse():
    pictures = ranking([3.0, 2.0, 1.0])
    kept = collapse(pictures, np.zeros(3, np.int64), np.array([np.nan, 0.0, np.nan]), 100.0)
    assert kept.ids.tolist() == [0, 1, 2]


MATRIX = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(GRID, min_size=6, max_size=6), min_size=n, max_size=n)
)


@given(MATRIX)
def test_late_interaction_is_the_mean_of_the_best_matches(matrix):
    scores, numbers = np.array(matrix, np.float32), np.array([0, 1, 0, 2, 1, 0])
    together = Alignment(numbers)
    for row in scores:
        together.add(ranking(row))
    cases, found, best = together.ranking()
    for case, score, id in zip(cases, found, best, strict=True):
        own = np.flatnonzero(numbers == case)
        assert score == pytest.approx(scores[:, own].max(axis=1).mean(), abs=1e-6)
        assert scores[:, id].max() == scores[:, own].max()
        for row, (match, value) in zip(scores, together.matches(int(case)), strict=True):
            assert value == row[own].max() == row[match] and match in own
    assert found.tolist() == sorted(found.tolist(), reverse=True)


@given(MATRIX)
def test_votes_are_reciprocal_ranks_of_the_cases(matrix):
    scores, numbers = np.array(matrix, np.float32), np.array([0, 1, 0, 2, 1, 0])
    together = Alignment(numbers, "votes")
    expected = dict.fromkeys(range(3), 0.0)
    for row in scores:
        together.add(ranking(row))
        ranked = plain_cases(row.tolist(), numbers.tolist(), "best")
        for case, score in ranked:
            # Tied cases have the mean of their ranks' weights, and those that share nothing have none.
            tied = [1 / (60 + rank) for rank, (_, other) in enumerate(ranked, start=1) if other == score]
            expected[case] += float(np.mean(tied)) if score else 0.0
    cases, found, _ = together.ranking()
    assert dict(zip(cases.tolist(), found.tolist(), strict=True)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("blank", [0.0, 0.5])
def test_slices_that_tell_no_cases_apart_change_no_order(blank):
    together = Alignment(np.array([0, 1, 2]), "votes")
    for row in ([0.1, 0.2, 0.3], *[[blank] * 3] * 4):
        together.add(ranking(np.array(row, np.float32)))
    cases, scores, _ = together.ranking()
    assert cases.tolist() == [2, 1, 0]
    assert np.diff(scores) == pytest.approx(np.diff([1 / 61, 1 / 62, 1 / 63]), abs=1e-7)


def test_pictures_that_are_not_ranked_make_no_case():
    together = Alignment(np.array([0, 0, 1]))
    together.add(Ranking(np.array([1]), np.array([0.5], np.float32)))
    cases, scores, best = together.ranking()
    assert (cases.tolist(), scores.tolist(), best.tolist()) == ([0], [0.5], [1])


def test_unknown_ways_are_refused():
    with pytest.raises(SettingError, match="maxsim, votes"):
        Alignment(np.arange(3), "sum")


def test_slices_that_ask_are_evenly_spread():
    assert spread(5).tolist() == [0, 1, 2, 3, 4]
    chosen = spread(500)
    assert (len(chosen), chosen[0], chosen[-1]) == (32, 0, 499)
    assert set(np.diff(chosen)) <= {16, 17}
