import numpy as np
import pytest
from scipy import ndimage
from skimage import measure

from bovw.detectors.moments import Moments, contrasts, pull_inside
from bovw.detectors.split_regions import split_largest


def ellipse(shape, row, col, along_rows, along_cols):
    r, c = np.indices(shape)
    return np.where(((r - row) / along_rows) ** 2 + ((c - col) / along_cols) ** 2 <= 1, 0, -1).astype(
        np.int32
    )


def test_an_ellipse_gives_its_centre_and_its_axes():
    labels = ellipse((100, 140), 40, 70, 20, 50)
    moments = Moments.of(np.zeros(labels.shape, np.float32), labels, 1)
    assert (moments.rows[0], moments.cols[0]) == pytest.approx((40, 70))
    major, minor = moments.axes
    assert (2 * major[0], 2 * minor[0]) == pytest.approx((50, 20), rel=0.01)
    assert moments.angles[0] == pytest.approx(0)


def test_a_square_has_a_twelfth_of_its_area_as_variance():
    labels = np.zeros((8, 8), np.int32)
    moments = Moments.of(np.zeros((8, 8), np.float32), labels, 1)
    assert (moments.row_row[0], moments.col_col[0], moments.row_col[0]) == pytest.approx(
        (64 / 12, 64 / 12, 0)
    )


def test_moments_agree_with_scikit_image():
    rng = np.random.default_rng(3)
    labels = rng.integers(-1, 4, (30, 41)).astype(np.int32)
    image = rng.random(labels.shape, dtype=np.float32)
    moments = Moments.of(image, labels, 4)
    for k, region in enumerate(measure.regionprops(labels + 1, intensity_image=image)):
        assert (moments.rows[k], moments.cols[k]) == pytest.approx(region.centroid)
        assert moments.areas[k] == region.area
        assert moments.means[k] == pytest.approx(region.intensity_mean)
        assert moments.variances[k] == pytest.approx(image[labels == k].var(), rel=1e-4)
        # Their pixels are points, ours are squares.
        major = np.sqrt(moments.axes[0][k] ** 2 - 1 / 12)
        assert 4 * major == pytest.approx(region.axis_major_length, rel=1e-6)


def test_the_axis_points_to_the_bright_end_and_turns_with_the_picture():
    labels = ellipse((61, 61), 30, 30, 6, 25)
    image = np.tile(np.linspace(0, 1, 61, dtype=np.float32), (61, 1))
    # np.rot90 turns counter-clockwise, and angles are counted clockwise from columns towards rows.
    for turns, expected in enumerate([0, 1.5 * np.pi, np.pi, 0.5 * np.pi]):
        turned = np.ascontiguousarray(np.rot90(image, turns))
        moments = Moments.of(turned, np.ascontiguousarray(np.rot90(labels, turns)), 1)
        off = np.abs(moments.directions[0] - expected)
        assert min(off, 2 * np.pi - off) < 1e-5


def test_a_region_without_pixels_is_all_zero():
    moments = Moments.of(np.ones((3, 3), np.float32), np.zeros((3, 3), np.int32), 2)
    assert moments.areas[1] == moments.rows[1] == moments.row_row[1] == moments.variances[1] == 0


def test_contrast_is_the_difference_to_the_neighbours_along_the_border():
    labels = np.array([[0, 0, 1], [0, 0, 2], [-1, -1, 2]], np.int32)
    # 0 and 1 share one edge, 0 and 2 one, 1 and 2 one.
    assert contrasts(labels, np.array([0.0, 0.4, 1.0])) == pytest.approx([0.7, 0.5, 0.8])
    assert contrasts(np.zeros((2, 2), np.int32), np.array([0.3])) == [0]


def test_a_centre_outside_the_mask_moves_to_its_own_region():
    labels = np.full((9, 9), -1, np.int32)
    labels[0], labels[:, 0], labels[8] = 0, 0, 0
    moments = Moments.of(np.zeros((9, 9), np.float32), labels, 1)
    rows, cols = pull_inside(labels, moments.rows, moments.cols)
    assert labels[int(rows[0]), int(cols[0])] == 0
    assert (rows[0], cols[0]) == (4, 0)


def test_the_largest_region_is_halved_across_its_long_axis():
    labels = np.full((10, 31), 0, np.int32)
    labels[:, 30] = 1
    halved, moments = split_largest(np.zeros(labels.shape, np.float32), labels, 2, 3)
    assert moments.areas.tolist() == [150, 10, 150]
    assert np.unique(halved[:, :15]) == [0] and np.unique(halved[:, 15:30]) == [2]
    assert labels.max() == 1


def test_halving_stops_at_single_pixels():
    labels, moments = split_largest(np.zeros((3, 3), np.float32), np.zeros((3, 3), np.int32), 1, 50)
    assert sorted(moments.areas) == [1] * 9 and sorted(labels.ravel()) == list(range(9))


def test_halves_of_a_convex_region_are_connected():
    labels, _ = split_largest(np.zeros((40, 60), np.float32), np.zeros((40, 60), np.int32), 1, 13)
    assert all(ndimage.label(labels == k)[1] == 1 for k in range(13))
