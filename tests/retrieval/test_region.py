"""Regions: the pixels of a polygon are those whose centre is inside, wherever its corners are."""

import numpy as np
import pytest

from retrieval.region import Region

SHAPE = (40, 60)


def centres_inside(polygon):
    """Return the same by the even-odd rule at each centre, bool (rows, cols)."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return Region((polygon,)).contains(rows.ravel(), cols.ravel()).reshape(SHAPE)


@pytest.mark.parametrize("far", [1e3, 1e6, 1e7, 1e9, 1e12])
def test_corners_may_be_anywhere(far):
    stripe = np.array([(10, 5), (10, far), (20, far), (20, 5)], dtype=np.float64)
    expected = np.zeros(SHAPE, dtype=bool)
    expected[10:20, 5:] = True
    assert np.array_equal(Region((stripe,)).mask(SHAPE), expected)
    everything = far * np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)], dtype=np.float64)
    assert Region((everything,)).mask(SHAPE).all()


def test_polygons_that_leave_the_picture_hold_the_right_pixels_along_its_sides():
    random = np.random.default_rng(0)
    for _ in range(300):
        polygon = random.uniform(-30, 90, (random.integers(3, 8), 2))
        assert np.array_equal(Region((polygon,)).mask(SHAPE), centres_inside(polygon))
