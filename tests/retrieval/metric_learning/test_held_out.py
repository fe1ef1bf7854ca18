"""Facts about held-out projections: each image asks by what was learnt without it."""

import numpy as np
import pytest

from retrieval.baselines import Thumbnail
from retrieval.errors import IndexFolderError
from retrieval.metric_learning import HeldOut, LearnedMetric, MetricLearner, Projection, learn_held_out

RNG = np.random.default_rng(0)
VECTORS = [row.astype(np.float32) for row in RNG.normal(size=(60, 12))]
CLASSES = ["ab"[i % 2] for i in range(60)]
GROUPS = [f"p{i // 2}" for i in range(60)]
LEARNER = MetricLearner("wccn", components=6)


@pytest.fixture(scope="module")
def held_out():
    return learn_held_out(LEARNER, VECTORS, CLASSES, GROUPS, range(100, 40, -1))


def test_the_projection_of_a_fold_is_learnt_from_the_others(held_out):
    folds = [held_out.fold_of(100 - i) for i in range(60)]
    assert set(folds) == {0, 1, 2, 3, 4} and held_out.fold_of(7) is None and held_out.fold_of(101) is None
    for fold, projection in enumerate(held_out.projections):
        kept = [i for i in range(60) if folds[i] != fold]
        alone = LEARNER.learn([VECTORS[i] for i in kept], [CLASSES[i] for i in kept])
        assert np.array_equal(projection.matrix, alone.matrix)


def test_a_group_is_in_one_fold(held_out):
    assert all(held_out.fold_of(100 - i) == held_out.fold_of(99 - i) for i in range(0, 60, 2))


def test_folds_do_not_depend_on_how_groups_are_called(held_out):
    hashed = [f"{hash(group) % 10**9:09d}" for group in GROUPS]
    again = learn_held_out(LEARNER, VECTORS, CLASSES, hashed, range(100, 40, -1))
    assert np.array_equal(again.folds, held_out.folds)


def test_it_comes_back_from_its_arrays(held_out):
    back = HeldOut.restore(held_out.arrays())
    assert np.array_equal(back.ids, held_out.ids) and np.array_equal(back.folds, held_out.folds)
    for one, other in zip(back.projections, held_out.projections, strict=True):
        assert np.array_equal(one.matrix, other.matrix)


@pytest.mark.parametrize("lacking", ["fold_ids", "fold_numbers", "fold0_matrix", "fold4_offset"])
def test_arrays_that_lack_something_are_refused(held_out, lacking):
    arrays = {name: array for name, array in held_out.arrays().items() if name != lacking}
    with pytest.raises(IndexFolderError, match="index again"):
        HeldOut.restore(arrays)


def test_folds_that_are_not_there_are_refused(held_out):
    arrays = {**held_out.arrays(), "fold_numbers": np.full(60, 5)}
    with pytest.raises(IndexFolderError, match="damaged"):
        HeldOut.restore(arrays)


def test_too_few_groups_have_no_folds():
    assert learn_held_out(LEARNER, VECTORS[:6], CLASSES[:6], ["p"] * 6, range(6)) is None


def test_a_metric_keeps_its_folds_and_one_of_earlier_versions_has_none(held_out):
    projection = LEARNER.learn(VECTORS, CLASSES)
    base = Thumbnail()
    made = LearnedMetric(base, "thumbnail+wccn").with_projection(projection, held_out)
    back = LearnedMetric(base, "thumbnail+wccn").restore(made.learnt())
    assert back.held_out_ is not None and np.array_equal(back.held_out_.ids, held_out.ids)
    assert back.adjusted().held_out_ is back.held_out_
    old = LearnedMetric(base, "thumbnail+wccn").restore(projection.arrays())
    assert old.held_out_ is None


def test_many_vectors_are_projected_as_each():
    projection = Projection(RNG.normal(size=(12, 3)).astype(np.float32), np.ones(3, np.float32))
    rows = [*VECTORS, np.zeros(12, np.float32)]
    together = projection.project_all(rows)
    np.testing.assert_allclose(together, [projection.project(row) for row in rows], atol=1e-6)
    assert projection.project_all([]).shape == (0, 3)
