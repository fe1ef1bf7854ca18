"""Facts about kinds of images: another texture, brightness or colour is another kind."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from retrieval.answers.image_kind import OTHER_KIND, KindSample, describe_kind


def texture(seed: int, blur: float, level: float = 0.5, shape: tuple[int, int] = (90, 120)) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=shape), (0, 0), blur)
    return np.clip(level + 0.15 * noise / noise.std(), 0, 1).astype(np.float32)


def tinted(grey: np.ndarray) -> np.ndarray:
    return np.stack([grey, 0.6 * grey, 0.8 * grey], axis=2).astype(np.float32)


@pytest.fixture(scope="module")
def sample() -> KindSample:
    rows = [describe_kind(texture(i, 2 + 0.5 * (i % 3))) for i in range(80)]
    return KindSample(np.array(rows), np.arange(80) // 2)


def test_more_of_the_same_is_no_other_kind(sample):
    shares = [sample.share_as_far(describe_kind(texture(1000 + i, 2 + 0.5 * (i % 3)))) for i in range(40)]
    assert np.mean(np.array(shares) <= OTHER_KIND) <= 0.15


@pytest.mark.parametrize(
    "image",
    [texture(7, 0.6), texture(7, 8.0), texture(7, 2.5, level=0.15), tinted(texture(7, 2.5))],
    ids=["fine", "coarse", "dark", "colour"],
)
def test_what_has_another_texture_brightness_or_colour_is(sample, image):
    assert sample.share_as_far(describe_kind(image)) == pytest.approx(1 / 81)  # it and none of the 80


def test_an_image_of_the_sample_is_as_usual_as_the_others_are_without_its_own_case(sample):
    row = describe_kind(texture(4, 2.5))
    assert sample.share_as_far(row, 2) > OTHER_KIND
    assert sample.share_as_far(row) > sample.share_as_far(row, 2) - 0.05


def test_a_grey_image_is_described_as_one_with_three_equal_channels():
    grey = texture(0, 2.0)
    same = np.repeat(grey[:, :, None], 3, axis=2)
    np.testing.assert_allclose(describe_kind(grey), describe_kind(same), atol=1e-4)


@pytest.mark.parametrize("image", [np.zeros((5, 9), np.float32), np.ones((1, 1, 3), np.float32)])
def test_odd_images_are_described_without_nan(image):
    assert np.isfinite(describe_kind(image)).all() and describe_kind(image).shape == (36,)


def test_a_sample_of_one_case_finds_nothing_unusual():
    rows = np.array([describe_kind(texture(i, 2.0)) for i in range(5)])
    assert KindSample(rows, np.zeros(5, np.int64)).share_as_far(rows[0], 0) == 1.0
