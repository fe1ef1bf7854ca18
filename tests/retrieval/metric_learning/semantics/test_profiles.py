"""Facts about profiles: clusters, log-odds by patient, exact tests, and what is saved."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from retrieval.errors import FitError, IndexFolderError, SettingError
from retrieval.metric_learning.semantics import ClusterProfile, ProfileLearner, associations
from retrieval.metric_learning.semantics.profile_learner import log_odds, patients_with

TERMS = ["cyst", "stone", "tube"]


def drawn(n=240, seed=0):
    """Return vectors of three kinds, whose terms follow the kind, or, of the third term, nothing."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(n) // 2 % 3
    rows = 3 * np.eye(3, 8)[kinds] + 0.4 * rng.normal(size=(n, 8))
    owners = np.arange(n) // 2
    chance = rng.random(n // 2)
    marks = np.stack([(kinds == 0) & (chance[owners] < 0.8), kinds == 1, chance[owners] < 0.3], axis=1)
    return [row.astype(np.float32) for row in rows], marks, [f"p{i}" for i in owners]


@pytest.fixture(scope="module")
def learnt():
    vectors, marks, groups = drawn()
    return ProfileLearner(clusters=6).learn(vectors, marks, groups), vectors, marks, groups


def test_a_profile_says_what_images_that_look_so_have(learnt):
    profile, *_ = learnt
    new = drawn(60, seed=1)[0]
    rows = profile.project_all(new)
    kinds = np.arange(60) // 2 % 3
    assert (rows[kinds == 0].argmax(axis=1) == 0).all() and (rows[kinds == 1].argmax(axis=1) == 1).all()
    assert (rows[kinds == 2][:, :2] < 0).all()
    assert np.abs(rows[:, 2]).max() < rows[kinds == 1][:, 1].min()


def test_patients_are_counted_and_not_images():
    places, owners = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2])
    marks = np.array([[1, 0], [1, 0], [0, 0], [0, 1], [0, 0]], dtype=bool)
    sizes, with_term, in_all = patients_with(places, marks, owners, 2)
    assert sizes.tolist() == [2, 2] and in_all.tolist() == [1, 1]
    # Patient 1 has an image in each cluster, and the second term in both.
    assert with_term.tolist() == [[1, 1], [0, 1]]


def test_log_odds_are_those_of_the_cluster_and_shrunk_patients_less_those_of_all():
    places, owners = np.array([0, 0, 1, 1]), np.arange(4)
    marks = np.array([[1], [1], [1], [0]], dtype=bool)
    share = 3.5 / 5
    expected = np.log((2 + 4 * share) / (0 + 4 * (1 - share))) - np.log(share / (1 - share))
    assert log_odds(places, marks, owners, 2, 4.0)[0, 0] == pytest.approx(expected)
    assert abs(log_odds(places, marks, owners, 2, 1e9)).max() < 1e-6


def test_cells_beyond_chance_are_found_with_examples_of_other_patients(learnt):
    profile, vectors, marks, groups = learnt
    names = [f"{i}.png" for i in range(len(vectors))]
    cells = associations(profile, TERMS, vectors, marks, groups, names)
    assert {one.term for one in cells} == {"cyst", "stone"}
    one = cells[0]
    assert one.p == pytest.approx(hypergeom.sf(one.found - 1, one.total, one.labelled, one.size))
    assert one.adjusted >= one.p and one.found <= min(one.size, one.labelled) and one.total == 120
    examples = [int(name.removesuffix(".png")) for name in one.examples]
    assert len({groups[i] for i in examples}) == 3
    assert all(marks[i, TERMS.index(one.term)] for i in examples)


def test_shuffled_reports_show_a_cell_in_one_of_twenty_runs_at_most(learnt):
    profile, vectors, marks, _ = learnt
    rng, owners = np.random.default_rng(0), np.arange(240) // 2
    groups, runs = [f"p{i}" for i in owners], 40
    shown = sum(
        bool(associations(profile, TERMS, vectors, marks[::2][rng.permutation(120)][owners], groups))
        for _ in range(runs)
    )
    assert shown <= 0.05 * runs


def test_patients_of_many_reports_make_no_cell():
    owners, shown = np.repeat(np.arange(130), [1] * 100 + [8] * 30), 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        vectors = list(rng.standard_normal((len(owners), 16)).astype(np.float32))
        marks, groups = rng.random((len(owners), 20)) < 0.12, [f"p{i}" for i in owners]
        profile = ProfileLearner(clusterings=1).learn(vectors, marks, groups)
        shown += bool(associations(profile, [str(i) for i in range(20)], vectors, marks, groups))
    assert shown <= 2


def test_it_comes_back_from_its_arrays_and_damaged_ones_are_refused(learnt):
    profile, vectors, *_ = learnt
    arrays = dict(profile.arrays())
    back = ClusterProfile.restore(arrays)
    assert np.array_equal(back.project(vectors[3]), profile.project(vectors[3]))
    np.testing.assert_allclose(profile.project_all(vectors[:4])[3], profile.project(vectors[3]), atol=1e-5)
    for name in ("centres", "log_odds", "matrix"):
        with pytest.raises(IndexFolderError):
            ClusterProfile.restore({key: array for key, array in arrays.items() if key != name})
    with pytest.raises(IndexFolderError, match="damaged"):
        ClusterProfile.restore({**arrays, "centres": arrays["centres"][:, :2]})


def test_an_empty_vector_has_no_terms(learnt):
    assert not learnt[0].project(np.zeros(8, dtype=np.float32)).any()


def test_too_few_images_and_settings_that_make_no_sense_are_refused():
    vectors, marks, groups = drawn(18)
    with pytest.raises(FitError, match="18 images"):
        ProfileLearner().learn(vectors, marks, groups)
    for settings in ({"clusters": 1}, {"clusterings": 0}, {"shrinkage": 0.0}, {"seed": -1}):
        with pytest.raises(SettingError, match=next(iter(settings))):
            ProfileLearner(**settings)
