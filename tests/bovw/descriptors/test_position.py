import numpy as np
import pytest

from bovw.descriptors.position import append_position
from bovw.keypoints import Keypoints
from retrieval.errors import SettingError


def test_corners_are_at_plus_and_minus_the_weight():
    corners = Keypoints.of([-0.5, 9.5, 4.5], [-0.5, 19.5, 9.5], 1)
    appended = append_position(np.ones((3, 2), np.float32), corners, (10, 20), 0.5)
    assert appended.tolist() == [[1, 1, -0.5, -0.5], [1, 1, 0.5, 0.5], [1, 1, 0, 0]]
    assert appended.dtype == np.float32


def test_no_points_give_no_rows():
    appended = append_position(np.empty((0, 128), np.float32), Keypoints.empty(), (10, 10), 1.0)
    assert appended.shape == (0, 130)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_a_bad_weight_is_refused(weight):
    with pytest.raises(SettingError, match="weight"):
        append_position(np.empty((0, 2), np.float32), Keypoints.empty(), (1, 1), weight)
