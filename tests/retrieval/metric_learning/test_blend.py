"""Facts about how much a base counts beside its metric."""

import numpy as np
import pytest

from retrieval.errors import SettingError
from retrieval.metric_learning import MetricLearner, Projection, blend_of, learn_held_out
from retrieval.metric_learning.blend import check_factor

LEARNER = MetricLearner("wccn", components=6)


def drawn(n, noise, seed=0):
    """Return vectors whose two classes differ in one direction, beside noise in the others."""
    rng = np.random.default_rng(seed)
    classes = ["ab"[i % 2] for i in range(n)]
    rows = rng.normal(size=(n, 12)) * noise
    rows[:, 0] = 1 + np.array([0.0, 1.0])[np.arange(n) % 2] + 0.2 * rng.normal(size=n)
    return [row.astype(np.float32) for row in rows], classes


def blend(n, noise=1.0, factor=None, has_folds=True):
    vectors, classes = drawn(n, noise)
    groups = [f"p{i}" for i in range(n)]
    if not has_folds:
        whole = [LEARNER.learn(vectors, classes)]
        return blend_of(whole, np.zeros(n, int), vectors, classes, groups, factor)
    held_out = learn_held_out(LEARNER, vectors, classes, groups, range(n))
    return blend_of(held_out.projections, held_out.folds, vectors, classes, groups, factor)


@pytest.mark.parametrize(("n", "factor"), [(18, 1.0), (24, 0.25)])
def test_few_labels_have_a_fixed_factor(n, factor):
    found = blend(n)
    assert (found.factor, found.is_chosen) == (factor, False) and found.weight > 0


@pytest.mark.parametrize(("kept", "factor"), [(0, 0.0), (5, 1.0)])
def test_with_enough_labels_held_out_images_choose(kept, factor):
    """A metric of the one direction that tells needs no base; one of noise needs all of it."""
    vectors, classes = drawn(120, 0.05)
    rows = np.array(vectors) - np.array([1.5, *[0] * 11], dtype=np.float32)
    matrix = np.zeros((12, 2), dtype=np.float32)
    matrix[[kept, kept + 1], [0, 1]] = 1
    halves = [Projection(matrix, np.zeros(2, dtype=np.float32))] * 2
    groups = [str(i) for i in range(120)]
    found = blend_of(halves, np.arange(120) // 2 % 2, list(rows), classes, groups)
    assert (found.factor, found.is_chosen) == (factor, True)


@pytest.mark.parametrize("factor", [None, 1.0])
def test_a_base_counts_where_each_class_is_of_one_patient(factor):
    vectors, classes = drawn(40, 1.0)
    whole = [LEARNER.learn(vectors, classes)]
    found = blend_of(whole, np.zeros(40, int), vectors, classes, classes, factor)
    alone = blend_of(whole, np.zeros(40, int), vectors, classes, ["one"] * 40, factor)
    assert found == alone and found.weight > 0


@pytest.mark.parametrize(("patients", "factor"), [(120, 0.0), (240, 1.0)])
def test_other_images_of_a_patient_do_not_speak_for_a_base(patients, factor):
    """It tells pairs of images apart, of a patient or not; the metric tells the classes, with doubt."""
    random = np.random.default_rng(0)
    signs, pairs = np.repeat(np.tile([-1.0, 1.0], 60), 2), np.repeat(random.normal(size=(120, 8)), 2, axis=0)
    metric = 0.1 * (signs[:, None] + 3 * random.normal(size=(240, 8)))
    rows = np.column_stack([metric, pairs]).astype(np.float32)
    halves = [Projection(np.eye(16, dtype=np.float32)[:, :8], np.zeros(8, dtype=np.float32))] * 2
    groups, classes = [str(i * patients // 240) for i in range(240)], [str(sign) for sign in signs]
    found = blend_of(halves, np.arange(240) // 4 % 2, list(rows), classes, groups)
    assert (found.factor, found.is_chosen) == (factor, True)


def test_no_fold_chooses_nothing():
    assert not blend(120, has_folds=False).is_chosen


def test_a_given_factor_is_taken_and_weighs_by_the_deviations_of_both():
    one, two = blend(24, factor=1.0), blend(24, factor=2.0)
    assert two.weight == pytest.approx(2 * one.weight) and not one.is_chosen
    assert blend(24, factor=0.0).weight == 0


@pytest.mark.parametrize("factor", [-1.0, float("inf"), float("nan")])
def test_a_factor_that_is_none_is_refused(factor):
    with pytest.raises(SettingError, match="blend"):
        check_factor(factor)
