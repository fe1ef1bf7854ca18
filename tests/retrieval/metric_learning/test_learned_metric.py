"""Facts about learnt metrics: axes, closed forms, large margin, learner, projection, trial."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.baselines import Thumbnail
from retrieval.errors import FitError, IndexFolderError, SettingError
from retrieval.metric_learning import METHODS, MetricLearner, Projection, cross_validate
from retrieval.metric_learning.cross_validation import dealt_anew
from retrieval.metric_learning.discriminant import discriminate, whiten_within
from retrieval.metric_learning.large_margin import loss, squared_distances
from retrieval.metric_learning.matrix import lengths, stack
from retrieval.metric_learning.principal_axes import principal_axes
from retrieval.representation import SparseVector


def sparse(row):
    """Return a dense row as a sparse vector."""
    row = np.asarray(row, dtype=np.float32)
    (words,) = row.nonzero()
    return SparseVector(words.astype(np.uint32), row[words], len(row))


def bags(n=40, d=30, seed=0):
    """Return rows of which two thirds are zero, float32 (n, d)."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, d)) < 1 / 3, rng.random((n, d)), 0).astype(np.float32)


def hidden(n=90, d=40, seed=0):
    """Return vectors whose three classes differ in two directions of little variance, and their classes."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 3
    rows = rng.normal(size=(n, d)) * np.linspace(3, 0.3, d)
    rows[:, -2:] = 0.1 * rng.normal(size=(n, 2)) + np.array([(0, 1), (1, 0), (-1, -1)])[classes]
    turned = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (rows @ turned).astype(np.float32), [f"class {c}" for c in classes]


def share_of_right_neighbours(rows, classes):
    """Return for how many rows the nearest by cosine is of the same class."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -2)
    names = np.array(classes)
    return float(np.mean(names[alike.argmax(axis=1)] == names))


@given(st.integers(1, 12), st.integers(0, 5))
def test_axes_of_a_sparse_matrix_are_those_of_the_singular_value_decomposition(k, seed):
    rows = bags(seed=seed).astype(np.float64)
    axes = principal_axes(stack([sparse(row) for row in rows]), k, seed)
    about = rows - rows.mean(axis=0)
    _, found, directions = np.linalg.svd(about, full_matrices=False)
    np.testing.assert_allclose(axes.deviations, found[:k] / np.sqrt(len(rows)), rtol=1e-4)
    leading = np.abs(axes.directions[:, 0] @ directions[0])
    assert leading > 0.999 or found[0] < 1.02 * found[1]
    np.testing.assert_allclose(axes.directions.T @ axes.directions, np.eye(k), atol=1e-8)
    np.testing.assert_allclose(axes.reduce(rows), about @ axes.directions, atol=1e-6)


def test_a_sparse_matrix_is_never_filled(monkeypatch):
    matrix = importlib.import_module("scipy.sparse").csr_matrix
    for name in ("toarray", "todense"):
        monkeypatch.setattr(matrix, name, lambda *_, **__: pytest.fail("the matrix was filled"))
    vectors = [sparse(row) for row in bags()]
    assert MetricLearner("wccn").learn(vectors, ["a", "b"] * 20).dimension == 30


def test_there_are_no_more_axes_than_the_rows_span():
    rows = np.outer(np.arange(5.0), np.ones(7))
    assert principal_axes(rows, 6).directions.shape == (7, 1)
    assert principal_axes(np.ones((5, 7)), 6).directions.shape == (7, 0)


def test_the_scatter_within_classes_becomes_round():
    rows, names = hidden()
    classes = np.unique(names, return_inverse=True)[1]
    moved = rows @ whiten_within(rows.astype(np.float64), classes, 1e-9)
    about = moved - np.stack([moved[classes == c].mean(axis=0) for c in range(3)])[classes]
    np.testing.assert_allclose(about.T @ about / len(rows), np.eye(rows.shape[1]), atol=1e-5)


def test_all_shrinkage_leaves_directions_as_they_are():
    rows, names = hidden(d=6)
    classes = np.unique(names, return_inverse=True)[1]
    white = whiten_within(rows.astype(np.float64), classes, 1.0)
    np.testing.assert_allclose(white, white[0, 0] * np.eye(6), atol=1e-12)


def test_fishers_discriminants_are_those_of_scikit_learn():
    analysis = importlib.import_module("sklearn.discriminant_analysis").LinearDiscriminantAnalysis
    rows, names = hidden(d=12)
    classes = np.unique(names, return_inverse=True)[1]
    rows = rows.astype(np.float64)
    white = whiten_within(rows, classes, 1e-12)
    ours = np.linalg.qr(white @ discriminate(rows @ white, classes))[0]
    theirs = np.linalg.qr(analysis(solver="eigen").fit(rows, classes).scalings_[:, :2])[0]
    np.testing.assert_allclose(np.linalg.svd(ours.T @ theirs)[1], [1, 1], atol=1e-9)


def test_the_gradient_of_the_margin_is_that_of_its_loss():
    rng = np.random.default_rng(3)
    rows, linear = rng.normal(size=(9, 4)), rng.normal(size=(4, 3))
    classes = np.arange(9) % 3
    targets = np.stack([(np.arange(9) + 3) % 9, (np.arange(9) + 6) % 9], axis=1)
    value, gradient = loss(linear, rows, classes, targets)
    assert value > 0
    for place in np.ndindex(linear.shape):
        step = np.zeros_like(linear)
        step[place] = 1e-6
        rise = [loss(linear + s * step, rows, classes, targets)[0] for s in (1, -1)]
        assert gradient.reshape(4, 3)[place] == pytest.approx((rise[0] - rise[1]) / 2e-6, rel=1e-4, abs=1e-6)


def test_the_loss_of_three_points_is_what_one_counts_by_hand():
    # 0 and 1 are of one class, at distance 1; 2 is of another, at 4 and at 1. Row 2 is a target of itself.
    rows = np.array([[0.0], [1.0], [2.0]])
    targets = np.array([[1], [0], [2]])
    value, _ = loss(np.eye(1), rows, np.array([0, 0, 1]), targets)
    pulls, hinges = (
        1 + 1 + 0,
        0 + 1 + (0 + 0),
    )  # of row 1 the hinge is 1 + 1 − 1; of row 2: 1 + 0 − 1 and below
    assert value == pytest.approx(0.5 * (pulls + hinges) / 3)


def test_squared_distances_are_never_negative():
    rows = np.full((4, 3), 1e8) + np.arange(4)[:, None] * 1e-9
    assert (squared_distances(rows) >= 0).all()


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_what_classes_differ_in_for_pictures_it_has_not_seen(method, kind):
    rows, classes = hidden(n=180)
    vectors = [sparse(row) if kind == "sparse" else row for row in rows]
    projection = MetricLearner(method).learn(vectors[:120], classes[:120])
    moved = np.array([projection.project(vector) for vector in vectors[120:]])
    assert share_of_right_neighbours(rows[120:], classes[120:]) < 0.45
    # Where nothing is learnt but what is round, 36 axes of no meaning still count as much as the 2.
    assert share_of_right_neighbours(moved, classes[120:]) > (0.6 if method == "wccn" else 0.9)


@pytest.mark.parametrize("method", METHODS)
def test_learning_twice_is_learning_once(method):
    rows, classes = hidden(d=12)
    first, second = (MetricLearner(method, seed=5).learn(rows, classes) for _ in range(2))
    assert first.matrix.tobytes() == second.matrix.tobytes()
    assert first.offset.tobytes() == second.offset.tobytes()


def test_components_are_nine_tenths_of_the_pictures_unless_said():
    rows, classes = hidden(n=30)
    assert MetricLearner("wccn").learn(rows, classes).dimension == 27
    assert MetricLearner("wccn", components=7).learn(rows, classes).dimension == 7
    assert MetricLearner("lda").learn(rows, classes).dimension == 2


def test_a_class_with_one_picture_and_empty_vectors_are_left_out():
    rows, classes = hidden(n=12)
    empty = np.zeros_like(rows[:1])
    more = np.concatenate([rows, empty, rows[:1] + 1])
    assert MetricLearner().drawn(more, [*classes, "class 0", "alone"]) == list(range(12))


def test_where_pictures_are_many_each_class_has_its_share(monkeypatch):
    monkeypatch.setattr(MetricLearner, "most_pictures", 10)
    rows = np.random.default_rng(0).normal(size=(60, 4))
    classes = ["rare"] * 3 + ["usual"] * 57
    drawn = MetricLearner(seed=1).drawn(list(rows), classes)
    assert drawn[:3] == [0, 1, 2]
    assert len(drawn) == len(set(drawn)) == 10
    assert drawn != MetricLearner(seed=2).drawn(list(rows), classes)


@pytest.mark.parametrize("method", ["nca", "lmnn"])
def test_where_classes_are_more_than_can_be_learnt_from_some_come_whole(monkeypatch, method):
    monkeypatch.setattr(MetricLearner, "most_pictures", 10)
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    classes = [str(i // 2) for i in range(40)]
    drawn = MetricLearner(method).drawn(list(rows), classes)
    assert [i // 2 for i in drawn[::2]] == [i // 2 for i in drawn[1::2]]
    assert len(drawn) == 10
    assert np.isfinite(MetricLearner(method).learn(list(rows), classes).matrix).all()


@pytest.mark.parametrize(
    ("rows", "classes", "message"),
    [
        (np.eye(4), ["a"] * 4, "has 1"),
        (np.eye(4), ["a", "a", "b", "c"], "has 1"),
        (np.empty((0, 4)), [], "has 0"),
        (np.full((4, 3), np.nan), ["a", "a", "b", "b"], "vector 0 is not finite"),
        (np.ones((4, 3)), ["a", "a", "b", "b"], "all vectors are equal"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(rows, classes, message):
    with pytest.raises(FitError, match=message):
        MetricLearner().learn(list(rows.astype(np.float32)), classes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "kissme"}, "one of nca, lmnn, wccn, lda"),
        ({"components": 0}, "components: 0"),
        ({"shrinkage": 0.0}, "shrinkage: 0"),
        ({"shrinkage": float("nan")}, "shrinkage: nan"),
        ({"seed": -1}, "seed: -1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_at_once(settings, message):
    with pytest.raises(SettingError, match=message):
        MetricLearner(**settings)


def test_a_projection_is_the_formula_at_unit_length():
    matrix = np.array([[1, 0], [0, 2], [1, 1]], dtype=np.float32)
    projection = Projection(matrix, np.array([0.5, 0.25], dtype=np.float32))
    row = np.array([0, 3, 1], dtype=np.float32)
    moved = np.array([0.5, 6.75])  # (1, 7) less the offset
    for vector in (row, sparse(row)):
        np.testing.assert_allclose(projection.project(vector), moved / np.linalg.norm(moved), rtol=1e-6)
    assert projection.project(row).tobytes() == projection.project(row).tobytes()
    assert projection.project(np.stack([row, 2 * row])).shape == (2, 2)


def test_nothing_stays_nothing():
    projection = Projection(np.ones((3, 2), np.float32), np.ones(2, np.float32))
    for empty in (np.zeros(3, np.float32), sparse(np.zeros(3))):
        assert projection.project(empty).tolist() == [0, 0]


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"matrix": np.ones((3, 2), np.float32)},
        {"matrix": np.ones((3, 2)), "offset": np.ones(2)},
        {"matrix": np.ones((3, 2), np.float32), "offset": np.ones(3, np.float32)},
        {"matrix": np.ones((3, 0), np.float32), "offset": np.ones(0, np.float32)},
    ],
)
def test_arrays_of_something_else_are_no_projection(arrays):
    with pytest.raises(IndexFolderError, match="index again"):
        Projection.restore(arrays)


def test_a_metric_of_a_newer_version_is_refused_with_the_remedy():
    newer = {"matrix": np.ones((3, 2), np.float32), "offset": np.ones(2, np.float32), "more": np.ones(1)}
    with pytest.raises(IndexFolderError, match=r"does not know \(more\); update semblance, or"):
        Projection.restore(newer)


def test_lengths_are_the_same_sparse_and_dense():
    rows = bags(5)
    expected = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(lengths(stack(list(rows))), expected, rtol=1e-6)
    np.testing.assert_allclose(lengths(stack([sparse(row) for row in rows])), expected, rtol=1e-6)


class Watched(MetricLearner):
    """Learns, and notes from what."""

    def learn(self, vectors, classes):
        self.seen.append({float(vector[0]) for vector in vectors})
        return MetricLearner.learn(self, vectors, classes)


class Dense:
    """A base of dense vectors."""

    def make_ranker(self):
        from retrieval.rankers.dense import ExactRanker

        return ExactRanker(41)


def test_no_group_stands_on_both_sides_of_a_trial():
    rows, classes = hidden(n=90)
    groups = [str(i // 9) for i in range(90)]
    marked = np.column_stack([np.arange(90) // 9, rows]).astype(np.float32)  # the first number is the group
    learner = Watched("wccn")
    object.__setattr__(learner, "seen", [])
    trial = cross_validate(learner, Dense(), list(marked), classes, groups)
    assert len(learner.seen) == 3
    held_out = [set(range(10)) - seen for seen in learner.seen]
    assert sorted(group for part in held_out for group in part) == list(range(10))
    assert trial.n_queries == 90


def test_a_trial_shows_what_a_metric_is_worth():
    rows, classes = hidden(n=180)
    vectors = list(np.column_stack([np.zeros(180), rows]).astype(np.float32))
    trial = cross_validate(MetricLearner(), Dense(), vectors, classes, [str(i) for i in range(180)])
    assert trial.map_after > trial.map_before + 0.3
    assert trial.p1_after > 0.9
    assert 0 < trial.gain[0] < trial.map_after - trial.map_before < trial.gain[1]
    assert set(trial.account) == {"n_queries", "map_before", "map_after", "p1_before", "p1_after", "gain"}


def test_labels_by_lot_are_not_learnt_by_heart():
    rows, _ = hidden(n=180)
    vectors = list(np.column_stack([np.zeros(180), rows]).astype(np.float32))
    lots = [f"class {c}" for c in np.random.default_rng(0).integers(3, size=180)]
    trial = cross_validate(MetricLearner(), Dense(), vectors, lots, [str(i) for i in range(180)])
    assert abs(trial.map_after - trial.map_before) < 0.05
    assert trial.p1_after < 0.45


def test_one_group_allows_no_trial():
    rows, classes = hidden(n=30)
    vectors = list(np.column_stack([np.zeros(30), rows]).astype(np.float32))
    assert cross_validate(MetricLearner(), Dense(), vectors, classes, ["one"] * 30) is None


@pytest.mark.parametrize("n_groups", [60, 12])
def test_labels_that_mean_nothing_show_no_sure_gain(n_groups):
    """A metric draws images of a label together: were those found, average precision would rise by it."""
    sure = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        vectors = list(random.standard_normal((60, 256)).astype(np.float32))
        classes = [str(label) for label in random.integers(0, 2, 60)]
        groups = [str(i % n_groups) for i in range(60)]
        trial = cross_validate(MetricLearner(method="lda"), Thumbnail(), vectors, classes, groups)
        sure += trial.gain[0] > 0
    assert sure <= 4  # of those that were learnt from nine or more


@pytest.mark.parametrize("seed", [1, 15, 20, 22])
def test_gains_that_rise_together_are_not_sure(seed):
    """Of 24 such sets, an interval that draws queries one by one calls these four gains sure."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((90, 41)) * np.arange(1, 42) ** -0.5
    vectors = list((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))
    classes = [str(label) for label in random.integers(0, 2, 90)]
    trial = cross_validate(MetricLearner(), Dense(), vectors, classes, [str(i) for i in range(90)])
    assert trial.gain[0] < 0 < trial.map_after - trial.map_before < trial.gain[1]


def test_groups_deal_out_their_labels_whole():
    owners = np.array([7, 3, 3, 7, 5, 9])
    dealt = dealt_anew(np.array(["a", "b", "b", "a", "c", "d"]), owners, seed=0)
    assert dealt.shape == (100, 6)
    # Each group has one label: so has it after each deal, and all four are somewhere.
    assert (dealt[:, 0] == dealt[:, 3]).all() and (dealt[:, 1] == dealt[:, 2]).all()
    assert {tuple(sorted(row)) for row in dealt[:, [0, 1, 4, 5]].tolist()} == {("a", "b", "c", "d")}
    assert len({tuple(row) for row in dealt.tolist()}) > 10
    # A group of two gets a single label twice, and a single image the first of two.
    dealt = dealt_anew(np.array(["a", "b", "c"]), np.array([0, 0, 1]), seed=0)
    assert {tuple(row) for row in dealt.tolist()} == {("a", "b", "c"), ("c", "c", "a")}


def test_a_trial_in_which_one_group_alone_asks_says_nothing():
    # Learnt from "two" nothing comes, since each of its classes is one image; so only "two" ever asks.
    rows, classes = hidden(n=30)
    first = [classes.index(name) for name in sorted(set(classes))]
    groups = ["two" if i in first else "one" for i in range(30)]
    vectors = list(np.column_stack([np.zeros(30), rows]).astype(np.float32))
    assert cross_validate(MetricLearner("wccn"), Dense(), vectors, classes, groups) is None
