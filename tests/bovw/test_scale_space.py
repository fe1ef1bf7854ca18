import cv2
import numpy as np
import pytest
from support.images import white_noise

from bovw.scale_space import LOWEST, Pyramid
from retrieval.errors import PictureError


def impulse(n=129):
    image = np.zeros((n, n), np.float32)
    image[n // 2, n // 2] = 1
    return image


@pytest.mark.parametrize("level", [-3, -2, -1, 0, 1, 2])
def test_a_level_has_the_blur_it_says(level):
    made = Pyramid(impulse()).level(level)
    distances = np.arange(129) - 64
    variance = (made.sum(axis=0) * distances**2).sum() / made.sum()
    # The picture is taken to have a blur of 0.5 already.
    assert variance == pytest.approx((1.6 * 2 ** (level / 3)) ** 2 - 0.25, rel=0.02)


@pytest.mark.parametrize("level", [3, 4, 5, 6, 8])
def test_coarser_octaves_are_the_blurred_picture_thinned_out(level):
    image, pyramid = white_noise(301, 260), Pyramid(white_noise(301, 260))
    step = pyramid.step(level)
    blurred = cv2.GaussianBlur(image, (0, 0), np.sqrt((1.6 * 2 ** (level / 3)) ** 2 - 0.25))
    inside = (slice(8, -8), slice(8, -8))
    expected = blurred[::step, ::step][inside]
    made = pyramid.level(level)[inside]
    assert np.corrcoef(made.ravel(), expected.ravel())[0, 1] > 0.99


def test_octaves_have_half_the_grid():
    pyramid = Pyramid(white_noise(100, 75))
    assert [pyramid.level(k).shape for k in (-5, 0, 2, 3, 6)] == [(100, 75)] * 3 + [(50, 38), (25, 19)]
    assert [pyramid.step(k) for k in (-5, 0, 2, 3, 6)] == [1, 1, 1, 2, 4]


def test_the_nearest_level_of_a_blur():
    pyramid = Pyramid(white_noise(512, 512))
    blurs = [1e-9, 0.5, 0.8, 1.6, 2.0, 3.2, 6.4, 1e9]
    assert pyramid.nearest(blurs).tolist() == [LOWEST, -5, -3, 0, 1, 3, 6, pyramid.highest]
    assert pyramid.nearest([]).shape == (0,)


def test_the_lowest_level_is_the_picture():
    image = white_noise(20, 30)
    assert np.array_equal(Pyramid(image).level(LOWEST), image)


def test_a_level_is_made_once():
    pyramid = Pyramid(white_noise(64, 64))
    assert pyramid.level(4) is pyramid.level(4)


def test_the_order_of_asking_is_irrelevant():
    one, other = Pyramid(white_noise(64, 64)), Pyramid(white_noise(64, 64))
    levels = range(LOWEST, one.highest + 1)
    rising = [one.level(k) for k in levels]
    falling = [other.level(k) for k in reversed(levels)][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(rising, falling, strict=True))


def test_a_pyramid_of_a_pyramid_is_itself():
    pyramid = Pyramid(white_noise(9, 9))
    assert Pyramid.of(pyramid) is pyramid
    assert Pyramid.of(white_noise(9, 9)).shape == (9, 9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (2, 3), (15, 16), (16, 4000)])
def test_small_pictures_have_every_level_they_offer(shape):
    pyramid = Pyramid(np.full(shape, 0.25, np.float32))
    for level in range(LOWEST, pyramid.highest + 1):
        np.testing.assert_allclose(pyramid.level(level), 0.25, atol=1e-6)


def test_the_picture_is_never_written_to():
    image = white_noise(64, 64)
    before = image.copy()
    pyramid = Pyramid(image)
    for level in range(LOWEST, pyramid.highest + 1):
        pyramid.level(level)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("level", [LOWEST - 1, 100])
def test_a_level_that_is_not_there_is_refused(level):
    with pytest.raises(KeyError, match=f"level {level}"):
        Pyramid(white_noise(32, 32)).level(level)


@pytest.mark.parametrize("shape", [(4, 4, 3), (0, 5), (7,)])
def test_what_is_no_grey_picture_is_refused(shape):
    with pytest.raises(PictureError, match="grey"):
        Pyramid(np.zeros(shape, np.float32))
