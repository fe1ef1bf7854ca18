"""Facts about fusing rankings."""

import numpy as np
import pytest

from retrieval.answers.fusion import fuse
from retrieval.errors import SettingError
from retrieval.ranker import Ranking


def ranking(ids, scores):
    return Ranking(np.array(ids, np.int64), np.array(scores, np.float32))


def test_reciprocal_ranks_are_summed():
    fused = fuse([ranking([1, 2, 3], [9, 5, 1]), ranking([2, 3, 1], [0.3, 0.2, 0.1])])
    assert fused.ids.tolist() == [2, 1, 3]
    np.testing.assert_allclose(fused.scores, [1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 63 + 1 / 62], rtol=1e-6)


def test_sum_brings_scores_to_one_range():
    fused = fuse([ranking([1, 2, 3], [10, 5, 0]), ranking([3, 1, 2], [0.4, 0.2, 0.0])], "sum")
    assert fused.ids.tolist() == [1, 3, 2]
    np.testing.assert_allclose(fused.scores, [1.5, 1.0, 0.5])


def test_equal_scores_are_ordered_by_id():
    assert fuse([ranking([7, 3], [2, 1]), ranking([3, 7], [2, 1])]).ids.tolist() == [3, 7]


def test_an_id_that_one_ranking_lacks_gets_nothing_from_it():
    fused = fuse([ranking([1], [1.0]), ranking([2, 1], [1.0, 0.5])])
    assert fused.ids.tolist() == [1, 2]
    np.testing.assert_allclose(fused.scores, [1 / 61 + 1 / 62, 1 / 61], rtol=1e-6)


def test_the_order_of_rankings_is_irrelevant():
    random = np.random.default_rng(0)
    rankings = [ranking(random.permutation(50), np.sort(random.random(50))[::-1]) for _ in range(3)]
    for how in ("rrf", "sum"):
        assert fuse(rankings, how).ids.tolist() == fuse(rankings[::-1], how).ids.tolist()


def test_equal_scores_of_one_ranking_add_nothing():
    fused = fuse([ranking([4, 9], [0.5, 0.5]), ranking([9, 4], [3, 1])], "sum")
    assert fused.ids.tolist() == [9, 4]
    assert fused.scores.tolist() == [1.0, 0.0]


def test_k_keeps_the_best():
    assert fuse([ranking([1, 2, 3], [3, 2, 1])], k=2).ids.tolist() == [1, 2]


def test_nothing_fuses_to_nothing():
    assert len(fuse([])) == 0
    assert len(fuse([ranking([], [])], "sum")) == 0


def test_another_way_to_fuse_is_refused():
    with pytest.raises(SettingError, match="fusion: 'mean' is unknown; use one of rrf, sum"):
        fuse([], "mean")


def test_a_score_of_0_adds_nothing():
    fused = fuse([ranking([1, 2, 3], [0, 0, 0]), ranking([3, 2, 1], [0.9, 0.1, 0])])
    assert fused.ids.tolist() == [3, 2, 1]
    np.testing.assert_allclose(fused.scores, [1 / 61, 1 / 62, 0], rtol=1e-6)
