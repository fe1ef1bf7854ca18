import cv2
import numpy as np
import pytest
from support.images import as_float, texture_of_all_sizes

from bovw.descriptors import FineSift
from bovw.keypoints import Keypoints
from retrieval.errors import PictureError, SettingError

AS_OPENCV = FineSift(gradient_sigma=float(np.sqrt(1.6**2 - 0.5**2)), root=False)
"""OpenCV blurs a picture to 1.6 pixels before it reads the pixels of a keypoint without an octave."""


def opencv_sift(pixels, keypoints):
    """Describe by OpenCV with octaves unset, as keypoints of no detector are commonly described."""
    points = [
        cv2.KeyPoint(float(col), float(row), float(2 * scale), float(np.degrees(angle)))
        for row, col, scale, angle in zip(
            keypoints.rows, keypoints.cols, keypoints.scales, keypoints.orientations, strict=True
        )
    ]
    described, descriptors = cv2.SIFT_create().compute(pixels, points)
    assert len(described) == len(keypoints)
    return descriptors.astype(np.float32)


def cosines(a, b):
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def frames(n, rows, cols, scale, upright, margin=0.0, seed=0):
    rng = np.random.default_rng(seed)
    angles = np.zeros(n) if upright else rng.uniform(0, 2 * np.pi, n)
    inside = rng.uniform(margin, rows - 1 - margin, n), rng.uniform(margin, cols - 1 - margin, n)
    return Keypoints.of(*inside, scale, angles)


@pytest.mark.parametrize(("upright", "least"), [(True, 0.99), (False, 0.97)])
@pytest.mark.parametrize("size", [3, 8, 12, 20, 31, 40])
def test_it_agrees_with_opencv_where_octaves_are_unset(size, upright, least):
    pixels = texture_of_all_sizes(300, 400)
    points = frames(200, 300, 400, size / 2, upright)
    agreement = cosines(AS_OPENCV.describe(as_float(pixels), points), opencv_sift(pixels, points))
    assert agreement.mean() > least
    assert agreement.min() > 0.9


@pytest.mark.parametrize("scale", [1.0, 2.5, 4.0, 9.0, 21.0])
def test_no_orientation_and_next_to_none_agree(scale):
    # Upright and turned frames are pooled by different kernels.
    image, points = as_float(texture_of_all_sizes(200, 230)), frames(100, 200, 230, scale, upright=True)
    turned = Keypoints.of(points.rows, points.cols, points.scales, 1e-6)
    np.testing.assert_allclose(
        FineSift().describe(image, turned), FineSift().describe(image, points), atol=1e-3
    )


def test_every_frame_is_described_as_if_it_were_alone():
    image, rng = as_float(texture_of_all_sizes(150, 170)), np.random.default_rng(1)
    points = Keypoints.of(
        rng.uniform(0, 149, 60), rng.uniform(0, 169, 60), np.exp(rng.uniform(0, 4, 60)), rng.uniform(0, 6, 60)
    )
    described = FineSift().describe(image, points)
    alone = np.concatenate([FineSift().describe(image, points[i : i + 1]) for i in range(60)])
    assert np.array_equal(described, alone)
    assert np.array_equal(described[::-1], FineSift().describe(image, points[np.arange(60)[::-1]]))


def test_upright_frames_beside_turned_ones_stay_the_same():
    image, points = as_float(texture_of_all_sizes(150, 170)), frames(40, 150, 170, 6, upright=True)
    mixed = Keypoints.of(points.rows, points.cols, points.scales, np.arange(40) % 2)
    described = FineSift().describe(image, mixed)[::2]
    np.testing.assert_allclose(described, FineSift().describe(image, points)[::2], atol=1e-4)


def test_rootsift_is_the_square_root_of_sift_after_l1():
    image, points = as_float(texture_of_all_sizes(100, 100)), frames(20, 100, 100, 5, upright=False)
    sift = FineSift(root=False).describe(image, points)
    expected = np.sqrt(sift / sift.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(FineSift(root=True).describe(image, points), expected, atol=1e-6)


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("scale", [0.3, 1.5, 3.0, 12.0, 60.0])
def test_descriptors_have_unit_length_and_no_negative_value(root, scale):
    image, points = as_float(texture_of_all_sizes(100, 100)), frames(20, 100, 100, scale, upright=False)
    described = FineSift(root=root).describe(image, points)
    assert described.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(described, axis=1), 1, atol=1e-5)
    assert described.min() >= 0


@pytest.mark.parametrize("scale", [2.0, 5.0, 11.0])
@pytest.mark.parametrize(
    ("angle", "direction"), [(0, 0), (np.pi / 4, 1), (np.pi / 2, 2), (np.pi, 4), (7 * np.pi / 4, 7)]
)
def test_directions_turn_anticlockwise_against_the_frame(scale, angle, direction):
    ramp = np.tile(np.linspace(0, 1, 301, dtype=np.float32), (301, 1))
    described = FineSift(root=False).describe(ramp, Keypoints.of(150, 150, scale, angle))[0].reshape(16, 8)
    # All gradients have one direction of eight, and all cells are clipped, but for the corners, just below.
    np.testing.assert_allclose(described[:, direction], 0.25, atol=0.015)
    assert described.sum(axis=0).argmax() == direction


def test_cells_are_ordered_row_by_row():
    image = np.full((201, 201), 0.5, np.float32)
    image[100 - 15, 100 + 5] = 1  # at (−1.25, 0.42) cells from the middle: nearest to cell (0, 2)
    described = FineSift().describe(image, Keypoints.of(100, 100, 4))[0]
    assert described.reshape(4, 4, 8).sum(axis=2).argmax() == 2


@pytest.mark.parametrize("scale", [1.3, 2.5, 5.0, 10.0, 20.0])
@pytest.mark.parametrize("upright", [True, False])
def test_a_quarter_turn_of_picture_and_frames_changes_nothing(scale, upright):
    n = 256  # so that every level's grid falls on itself
    image, points = as_float(texture_of_all_sizes(n, n)), frames(100, n, n, scale, upright)
    turned = Keypoints.of(
        n - 1 - points.cols, points.rows, points.scales, (points.orientations - np.pi / 2) % (2 * np.pi)
    )
    sift = FineSift()
    assert cosines(sift.describe(image, points), sift.describe(np.rot90(image), turned)).min() > 0.999


def test_a_turn_by_any_angle_changes_little():
    image, angle = cv2.GaussianBlur(as_float(texture_of_all_sizes(301, 301)), (0, 0), 1), 0.6
    turn = cv2.getRotationMatrix2D((150, 150), -np.degrees(angle), 1)  # clockwise on the screen
    rotated = cv2.warpAffine(image, turn, (301, 301), flags=cv2.INTER_CUBIC)
    points = frames(50, 301, 301, 4, upright=False, margin=110)
    cols, rows = turn @ np.stack([points.cols, points.rows, np.ones(50, np.float32)])
    turned = Keypoints.of(rows, cols, points.scales, points.orientations + angle)
    assert cosines(FineSift().describe(image, points), FineSift().describe(rotated, turned)).mean() > 0.98


@pytest.mark.parametrize("scale", [2.0, 4.0, 11.0])
def test_a_full_turn_of_the_frames_changes_nothing(scale):
    image, points = as_float(texture_of_all_sizes(120, 120)), frames(50, 120, 120, scale, upright=False)
    again = Keypoints.of(points.rows, points.cols, points.scales, points.orientations - 2 * np.pi)
    np.testing.assert_allclose(
        FineSift().describe(image, again), FineSift().describe(image, points), atol=2e-3
    )


@pytest.mark.parametrize("scale", [2.0, 4.0, 11.0])
def test_brightness_and_contrast_change_nothing(scale):
    image, points = as_float(texture_of_all_sizes(120, 120)), frames(50, 120, 120, scale, upright=False)
    changed = FineSift().describe(image * np.float32(0.3) + np.float32(0.5), points)
    np.testing.assert_allclose(changed, FineSift().describe(image, points), atol=2e-3)


@pytest.mark.parametrize("scale", [2.0, 5.0, 12.0])
def test_a_shifted_picture_gives_the_same_inside(scale):
    image = as_float(texture_of_all_sizes(400, 400))
    points = frames(30, 400, 400, scale, upright=True, margin=180)
    moved = Keypoints.of(points.rows - 32, points.cols - 16, points.scales)
    shifted = FineSift().describe(np.ascontiguousarray(image[32:, 16:]), moved)
    np.testing.assert_allclose(shifted, FineSift().describe(image, points), atol=1e-4)


@pytest.mark.parametrize("grey", [0.0, 0.1, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(64, 64), (31, 200), (5, 5), (1, 1)])
def test_a_constant_picture_gives_zeros(grey, shape):
    image = np.full(shape, grey, np.float32)
    for scale in (1, 3, 10):
        assert not FineSift().describe(image, frames(20, *shape, scale, upright=False)).any()
        assert not FineSift(0.7).describe(image, frames(20, *shape, scale, upright=True)).any()


def test_a_frame_that_sees_no_structure_is_zero_beside_one_that_does():
    image = np.full((200, 200), 0.4, np.float32)
    image[20:40, 20:40] = 0.9
    described = FineSift().describe(image, Keypoints.of([30, 150], [30, 150], 3))
    assert described[0].any()
    assert not described[1].any()


@pytest.mark.parametrize("angle", [0.0, 0.5])
@pytest.mark.parametrize("scale", [2.0, 5.0, 12.0])
def test_a_frame_wholly_outside_is_zero(scale, angle):
    points = Keypoints.of([-500, 20, 600, 1e9, -1e9], [20, 900, 600, 1e9, 1e9], scale, angle)
    assert not FineSift().describe(as_float(texture_of_all_sizes(100, 100)), points).any()


@pytest.mark.parametrize("angle", [0.0, 1e-6])
@pytest.mark.parametrize("scale", [2.0, 4.0, 9.0])
def test_cells_outside_the_picture_are_empty(scale, angle):
    image = as_float(texture_of_all_sizes(200, 200))
    described = FineSift().describe(image, Keypoints.of(0, 100, scale, angle))[0]
    cells = described.reshape(4, 4, 8).sum(axis=2)
    assert not cells[0].any()
    assert (cells[2:] > 0).all()


def test_no_keypoints_give_no_rows():
    assert FineSift().describe(as_float(texture_of_all_sizes(20, 20)), Keypoints.empty()).shape == (0, 128)


@pytest.mark.parametrize("shape", [(1, 1), (1, 10000), (10000, 1), (3, 2), (17, 31)])
@pytest.mark.parametrize("upright", [True, False])
def test_pictures_of_odd_shapes_are_described(shape, upright):
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    for scale in (0.01, 1, 7, 50, 1e4):
        described = FineSift().describe(image, frames(20, *shape, scale, upright))
        assert described.shape == (20, 128)
        assert np.isfinite(described).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e6, 1e30])
@pytest.mark.parametrize("angle", [0.0, 1.0])
def test_absurd_scales_stay_finite(scale, angle):
    described = FineSift().describe(
        as_float(texture_of_all_sizes(50, 60)), Keypoints.of([20, 25.5], [30, 31], scale, angle)
    )
    assert np.isfinite(described).all()


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_keypoint_that_is_not_finite_is_refused(column, value):
    columns = [10.0, 10.0, 4.0, 0.0]
    columns[column] = value
    with pytest.raises(ValueError, match="finite"):
        FineSift().describe(as_float(texture_of_all_sizes(20, 20)), Keypoints.of(*columns))


def test_twice_gives_the_same_and_the_callers_arrays_are_unchanged():
    image, points = as_float(texture_of_all_sizes(90, 110)), frames(50, 90, 110, 4, upright=False)
    image.flags.writeable = False
    before = image.copy(), points.rows.copy(), points.scales.copy(), points.orientations.copy()
    first, second = (FineSift().describe(image, points) for _ in range(2))
    assert np.array_equal(first, second)
    after = image, points.rows, points.scales, points.orientations
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_colour_picture_is_refused():
    with pytest.raises(PictureError, match="grey"):
        FineSift().describe(np.zeros((9, 9, 3), np.float32), Keypoints.of(3, 3, 3))


@pytest.mark.parametrize("sigma", [-1, 16.5, np.nan])
def test_a_bad_sigma_is_refused(sigma):
    with pytest.raises(SettingError, match="gradient_sigma"):
        FineSift(gradient_sigma=sigma)
