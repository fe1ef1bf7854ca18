import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bovw.detectors.equal_area_grid import cut


def test_a_square_picture_gets_the_plain_grid():
    mask = np.ones((12, 12), dtype=bool)
    labels = cut(mask, 9).labels(mask)
    grid = np.arange(12) // 4
    assert np.array_equal(labels, grid[:, None] * 3 + grid)


@pytest.mark.parametrize("n", [1, 100, 400, 1600])
@pytest.mark.parametrize("shape", [(300, 700), (701, 299), (64, 64), (1, 10000)])
def test_there_are_exactly_as_many_cells_as_asked_for_and_they_are_about_equal(n, shape):
    mask = np.ones(shape, dtype=bool)
    areas = np.bincount(cut(mask, n).labels(mask).ravel(), minlength=n)
    assert len(areas) == n
    step = np.sqrt(mask.size / n)
    assert np.abs(areas - mask.size / n).max() <= 2 * step + mask.size / n * 0.25


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 30), st.integers(1, 50), st.floats(0, 1))
def test_cells_cover_the_mask_and_nothing_else(seed, rows, cols, n, share):
    mask = np.random.default_rng(seed).random((rows, cols)) < share
    cells = cut(mask, n)
    labels = cells.labels(mask)
    assert np.array_equal(labels >= 0, mask)
    assert labels.max() < cells.n <= n


def test_an_empty_mask_has_no_labels():
    mask = np.zeros((5, 6), dtype=bool)
    assert (cut(mask, 4).labels(mask) == -1).all()
