"""Smoothing: worked out by hand, on dense and sparse vectors, and what never has a say."""

import numpy as np
import pytest

from retrieval.answers import smoothing as module
from retrieval.answers.smoothing import smooth
from retrieval.ranker import Ranking
from retrieval.rankers.cosines import cosines
from retrieval.representation import SparseVector

# Cosines: 0 and 1 have 0.6, 1 and 2 have 0.8, 0 and 2 have 0; 3 is like nobody.
VECTORS = [np.array(v, np.float32) for v in ([1, 0, 0], [0.6, 0.8, 0], [0, 2, 0], [0, 0, 5])]
SCORES = np.array([0.9, 0.5, 0.4, 0.3], np.float32)


def ranking(scores=SCORES):
    return Ranking(np.arange(10, 10 + len(scores), dtype=np.int64), np.asarray(scores, np.float32))


def scores_of(found):
    return dict(zip(found.ids.tolist(), found.scores.tolist(), strict=True))


@pytest.mark.parametrize("size", [None, 3, 100_000])
def test_a_score_meets_the_mean_of_its_neighbours_by_the_cube_of_the_cosine(size):
    vectors = VECTORS
    if size is not None:
        vectors = [SparseVector(np.flatnonzero(v).astype(np.uint32), v[v != 0], size) for v in VECTORS]
    near, nearer = 0.6**3, 0.8**3
    mean = (near * 0.9 + nearer * 0.4) / (near + nearer)
    expected = {10: (0.9 + 0.5) / 2, 11: (0.5 + mean) / 2, 12: (0.4 + 0.5) / 2, 13: 0.3}
    found = smooth(ranking(), cosines(vectors), 2)
    assert scores_of(found) == pytest.approx(expected, abs=1e-6)
    assert (np.diff(found.scores) <= 0).all()


def test_only_the_nearest_count():
    assert scores_of(smooth(ranking(), cosines(VECTORS), 1))[11] == pytest.approx((0.5 + 0.4) / 2)


def test_the_query_itself_is_nobodys_neighbour():
    found = scores_of(smooth(ranking([1.0, 0.5, 0.4, 0.3]), cosines(VECTORS), 2, alone=10))
    assert found == pytest.approx({10: 1.0, 11: 0.45, 12: 0.45, 13: 0.3})


def test_what_is_not_among_the_best_keeps_its_score_and_has_no_say():
    found = scores_of(smooth(ranking(), cosines(VECTORS[:2]), 5))
    assert found == pytest.approx({10: 0.7, 11: 0.7, 12: 0.4, 13: 0.3})


def test_opposite_and_empty_vectors_have_no_say():
    vectors = [np.array([1, 0], np.float32), np.array([-1, 0], np.float32), np.zeros(2, np.float32)]
    found = smooth(ranking([0.9, 0.5, 0.1]), cosines(vectors), 2)
    assert scores_of(found) == pytest.approx({10: 0.9, 11: 0.5, 12: 0.1})


@pytest.mark.parametrize("n", [0, 1])
def test_without_two_images_there_is_nothing_to_smooth(n):
    assert smooth(ranking(SCORES[:n]), np.eye(n, dtype=np.float32), 10).scores.tolist() == SCORES[:n].tolist()


def test_of_neighbours_as_like_the_better_ranked_count():
    likeness = np.array([[1, 0.5, 0.5], [0.5, 1, 0.2], [0.5, 0.2, 1]], np.float32)
    found = scores_of(smooth(ranking([0.9, 0.5, 0.1]), likeness, 1))
    assert found[10] == pytest.approx((0.9 + 0.5) / 2)


@pytest.mark.parametrize("n", [1, 5, 60, 99])
def test_scores_are_the_same_with_and_without_numba(n, monkeypatch):
    rng = np.random.default_rng(n)
    likeness = rng.choice(np.float32([-0.5, 0, 0.25, 0.3, 0.70001, 1]), (60, 60))
    likeness[:30] *= rng.random((30, 60), np.float32)
    given = Ranking(np.arange(60), np.sort(rng.random(60, np.float32))[::-1])
    monkeypatch.setattr(module, "is_worth_loading", lambda work: True)
    compiled = smooth(given, likeness, n, alone=3)
    monkeypatch.setattr(module, "is_worth_loading", lambda work: False)
    found = smooth(given, likeness, n, alone=3)
    assert found.ids.tolist() == compiled.ids.tolist()
    assert found.scores.tobytes() == compiled.scores.tobytes()
