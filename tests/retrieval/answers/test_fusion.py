"""Facts about fusing rankings."""

import numpy as np
import pytest

from retrieval.answers.fusion import Scale, fuse, scale_of, votes
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
    for how in ("rrf", "z", "sum"):
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
    with pytest.raises(SettingError, match="fusion: 'mean' is unknown; use one of rrf, z, sum"):
        fuse([], "mean")


def test_a_score_of_0_adds_nothing():
    fused = fuse([ranking([1, 2, 3], [0, 0, 0]), ranking([3, 2, 1], [0.9, 0.1, 0])])
    assert fused.ids.tolist() == [3, 2, 1]
    np.testing.assert_allclose(fused.scores, [1 / 61, 1 / 62, 0], rtol=1e-6)


def test_z_adds_deviations_from_the_mean_of_a_sample():
    # Without its highest the sample is 1, 1, 3, 3: mean 2, standard deviation 1.
    scale = scale_of(np.array([3, 9, 1, 3, 1], np.float32), "z")
    assert scale == Scale(2.0, 1.0)
    fused = fuse([ranking([5, 6], [4, 1]), ranking([6, 5], [0.5, 0])], "z", scales=[scale, Scale(0.5, 0.25)])
    assert dict(zip(fused.ids.tolist(), fused.scores.tolist(), strict=True)) == {5: 2.0 - 2.0, 6: -1.0 + 0.0}


def test_z_takes_its_own_scores_where_no_sample_is_given():
    fused = fuse([ranking([1, 2, 3, 4, 5], [9, 3, 3, 1, 1])], "z")
    assert fused.scores.tolist() == [7.0, 1.0, 1.0, -1.0, -1.0]


def test_the_highest_counts_where_all_others_are_equal():
    assert scale_of(np.array([0, 0, 0, 1], np.float32), "z") == Scale(0.25, pytest.approx(3**0.5 / 4))
    assert scale_of(np.array([1, 3], np.float32), "z") == Scale(2.0, 1.0)
    assert scale_of(np.zeros(5, np.float32), "z").unit == 0
    assert scale_of(np.empty(0, np.float32), "z") == scale_of(np.empty(0, np.float32), "sum") == Scale(0, 0)


def test_a_sample_scales_a_sum_beyond_its_range():
    scale = scale_of(np.array([1, 2, 3], np.float32), "sum")
    assert fuse([ranking([1, 2, 3], [5, 2, 0])], "sum", scales=[scale]).scores.tolist() == [2.0, 0.5, -0.5]


def test_what_takes_away_has_no_share():
    scales = [Scale(1, 1), Scale(1, 1)]
    (cast,) = votes(["a", "b"], [ranking([7], [3]), ranking([7], [0])], "z", None, np.array([7]), scales)
    assert (cast["a"].share, cast["b"].share) == (1.0, 0.0)
