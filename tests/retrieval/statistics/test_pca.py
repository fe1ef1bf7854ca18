import numpy as np
import pytest
from sklearn.decomposition import PCA

from retrieval.errors import FitError, SettingError
from retrieval.statistics.pca import Pca


def sample(n=400, d=12, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + 5).astype(np.float32)


@pytest.mark.parametrize("whiten", [False, True])
def test_it_agrees_with_scikit_learn(whiten):
    x = sample()
    ours, theirs = Pca(5, whiten).fit(x), PCA(5, whiten=whiten, svd_solver="full").fit(x.astype(np.float64))
    np.testing.assert_allclose(ours.variances_, theirs.explained_variance_, rtol=1e-4)
    signs = np.sign((ours.components_ * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.transform(x), theirs.transform(x) * signs, atol=2e-3)


def test_the_one_direction_of_points_on_a_line():
    x = np.outer(np.arange(5.0), [3, -4])
    pca = Pca(1).fit(x)
    np.testing.assert_allclose(pca.components_, [[-0.6, 0.8]], atol=1e-6)
    np.testing.assert_allclose(pca.transform(x).ravel(), [10, 5, 0, -5, -10], atol=1e-5)


def test_components_are_orthonormal_with_a_positive_largest_value():
    components = Pca(8).fit(sample()).components_
    np.testing.assert_allclose(components @ components.T, np.eye(8), atol=1e-5)
    assert (components[np.arange(8), np.abs(components).argmax(axis=1)] > 0).all()


def test_whitened_components_have_unit_variance():
    x = sample()
    whitened = Pca(6, whiten=True).fit(x).transform(x)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(6), atol=1e-3)


def test_whitening_leaves_directions_without_variance_at_zero():
    x = sample(d=3) @ np.eye(3, 6, dtype=np.float32)
    whitened = Pca(6, whiten=True).fit(x).transform(x)
    assert np.isfinite(whitened).all()
    np.testing.assert_allclose(whitened[:, 3:], 0, atol=1e-5)


def test_equal_descriptors_give_zeros():
    x = np.full((10, 4), 0.3, np.float32)
    np.testing.assert_allclose(Pca(2, whiten=True).fit(x).transform(x), 0, atol=1e-6)


def test_fitting_twice_equals_fitting_once():
    pca = Pca(4).fit(sample(seed=1)).fit(sample())
    assert np.array_equal(pca.components_, Pca(4).fit(sample()).components_)


def test_no_more_components_than_dimensions():
    assert Pca(100).fit(sample(d=7)).transform(sample(d=7)).shape == (400, 7)


def test_many_rows_are_learnt_from_in_chunks():
    x = sample(n=40_000, d=4)
    np.testing.assert_allclose(
        Pca(4).fit(x).variances_, np.linalg.eigvalsh(np.cov(x.T.astype(np.float64)))[::-1], rtol=1e-4
    )


def test_half_precision_is_taken():
    pca = Pca(2).fit(sample().astype(np.float16))
    assert pca.transform(sample().astype(np.float16)).dtype == np.float32


def test_no_rows_give_no_rows():
    assert Pca(3).fit(sample()).transform(np.empty((0, 12), np.float32)).shape == (0, 3)


@pytest.mark.parametrize("x", [np.zeros((1, 4)), np.zeros((0, 4)), np.zeros(4), np.full((5, 4), np.nan)])
def test_too_little_to_learn_from_is_refused(x):
    with pytest.raises(FitError):
        Pca(2).fit(x)


def test_a_bad_number_of_components_is_refused():
    with pytest.raises(SettingError, match="n_components"):
        Pca(0)


def test_half_whitening_lies_between_none_and_all() -> None:
    x = np.random.default_rng(3).normal(size=(500, 3)) * [9.0, 4.0, 1.0]
    deviations = [Pca(3, whiten=power).fit(x).transform(x).std(axis=0) for power in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(deviations[1] ** 2, deviations[0] * deviations[2], rtol=1e-3)
    np.testing.assert_allclose(deviations[2], 1, rtol=2e-3)


@pytest.mark.parametrize("power", [-0.1, 1.1, float("nan")])
def test_whitening_beyond_all_is_refused(power: float) -> None:
    with pytest.raises(SettingError, match="whiten must be from 0 to 1"):
        Pca(3, whiten=power)
