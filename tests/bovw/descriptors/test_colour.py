import numpy as np
import pytest
from skimage import color

from bovw.descriptors import ColourPatch, OpponentSift, RootSift
from bovw.descriptors.colour import opponent
from bovw.keypoints import Keypoints
from retrieval.errors import SettingError

POINTS = Keypoints.of([40, 50, 60], [40, 55, 50], [3, 4, 5], [0, 1, 2])


def coloured(seed=0):
    return np.random.default_rng(seed).random((100, 100, 3), dtype=np.float32)


def plain(red, green, blue, shape=(100, 100)):
    return np.full((*shape, 3), (red, green, blue), np.float32)


def test_opponent_channels_of_known_colours():
    channels = opponent(np.array([[[1, 0, 0], [1, 1, 0], [1, 1, 1]]], np.float32))[0]
    root = np.sqrt
    expected = [[1 / root(2), 1 / root(6), 1 / root(3)], [0, 2 / root(6), 2 / root(3)], [0, 0, root(3)]]
    np.testing.assert_allclose(channels, expected, atol=1e-6)


def test_a_grey_picture_in_rgb_has_no_chromatic_gradient():
    grey = coloured()[:, :, :1].repeat(3, axis=2)
    assert not OpponentSift(channels="chromatic").describe(grey, POINTS).any()


def test_the_last_third_is_sift_of_the_intensity():
    image = coloured()
    described = OpponentSift().describe(image, POINTS)
    sift = RootSift().describe(image.mean(axis=2), POINTS)
    np.testing.assert_allclose(described[:, 256:] * np.sqrt(3), sift, atol=1e-3)


def test_chromatic_channels_are_blind_to_what_all_channels_share():
    image = coloured() * np.float32(0.5)
    glare = coloured(1)[:, :, :1] * np.float32(0.5)
    sift = OpponentSift(channels="chromatic")
    np.testing.assert_allclose(sift.describe(image + glare, POINTS), sift.describe(image, POINTS), atol=1e-2)


def test_opponent_sift_is_blind_to_the_strength_of_the_light():
    image, sift = coloured(), OpponentSift()
    np.testing.assert_allclose(
        sift.describe(image * np.float32(0.6), POINTS), sift.describe(image, POINTS), atol=1e-3
    )


@pytest.mark.parametrize(("channels", "dimension"), [("all", 384), ("chromatic", 256)])
def test_opponent_sift_has_unit_length(channels, dimension):
    described = OpponentSift(channels=channels).describe(coloured(), POINTS)
    assert described.shape == (3, dimension)
    np.testing.assert_allclose(np.linalg.norm(described, axis=1), 1, atol=1e-5)


def test_the_lab_of_red_is_the_one_in_the_tables():
    described = ColourPatch(cells=1).describe(plain(1, 0, 0), POINTS)
    np.testing.assert_allclose(described[:, :3], [[0.5324, 0.8009, 0.6720]] * 3, atol=2e-3)
    np.testing.assert_allclose(described[:, 3:], 0, atol=1e-5)


def test_cells_hold_the_means_and_the_rest_the_deviations():
    image = plain(1, 0, 0)
    image[:, 50:] = (0, 1, 0)
    described = ColourPatch(cells=2, space="rgb").describe(image, Keypoints.of(50, 49.5, 3))[0]
    red, green, blue, deviations = np.split(described, [4, 8, 12])
    np.testing.assert_allclose(red, [1, 0, 1, 0], atol=0.05)
    np.testing.assert_allclose(green, [0, 1, 0, 1], atol=0.05)
    np.testing.assert_allclose(blue, 0, atol=1e-6)
    np.testing.assert_allclose(deviations, [0.5, 0.5, 0], atol=0.05)


def test_cells_turn_with_the_frame():
    image = plain(0, 0, 0)
    image[:, 50:, 0] = 1
    described = ColourPatch(cells=2, space="rgb").describe(image, Keypoints.of(50, 49.5, 3, np.pi / 2))[0]
    # The first axis points down, the second to the left: the right half is the first line of cells.
    np.testing.assert_allclose(described[:4], [1, 1, 0, 0], atol=0.05)


@pytest.mark.parametrize("space", ["lab", "opponent", "rgb"])
def test_every_colour_space_gives_its_dimension(space):
    descriptor = ColourPatch(cells=3, space=space)
    assert descriptor.describe(coloured(), POINTS).shape == (3, 30) == (3, descriptor.dimension)


@pytest.mark.parametrize(
    ("make", "setting", "value"),
    [
        (OpponentSift, "channels", "two"),
        (OpponentSift, "samples", 3),
        (ColourPatch, "cells", 0),
        (ColourPatch, "extent", -1.0),
        (ColourPatch, "space", "hsv"),
    ],
)
def test_a_bad_setting_is_refused_by_name(make, setting, value):
    with pytest.raises(SettingError, match=setting):
        make(**{setting: value})


@pytest.mark.parametrize(("space", "tolerance"), [("lab", 3e-3), ("opponent", 1e-5), ("rgb", 1e-5)])
def test_a_grey_picture_is_described_as_rgb_of_three_equal_channels(space, tolerance):
    grey = coloured()[:, :, 0].copy()
    described = ColourPatch(space=space).describe(grey, POINTS)
    expected = ColourPatch(space=space).describe(np.repeat(grey[:, :, None], 3, axis=2), POINTS)
    np.testing.assert_allclose(described, expected, atol=tolerance)


@pytest.mark.parametrize("grey", [0.0, 0.003, 0.04, 0.5, 0.77, 1.0])
def test_the_lightness_of_grey_is_that_of_scikit_image(grey):
    described = ColourPatch(cells=1).describe(np.full((50, 40), grey, np.float32), Keypoints.of(20, 20, 3))[0]
    expected = color.rgb2lab(np.full((1, 1, 3), grey))[0, 0, 0] / 100
    np.testing.assert_allclose(described, [expected, 0, 0, 0, 0, 0], atol=1e-5)


def test_grey_levels_beyond_black_and_white_stay_finite():
    image = np.linspace(-1, 2, 2500, dtype=np.float32).reshape(50, 50)
    assert np.isfinite(ColourPatch().describe(image, Keypoints.of(20, 20, 3))).all()
