import cv2
import numpy as np
import pytest
from support.images import as_float, texture_of_all_sizes

from bovw.descriptors import RootSift
from bovw.keypoints import Keypoints
from bovw.scale_space import Pyramid
from retrieval.errors import SettingError


def opencv_sift(pixels, keypoints):
    """Describe by OpenCV at the octave and layer of its pyramid that suit each frame."""
    points = []
    for row, col, scale, angle in zip(
        keypoints.rows, keypoints.cols, keypoints.scales, keypoints.orientations, strict=True
    ):
        octave = int(np.floor(np.log2(scale / 1.6)))
        layer = round(3 * np.log2(scale / 1.6 / 2.0**octave))
        packed = (octave & 255) | (layer << 8)
        points.append(cv2.KeyPoint(float(col), float(row), float(2 * scale), np.degrees(angle), 1.0, packed))
    described, descriptors = cv2.SIFT_create().compute(pixels, points)
    assert len(described) == len(keypoints)
    return descriptors.astype(np.float32)


def cosines(a, b):
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def frames(n, rows, cols, scale, upright, margin=0.0):
    rng = np.random.default_rng(int(scale * 10))
    angles = np.zeros(n) if upright else rng.uniform(0, 2 * np.pi, n)
    inside = rng.uniform(margin, rows - 1 - margin, n), rng.uniform(margin, cols - 1 - margin, n)
    return Keypoints.of(*inside, scale, angles)


@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize("scale", [1.7, 2.9, 6.0, 12.5, 30.0])
def test_it_agrees_with_opencv(scale, upright):
    pixels = texture_of_all_sizes(300, 400)
    points = frames(200, 300, 400, scale, upright)
    agreement = cosines(RootSift(root=False).describe(as_float(pixels), points), opencv_sift(pixels, points))
    assert agreement.mean() > 0.99
    assert agreement.min() > 0.9


@pytest.mark.parametrize("scale", [0.8, 1.1, 1.5])
def test_it_agrees_with_opencv_below_the_size_of_a_pixel_too(scale):
    pixels = texture_of_all_sizes(200, 200)
    points = frames(200, 200, 200, scale, upright=True)
    agreement = cosines(RootSift(root=False).describe(as_float(pixels), points), opencv_sift(pixels, points))
    assert agreement.mean() > 0.98


def test_rootsift_is_the_square_root_of_sift_after_l1():
    image, points = as_float(texture_of_all_sizes(100, 100)), frames(20, 100, 100, 5, upright=False)
    sift = RootSift(root=False).describe(image, points)
    expected = np.sqrt(sift / sift.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(RootSift().describe(image, points), expected, atol=1e-6)


@pytest.mark.parametrize("root", [True, False])
def test_descriptors_have_unit_length_and_no_negative_value(root):
    image, points = as_float(texture_of_all_sizes(100, 100)), frames(20, 100, 100, 3, upright=False)
    described = RootSift(root=root).describe(image, points)
    np.testing.assert_allclose(np.linalg.norm(described, axis=1), 1, atol=1e-5)
    assert described.min() >= 0


def test_plain_sift_keeps_no_value_far_above_the_clip():
    ramp = np.tile(np.linspace(0, 1, 101, dtype=np.float32), (101, 1))
    described = RootSift(root=False).describe(ramp, Keypoints.of(50, 50, 2))[0].reshape(16, 8)
    # All gradients have one direction of eight. Unclipped, the window would make inner cells far larger.
    np.testing.assert_allclose(described[:, 0], 0.25, atol=0.01)
    np.testing.assert_allclose(described[:, 1:], 0, atol=1e-3)


@pytest.mark.parametrize(("angle", "direction"), [(0.0, 0), (np.pi / 4, 1), (np.pi / 2, 2), (np.pi, 4)])
def test_directions_turn_anticlockwise_against_the_frame(angle, direction):
    # The picture rises to the right, which is anticlockwise of the axis of a frame turned clockwise.
    ramp = np.tile(np.linspace(0, 1, 101, dtype=np.float32), (101, 1))
    described = RootSift(root=False).describe(ramp, Keypoints.of(50, 50, 2, angle))[0]
    assert described.reshape(16, 8).sum(axis=0).argmax() == direction


@pytest.mark.parametrize("scale", [1.3, 2.5, 5.0, 8.0])
def test_a_quarter_turn_of_picture_and_frames_changes_nothing(scale):
    n = 257  # so that every octave's grid falls on itself
    image, points = as_float(texture_of_all_sizes(n, n)), frames(100, n, n, scale, upright=False)
    turned = Keypoints.of(
        n - 1 - points.cols, points.rows, points.scales, (points.orientations - np.pi / 2) % (2 * np.pi)
    )
    sift = RootSift()
    assert cosines(sift.describe(image, points), sift.describe(np.rot90(image), turned)).min() > 0.999


def test_a_turn_by_any_angle_changes_little():
    image, angle = as_float(texture_of_all_sizes(301, 301)), 0.6
    turn = cv2.getRotationMatrix2D((150, 150), -np.degrees(angle), 1)  # clockwise on the screen
    rotated = cv2.warpAffine(image, turn, (301, 301), flags=cv2.INTER_CUBIC)
    points = frames(50, 301, 301, 4, upright=False, margin=110)
    cols, rows = turn @ np.stack([points.cols, points.rows, np.ones(50, np.float32)])
    turned = Keypoints.of(rows, cols, points.scales, points.orientations + angle)
    sift = RootSift()
    assert cosines(sift.describe(image, points), sift.describe(rotated, turned)).mean() > 0.99


def test_brightness_and_contrast_change_nothing():
    image, points = as_float(texture_of_all_sizes(120, 120)), frames(50, 120, 120, 4, upright=False)
    sift = RootSift()
    changed = sift.describe(image * np.float32(0.3) + np.float32(0.5), points)
    np.testing.assert_allclose(changed, sift.describe(image, points), atol=2e-3)


def test_a_shifted_picture_gives_the_same_inside():
    image = as_float(texture_of_all_sizes(300, 300))
    points = frames(50, 300, 300, 5, upright=False, margin=110)
    moved = Keypoints.of(points.rows - 32, points.cols - 16, points.scales, points.orientations)
    sift = RootSift()
    np.testing.assert_allclose(
        sift.describe(np.ascontiguousarray(image[32:, 16:]), moved), sift.describe(image, points), atol=1e-4
    )


def test_an_enlarged_picture_with_enlarged_frames_changes_little():
    image = cv2.GaussianBlur(as_float(texture_of_all_sizes(150, 150)), (0, 0), 1.5)
    twice = cv2.resize(image, (300, 300), interpolation=cv2.INTER_CUBIC)
    points = frames(50, 150, 150, 5, upright=False, margin=10)
    sift = RootSift()
    assert cosines(sift.describe(image, points), sift.describe(twice, points.rescaled(2))).mean() > 0.99


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(64, 64), (31, 200), (5, 5)])
def test_a_constant_picture_gives_zeros(level, shape):
    points = frames(50, *shape, scale=3, upright=False)
    assert not RootSift().describe(np.full(shape, level, np.float32), points).any()


def test_a_frame_that_sees_no_structure_is_zero_beside_one_that_does():
    image = np.full((200, 200), 0.4, np.float32)
    image[20:40, 20:40] = 0.9
    described = RootSift().describe(image, Keypoints.of([30, 150], [30, 150], 3))
    assert described[0].any()
    assert not described[1].any()


def test_a_frame_wholly_outside_is_zero():
    points = Keypoints.of([-500, 20, 600], [20, 900, 600], 5)
    assert not RootSift().describe(as_float(texture_of_all_sizes(100, 100)), points).any()


def test_cells_outside_the_picture_are_empty():
    image = as_float(texture_of_all_sizes(100, 100))
    described = RootSift(root=False).describe(image, Keypoints.of(0, 50, 4))[0]
    cells = described.reshape(4, 4, 8).sum(axis=2)
    assert not cells[0].any()
    assert (cells[2:] > 0).all()


def test_faint_structure_still_counts():
    image = np.float32(0.5) + np.float32(0.002) * as_float(texture_of_all_sizes(100, 100))
    described = RootSift().describe(image, frames(20, 100, 100, 4, upright=True))
    np.testing.assert_allclose(np.linalg.norm(described, axis=1), 1, atol=1e-5)


def test_a_shared_pyramid_gives_the_same():
    image, points = as_float(texture_of_all_sizes(100, 130)), frames(30, 100, 130, 4, upright=False)
    pyramid = Pyramid(image)
    assert np.array_equal(RootSift().describe(pyramid, points), RootSift().describe(image, points))
    assert np.array_equal(RootSift().describe(pyramid, points), RootSift().describe(image, points))


@pytest.mark.parametrize("samples", [0, 9, 65])
def test_a_bad_number_of_samples_is_refused(samples):
    with pytest.raises(SettingError, match=f"not {samples}"):
        RootSift(samples=samples)
