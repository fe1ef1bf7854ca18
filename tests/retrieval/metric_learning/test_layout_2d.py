"""Facts about the plane: where vectors of many dimensions are laid out."""

import numpy as np
import pytest

from retrieval.errors import FitError, SettingError
from retrieval.metric_learning.layout_2d import METHODS, kernel_components, lay_out
from retrieval.representation import SparseVector


def groups(n=60, d=20, seed=0):
    """Return three far groups of vectors, float32 (n, d), and which is whose."""
    rng = np.random.default_rng(seed)
    own = np.arange(n) % 3
    return (5 * np.eye(d)[own] + 0.2 * rng.normal(size=(n, d))).astype(np.float32), own


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("method", METHODS)
def test_neighbours_lie_together_within_the_frame(method, kind):
    rows, own = groups()
    everything = np.arange(rows.shape[1], dtype=np.uint32)
    vectors = [SparseVector(everything, r, len(r)) if kind == "sparse" else r for r in rows]
    places = lay_out(vectors, method)
    assert places.shape == (60, 2)
    assert np.abs(places).max() == pytest.approx(1)
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (own[apart.argmin(axis=1)] == own).all()
    assert lay_out(vectors, method).tobytes() == places.tobytes()


def test_principal_components_are_those_of_the_singular_value_decomposition():
    rows, _ = groups()
    left, lengths, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    expected = left[:, :2] * lengths[:2]
    places = lay_out(list(rows), "pca")
    for column in range(2):
        assert abs(np.corrcoef(expected[:, column], places[:, column])[0, 1]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_pictures_that_are_all_alike_lie_in_one_place(method):
    places = lay_out([np.ones(5, np.float32)] * 6, method)
    assert np.ptp(places, axis=0).max() < 1e-6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [3, 4, 7])
def test_few_pictures_have_a_map(method, n):
    places = lay_out(list(np.random.default_rng(0).random((n, 4), np.float32)), method)
    assert np.isfinite(places).all()
    assert places.shape == (n, 2)


def test_what_makes_no_map_is_refused():
    rows = [np.ones(3, np.float32)] * 3
    with pytest.raises(FitError, match="2 images make no map"):
        lay_out(rows[:2], "pca")
    with pytest.raises(SettingError, match="one of pca, kernel-pca, tsne"):
        lay_out(rows, "umap")
    with pytest.raises(FitError, match="not finite"):
        lay_out([*rows, np.full(3, np.nan, np.float32)], "pca")


def test_kernel_components_of_equal_rows_are_finite():
    assert np.isfinite(kernel_components(np.ones((5, 3)), 2)).all()
