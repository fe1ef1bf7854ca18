"""Facts about bounded fusion: its best are those of whole rankings, with the same scores and votes."""

import numpy as np
import pytest

from retrieval.answers import bounded_fusion
from retrieval.answers.bounded_fusion import fuse_best
from retrieval.answers.fusion import fuse, scale_of, votes
from retrieval.answers.partial_ranking import PartialRanking, count_places
from retrieval.ranker import order

N = 2000
RULES = [("rrf", None), ("z", None), ("sum", None), ("learnt", (0.7, 0.3))]


@pytest.fixture(autouse=True)
def shallow(monkeypatch):
    """Begin with few, so that rankings go deeper more than once."""
    monkeypatch.setattr(bounded_fusion, "_FIRST", 8)
    monkeypatch.setattr(bounded_fusion, "_PER_HIT", 2)


def two(seed, agreement, digits, held=1.0):
    """Return two rankings that agree more or less; scores of few digits tie, and some are 0 or below."""
    random = np.random.default_rng(seed)
    common, found = random.standard_normal(N), []
    for _ in range(2):
        scores = agreement * common + (1 - agreement) * random.standard_normal(N)
        ids = np.flatnonzero(random.random(N) < held)
        found.append(order(ids, np.round(scores, digits)[ids].astype(np.float32), N))
    return found


def cut(rankings, asked):
    """Return what gives the rankings to a depth, and notes how deep it was asked."""

    def to(depth):
        asked.append(depth)
        return [type(one)(one.ids[:depth], one.scores[:depth]) for one in rankings]

    return to


class WholeRankings:
    """Looks ids up in whole rankings, and notes how many it was asked for."""

    def __init__(self, rankings):
        self.rankings, self.asked = rankings, []

    def each(self, do):
        return [do(number) for number in range(len(self.rankings))]

    def scores(self, number, ids):
        whole = self.rankings[number]
        found = dict(zip(whole.ids.tolist(), whole.scores, strict=True))
        scores = np.array([found.get(id, 0) for id in ids.tolist()], np.float32)
        return scores, np.isin(ids, whole.ids)

    def places(self, number, ids, scores):
        self.asked.append(len(ids))
        return count_places(self.rankings[number].ids, self.rankings[number].scores, ids, scores)


@pytest.mark.parametrize(("how", "weights"), RULES)
@pytest.mark.parametrize("digits", [1, 6])
@pytest.mark.parametrize("agreement", [0.2, 0.9])
def test_the_best_are_those_of_whole_rankings(how, weights, digits, agreement):
    answered = 0
    for seed in range(6):
        rankings, asked = two(seed, agreement, digits, held=0.95 if seed % 2 else 1.0), []
        scales = None if how == "rrf" else [scale_of(one.scores[::7], how) for one in rankings]
        for k in (1, 5, 20):
            found = fuse_best(cut(rankings, asked), N, k, how, weights, scales)
            if found is None:
                continue
            answered += 1
            best, prefixes = found
            whole = fuse(rankings, how, k, weights, scales)
            assert best.ids.tolist() == whole.ids.tolist()
            assert best.scores.tobytes() == whole.scores.tobytes()
            rest = (how, weights, best.ids, scales)
            assert votes(["a", "b"], prefixes, *rest) == votes(["a", "b"], rankings, *rest)
        assert max(asked) <= N / 4
    # Coarse scores tie all over, and rankings that hardly agree are often needed whole.
    assert answered or digits == 1 or agreement < 0.5


@pytest.mark.parametrize(("how", "weights"), RULES)
@pytest.mark.parametrize("digits", [1, 6])
@pytest.mark.parametrize("agreement", [0.2, 0.7])
def test_the_best_are_those_of_whole_rankings_where_some_are_looked_up(how, weights, digits, agreement):
    answered, looked_up, depths = 0, 0, ([], [])
    for seed in range(6):
        rankings = two(seed, agreement, digits, held=0.95 if seed % 2 else 1.0)
        scales = None if how == "rrf" else [scale_of(one.scores[::7], how) for one in rankings]
        for k in (1, 5, 20):
            look_up, given = WholeRankings(rankings), (N, k, how, weights, scales)
            found = fuse_best(cut(rankings, depths[0]), *given, look_up)
            fuse_best(cut(rankings, depths[1]), *given)
            if found is None:
                continue
            answered += 1
            best, prefixes = found
            looked_up += any(isinstance(one, PartialRanking) for one in prefixes)
            whole = fuse(rankings, how, k, weights, scales)
            assert best.ids.tolist() == whole.ids.tolist()
            assert best.scores.tobytes() == whole.scores.tobytes()
            rest = (how, weights, best.ids, scales)
            assert votes(["a", "b"], prefixes, *rest) == votes(["a", "b"], rankings, *rest)
            # Places are counted for few.
            assert max(look_up.asked, default=0) <= 80
    assert answered >= 9
    # Of rankings with many ties the beginnings are too short to tell who is left.
    assert sum(depths[0]) <= sum(depths[1])
    assert digits == 1 or (looked_up and sum(depths[0]) < sum(depths[1]))


def test_places_count_ties_by_their_ids():
    ids, scores = np.array([9, 4, 7, 2, 5]), np.array([3, 1, 1, 1, 0], np.float32)
    counted = count_places(ids, scores, np.array([4, 9, 7]), np.array([1, 3, 1], np.float32))
    assert counted.starts.tolist() == [1, 0, 1]
    assert counted.sizes.tolist() == [3, 1, 3]
    assert counted.places.tolist() == [2, 0, 3]
    assert [len(each) for each in count_places(ids, scores, ids[:0], scores[:0])] == [0, 0, 0]


def test_rankings_that_agree_are_not_taken_deep():
    rankings, asked = two(0, 0.99, 6), []
    assert fuse_best(cut(rankings, asked), N, 3, "rrf") is not None
    assert max(asked) < N / 8


def test_ties_that_go_on_behind_the_cut_are_left_out():
    ids = np.arange(N)
    scores = np.where(ids < 3, 2.0, np.where(ids < 1500, 1.0, 0.5)).astype(np.float32)
    rankings = [order(ids, scores, N), order(ids, scores + np.float32(1), N)]
    best, prefixes = fuse_best(cut(rankings, []), N, 2, "rrf")
    assert best.ids.tolist() == [0, 1]
    assert [len(one) for one in prefixes] == [3, 3]
    assert fuse_best(cut(rankings, []), N, 4, "rrf") is None


def test_a_small_collection_is_ranked_whole():
    assert fuse_best(cut(two(0, 0.9, 6), []), 31, 1, "rrf") is None
