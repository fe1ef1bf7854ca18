"""Facts about bounded fusion: its best are those of whole rankings, with the same scores and votes."""

import numpy as np
import pytest

from retrieval.answers import bounded_fusion
from retrieval.answers.bounded_fusion import fuse_best
from retrieval.answers.fusion import fuse, scale_of, votes
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
