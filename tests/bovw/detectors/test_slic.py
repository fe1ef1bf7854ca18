import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data, segmentation
from support.images import smooth_texture

from bovw.detectors.connectivity import connect
from bovw.detectors.slic import slic
from retrieval.errors import SettingError


def explained(image, labels):
    n = np.bincount(labels.ravel())
    means = np.bincount(labels.ravel(), image.ravel()) / n
    return 1 - ((image - means[labels]) ** 2).sum() / ((image - image.mean()) ** 2).sum()


def assert_connected(labels):
    present = np.unique(labels[labels >= 0])
    assert np.array_equal(present, np.arange(len(present)))
    for k in present:
        assert ndimage.label(labels == k)[1] == 1


def test_squares_of_different_grey_are_found_exactly():
    grey = np.random.default_rng(1).permutation(36).reshape(6, 6) / 36
    image = np.kron(grey, np.ones((10, 10))).astype(np.float32)
    expected = np.kron(np.arange(36).reshape(6, 6), np.ones((10, 10), int))
    found = slic(image, 36, compactness=0.01)
    assert len({*zip(found.ravel(), expected.ravel(), strict=True)}) == 36


def test_borders_follow_the_edge_of_a_disc():
    r, c = np.indices((120, 120))
    disc = (r - 61.0) ** 2 + (c - 57.0) ** 2 < 40**2
    labels = slic(disc.astype(np.float32), 60, compactness=0.1)
    shares = np.bincount(labels.ravel(), disc.ravel()) / np.bincount(labels.ravel())
    assert ((shares < 0.02) | (shares > 0.98)).all()


@pytest.mark.parametrize("shape", [(128, 128), (90, 210), (211, 64), (1, 500), (500, 1)])
@pytest.mark.parametrize("compactness", [0.02, 0.2])
def test_regions_are_connected_numbered_and_about_as_many_as_wanted(shape, compactness):
    labels = slic(smooth_texture(shape), 50, compactness)
    assert labels.dtype == np.int32 and labels.shape == shape
    assert_connected(labels)
    assert 40 <= labels.max() + 1 <= 75


def test_as_much_is_explained_as_by_scikit_image():
    image = (data.camera()[::2, ::2] / 255).astype(np.float32)
    theirs = segmentation.slic(image, 150, compactness=0.1, channel_axis=None, start_label=0)
    ours = slic(image, int(theirs.max()) + 1, compactness=0.1)
    assert explained(image, ours) > explained(image, theirs) - 0.01


def test_a_mask_is_covered_and_nothing_else():
    r, c = np.indices((100, 150))
    mask = ((r - 50) / 45) ** 2 + ((c - 60) / 50) ** 2 < 1
    mask[5:10, 130:145] = True
    labels = slic(smooth_texture((100, 150)), 40, mask=mask)
    assert np.array_equal(labels >= 0, mask)
    assert_connected(labels)


def test_an_empty_mask_has_no_regions():
    assert (slic(smooth_texture((20, 20)), 5, mask=np.zeros((20, 20), bool)) == -1).all()


def test_a_constant_picture_is_cut_into_the_plain_grid():
    labels = slic(np.full((24, 24), 0.5, np.float32), 16)
    assert np.array_equal(np.bincount(labels.ravel()), np.full(16, 36))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 10000), (3, 1)])
def test_the_smallest_and_the_thinnest_pictures_are_cut_up(shape):
    labels = slic(smooth_texture((2, 2)) if shape == (1, 1) else smooth_texture(shape), 400)
    assert_connected(labels)


def test_the_same_picture_gives_the_same_regions_in_any_memory_order_and_stays_as_it_was():
    image = smooth_texture((80, 96))
    before = image.copy()
    first = slic(image, 30)
    assert np.array_equal(first, slic(np.asfortranarray(image), 30))
    assert np.array_equal(first, slic(np.flip(np.flip(image).copy()), 30))
    assert np.array_equal(image, before)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.integers(-1, 3), st.floats(0, 8))
def test_any_labels_become_connected_regions(seed, rows, cols, lowest, smallest):
    rng = np.random.default_rng(seed)
    labels = rng.integers(lowest, 4, (rows, cols)).astype(np.int32)
    inside = labels >= 0
    n = connect(rng.random((rows, cols), dtype=np.float32), labels, smallest)
    assert np.array_equal(labels >= 0, inside)
    assert_connected(labels)
    assert n == labels.max() + 1
    alone = {k for k in range(n) if not has_neighbour(labels, k)}
    assert all((labels == k).sum() >= smallest for k in range(n) if k not in alone)


def has_neighbour(labels, k):
    around = ndimage.binary_dilation(labels == k) & (labels != k) & (labels >= 0)
    return bool(around.any())


def test_a_small_piece_goes_to_the_neighbour_nearest_in_grey():
    labels = np.array([[0, 0, 1, 2, 2]], np.int32)
    image = np.array([[0, 0, 0.7, 1, 1]], np.float32)
    assert connect(image, labels, 2) == 2
    assert labels.tolist() == [[0, 0, 1, 1, 1]]


@pytest.mark.parametrize("wrong", [{"n_regions": 0}, {"compactness": 0}, {"iterations": 0}])
def test_settings_without_sense_are_refused(wrong):
    with pytest.raises(SettingError, match="slic"):
        slic(smooth_texture((9, 9)), **{"n_regions": 4, **wrong})
