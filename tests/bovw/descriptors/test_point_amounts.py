"""Amounts of points: what each counts for in a bag."""

import numpy as np
import pytest

from bovw.descriptors.point_amounts import UNIT, gradients, point_amounts
from bovw.keypoints import Keypoints


def slopes():
    """Return an image whose halves rise by 0.001 and 0.004 a column, and a point in the middle of each."""
    steps = np.concatenate([np.full(100, 0.001), np.full(100, 0.004)])
    image = np.tile(np.cumsum(steps), (100, 1)).astype(np.float32)
    return image, Keypoints.of([50, 50], [40, 160], 3.0, [0.0, 1.0])


def test_the_gradient_of_a_slope_is_its_rise_whatever_the_turn_of_the_frame():
    assert gradients(*slopes()) == pytest.approx([0.001, 0.004], rel=0.01)


def test_amounts_are_roots_of_shares_of_the_mean_in_whole_sixteenths():
    # Shares of the mean 0.4 and 1.6.
    assert point_amounts(*slopes(), "gradient").tolist() == [10, 20]
    strong = Keypoints.of([1, 2, 3, 4], [1, 2, 3, 4], 1.0, 0.0, [0.0, 1.0, 1.0, 2.0])
    assert point_amounts(np.zeros((9, 9), np.float32), strong, "strength").tolist() == [0, 16, 16, 23]


def test_contrast_and_brightness_change_no_amount():
    image, points = slopes()
    for other in (0.5 * image, image + 0.2, 1 - image):
        assert point_amounts(other, points, "gradient").tolist() == [10, 20]


def test_without_any_gradient_all_points_count_alike_and_no_point_has_no_amount():
    flat = np.full((50, 50), 0.5, np.float32)
    assert point_amounts(flat, Keypoints.of([9, 20], [9, 20], 2.0), "gradient").tolist() == [UNIT, UNIT]
    assert point_amounts(flat, Keypoints.empty(), "strength").shape == (0,)


def test_one_edge_among_blanks_is_bounded():
    strengths = np.zeros(400)
    strengths[7] = 1
    points = Keypoints.of(np.arange(400), np.arange(400), 1.0, 0.0, strengths)
    amounts = point_amounts(np.zeros((400, 400), np.float32), points, "strength")
    assert amounts.max() * len(points) < 2**16
