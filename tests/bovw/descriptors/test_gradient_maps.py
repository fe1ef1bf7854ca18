import cv2
import numpy as np
import pytest
from support.images import white_noise

from bovw.descriptors.gradient_maps import GradientMaps
from retrieval.errors import PictureError, SettingError


def shared(maps):
    """Share magnitudes between neighbouring directions, (rows, cols, 8), as a map of level 0 would."""
    lower = np.floor(maps.directions).astype(int)
    share = maps.directions - lower
    out = np.zeros((*maps.magnitudes.shape, 8), np.float64)
    places = np.indices(lower.shape)
    np.add.at(out, (*places, lower % 8), maps.magnitudes * (1 - share))
    np.add.at(out, (*places, (lower + 1) % 8), maps.magnitudes * share)
    return out


def halved(finer):
    rows, cols = finer.shape[0] % 2, finer.shape[1] % 2
    padded = np.pad(finer, ((0, rows), (0, cols), (0, 0)))
    return (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4


@pytest.mark.parametrize("shape", [(20, 30), (7, 5), (2, 2), (1, 9), (9, 1), (1, 1)])
def test_magnitude_and_direction_are_those_of_numpy(shape):
    image = white_noise(*shape)
    maps = GradientMaps.of(image, 0)
    padded = np.pad(image.astype(np.float64), 1, mode="edge")
    dx, dy = padded[1:-1, 2:] - padded[1:-1, :-2], padded[:-2, 1:-1] - padded[2:, 1:-1]
    np.testing.assert_allclose(maps.magnitudes, np.hypot(dx, dy), atol=1e-6)
    apart = np.abs(maps.directions - np.arctan2(dy, dx) * 4 / np.pi) % 8
    assert np.minimum(apart, 8 - apart).max() < 1e-3
    assert maps.directions.min() >= 0
    assert maps.directions.max() <= 8


@pytest.mark.parametrize(
    ("down", "right", "direction"),
    [(0, 1, 0), (-1, 1, 1), (-1, 0, 2), (-1, -1, 3), (0, -1, 4), (1, -1, 5), (1, 0, 6), (1, 1, 7)],
)
def test_directions_are_eighths_counter_clockwise_from_rising_columns(down, right, direction):
    rows, cols = np.indices((9, 9), np.float32)
    level = GradientMaps.of(0.01 * (down * rows + right * cols), 0).level(1)
    assert level[2, 2].argmax() == direction
    # Central differences are two pixels wide.
    np.testing.assert_allclose(level[2, 2, direction], 0.02 * np.hypot(down, right), rtol=2e-3)


@pytest.mark.parametrize("shape", [(64, 48), (37, 53), (1, 40), (3, 1), (1, 1)])
def test_each_level_is_the_mean_of_squares_of_the_one_before(shape):
    maps = GradientMaps.of(white_noise(*shape), 0.7)
    expected = shared(maps)
    for number in range(1, 8):
        expected = halved(expected)
        level = maps.level(number)
        assert level.dtype == np.float32
        assert level.flags.c_contiguous
        assert level.shape == expected.shape
        np.testing.assert_allclose(level, expected, atol=1e-6)


def test_a_level_does_not_depend_on_what_was_asked_for_before():
    image = white_noise(50, 70)
    maps = GradientMaps.of(image, 1)
    assert np.array_equal(maps.level(1), GradientMaps.of(image, 1).level(1))
    assert np.array_equal(maps.level(3), GradientMaps.of(image, 1).level(3))
    assert maps.level(2) is maps.level(2)


def test_all_magnitude_is_kept():
    maps = GradientMaps.of(white_noise(64, 64), 0)
    for number in (1, 2, 5):
        np.testing.assert_allclose(maps.level(number).sum() * 4**number, maps.magnitudes.sum(), rtol=1e-4)


def test_smoothing_comes_before_the_gradient():
    image = white_noise(40, 50)
    smooth = cv2.GaussianBlur(image, (0, 0), 1.5)
    assert np.array_equal(GradientMaps.of(image, 1.5).magnitudes, GradientMaps.of(smooth, 0).magnitudes)


@pytest.mark.parametrize("grey", [0.0, 0.1, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(64, 64), (33, 207), (5, 5), (1, 1)])
def test_a_constant_picture_has_no_gradient(grey, shape):
    for sigma in (0, 0.5, 0.7, 1.3, 4):
        maps = GradientMaps.of(np.full(shape, grey, np.float32), sigma)
        assert not maps.magnitudes.any()
        assert not maps.level(2).any()


def test_one_grey_level_of_sixteen_bits_is_a_gradient():
    image = np.full((9, 9), 0.5, np.float32)
    image[:, 5:] += np.float32(1 / 65535)
    assert GradientMaps.of(image, 0).magnitudes[4, 4] > 0


@pytest.mark.parametrize("shape", [(1, 10000), (10000, 1), (3, 10000)])
def test_long_thin_pictures_have_maps(shape):
    level = GradientMaps.of(white_noise(*shape), 0.7).level(4)
    assert level.shape == (-(-shape[0] // 16), -(-shape[1] // 16), 8)
    assert np.isfinite(level).all()
    assert level.any()


def test_the_picture_is_unchanged_and_may_lie_in_memory_in_any_order():
    image = white_noise(31, 45)
    image.flags.writeable = False
    before = image.copy()
    maps = GradientMaps.of(image, 0)
    assert np.array_equal(image, before)
    for other in (np.asfortranarray(image), np.repeat(image, 2, axis=1)[:, ::2], image.astype(np.float64)):
        assert np.array_equal(GradientMaps.of(other, 0).level(1), maps.level(1))


@pytest.mark.parametrize("shape", [(4, 4, 3), (4,), (0, 4), (4, 0)])
def test_what_is_no_grey_picture_is_refused(shape):
    with pytest.raises(PictureError, match="grey"):
        GradientMaps.of(np.zeros(shape, np.float32), 1)


@pytest.mark.parametrize("sigma", [-0.1, 17, np.nan, np.inf])
def test_a_bad_sigma_is_refused(sigma):
    with pytest.raises(SettingError, match="gradient_sigma"):
        GradientMaps.of(white_noise(4, 4), sigma)
