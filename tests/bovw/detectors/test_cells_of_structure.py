"""Cells of structure, and what else superpixels may follow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from bovw.detectors import Superpixel
from bovw.detectors.cells_of_structure import FLOOR, cut_by_structure


@pytest.fixture(scope="module")
def image():
    return (data.camera()[::2, ::2] / 255).astype(np.float32)


def test_cells_of_a_flat_image_are_a_grid():
    labels = cut_by_structure(np.full((64, 64), 0.5, np.float32), np.ones((64, 64), bool), 16)
    assert np.bincount(labels.ravel()).tolist() == [256] * 16


def test_a_textured_quarter_gets_most_of_the_cells():
    image = np.full((80, 80), 0.5, np.float32)
    image[:40, :40] = np.random.default_rng(0).random((40, 40))
    labels = cut_by_structure(image, np.ones(image.shape, bool), 100)
    assert len(np.unique(labels)) == 100
    n_within = len(np.unique(labels[:40, :40]))
    # The quarter holds nearly all of the gradient, and a quarter of what is spread evenly.
    assert n_within / 100 == pytest.approx((1 + FLOOR / 4) / (1 + FLOOR), abs=0.08)


@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_cells_cover_a_mask_once_and_nothing_else(n, rows, cols, seed):
    random = np.random.default_rng(seed)
    image, inside = (
        random.random((rows, cols), dtype=np.float32),
        random.random((rows, cols)) < random.random(),
    )
    labels = cut_by_structure(image, inside, n)
    assert ((labels >= 0) == inside).all()
    found = np.unique(labels[inside])
    assert found.tolist() == list(range(len(found)))
    assert len(found) <= n


def test_points_gather_where_there_is_structure(image):
    # The cameraman's upper left is sky.
    even, gathered = (Superpixel(density=density).detect(image) for density in ("even", "structure"))
    assert len(gathered) == len(even) == 400
    n_sky = [int(((found.rows < 60) & (found.cols < 60)).sum()) for found in (even, gathered)]
    assert n_sky[1] < 0.7 * n_sky[0]


def test_contrast_moves_no_cell(image):
    inside = np.ones(image.shape, bool)
    assert np.array_equal(cut_by_structure(image, inside, 50), cut_by_structure(image * 0.5, inside, 50))


def test_a_median_takes_specks_away_before_the_clustering():
    image = np.full((60, 60), 0.4, np.float32)
    image[:, 30:] = 0.6
    specks = image.copy()
    specks[7::11, 5::9] = 1
    clean = Superpixel(points=16).regions(image)
    assert np.array_equal(Superpixel(points=16, median=3).regions(specks), clean)
    assert not np.array_equal(Superpixel(points=16).regions(specks), clean)
