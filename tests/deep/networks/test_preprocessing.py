"""Preprocessing: the square that a network sees, worked out by hand."""

import numpy as np
import pytest
from support.embedders import blobs

from deep.networks.preprocessing import cut, prepare
from retrieval.picture import Picture
from retrieval.region import Region


def of(pixels):
    return Picture(np.ascontiguousarray(pixels, dtype=np.float32))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 9, 3), (40, 40), (33, 64), (300, 200, 3)])
def test_every_picture_becomes_a_square_of_bytes(shape):
    square = prepare(of(np.full(shape, 0.4)), 40)
    assert (square.shape, square.dtype) == ((3, 40, 40), np.uint8)
    assert (square == 102).all()
    assert square.flags.c_contiguous


def test_grey_becomes_three_equal_channels():
    square = prepare(blobs(1), 32)
    np.testing.assert_array_equal(square[0], square[1])
    np.testing.assert_array_equal(square[0], square[2])
    assert len(np.unique(square)) > 20


def test_colour_keeps_the_order_of_its_channels():
    square = prepare(of(np.full((8, 8, 3), (1.0, 0.5, 0.0))), 32)
    assert [channel[0, 0] for channel in square] == [255, 128, 0]


def test_shrinking_averages_areas():
    pixels = np.random.default_rng(0).random((64, 96), dtype=np.float32)
    means = pixels.reshape(32, 2, 32, 3).mean(axis=(1, 3))
    assert np.abs(prepare(of(pixels), 32)[0] - means * 255).max() <= 0.51


def test_a_picture_of_the_right_size_is_only_rounded():
    pixels = np.arange(1024, dtype=np.float32).reshape(32, 32) / 1023
    np.testing.assert_array_equal(prepare(of(pixels), 32)[0], np.floor(pixels * 255 + 0.5))


def test_no_region_and_all_of_it_have_no_weights():
    picture = blobs(2)
    for region in (None, Region.whole(picture.shape), Region.box(-5, -5, 500, 500)):
        square, weights = cut(picture, region, 32)
        np.testing.assert_array_equal(square, prepare(picture, 32))
        assert weights is None


def test_a_box_is_its_pixels():
    picture = blobs(3)
    square, weights = cut(picture, Region.box(8, 4, 16, 20), 32)
    np.testing.assert_array_equal(square, prepare(of(picture.pixels[8:24, 4:24]), 32))
    assert weights is None


def test_what_lies_outside_a_shape_counts_as_its_mean_and_weighs_nothing():
    region = Region((np.array([[0.0, 0.0], [0.0, 40.0], [40.0, 0.0]]),))
    pixels = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    mask = region.mask((64, 64))
    side = int(mask.any(axis=1).sum())
    square, weights = cut(of(pixels), region, side)
    mean = pixels[mask].mean()
    assert abs(int(square[0, -1, -1]) - mean * 255) <= 1
    assert weights.shape == (side, side)
    assert (weights[0, 0], weights[-1, -1]) == (1, 0)
    assert weights.mean() == pytest.approx(0.5, abs=0.03)
    changed = np.where(mask, pixels, 0.9)
    again, _ = cut(of(changed), region, side)
    np.testing.assert_array_equal(again, square)


def test_a_region_without_a_pixel_is_nothing():
    assert cut(blobs(4), Region.box(900, 900, 4, 4), 32) is None


def test_the_picture_is_unchanged():
    pixels = blobs(5).pixels.copy()
    pixels.flags.writeable = False
    before = pixels.copy()
    triangle = Region((np.array([[0.0, 0.0], [0.0, 30.0], [30.0, 0.0]]),))
    for region in (None, Region.box(3, 3, 9, 9), triangle):
        cut(Picture(pixels), region, 32)
    np.testing.assert_array_equal(pixels, before)
