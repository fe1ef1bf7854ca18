"""Overlaid text is seen in the pixels: the network on drawn texts, its layers against other code."""

import cv2
import numpy as np
import pytest
from scipy.signal import correlate
from support.text_on_images import phantom, with_text

from retrieval.picture import Picture
from retrieval.readers.overlaid_text import sees_text, text_score
from retrieval.readers.overlaid_text.convolution import block, strided


def picture(pixels):
    return Picture(np.ascontiguousarray(pixels, np.float32) / 255)


@pytest.mark.parametrize("size", [12, 14, 20, 32, 40])
def test_text_is_seen_at_every_size_and_place(size):
    texts = ("DOE^JANE", "12.03.1961", "MRN 482913")
    places = ((4, 4), (6, 206), (40, 120))
    assert all(sees_text(picture(with_text(phantom(7), t, size, at))) for t in texts for at in places)


def test_dark_text_on_light_text_in_colour_and_text_after_jpeg_are_seen():
    light = 255 - with_text(phantom(1))
    assert sees_text(picture(light))
    colour = np.repeat(phantom(2)[..., None], 3, axis=2)
    drawn = with_text(phantom(2)) != phantom(2)
    colour[drawn] = (255, 255, 0)
    assert sees_text(picture(colour))
    _, code = cv2.imencode(".jpg", with_text(phantom(3)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert sees_text(picture(cv2.imdecode(code, cv2.IMREAD_UNCHANGED)))


def test_without_text_nothing_is_seen():
    assert not any(sees_text(picture(phantom(seed))) for seed in range(20))


def test_lines_a_ruler_and_noise_are_no_text():
    marked = phantom(4)
    cv2.line(marked, (20, 30), (200, 220), 255, 2)
    cv2.rectangle(marked, (60, 60), (140, 150), 255, 1)
    for at in range(10, 250, 12):
        cv2.line(marked, (246, at), (252, at), 255, 1)
    assert not sees_text(picture(marked))
    noise = np.random.default_rng(0).integers(0, 256, (200, 200))
    assert not sees_text(picture(noise))
    assert not sees_text(picture(np.full((64, 64), 128)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (17, 33), (33, 17, 3)])
def test_an_image_of_any_shape_has_a_score(shape):
    assert np.isfinite(text_score(Picture(np.full(shape, 0.5, np.float32))))


def test_three_equal_channels_score_as_one():
    grey = picture(with_text(phantom(5)))
    assert text_score(Picture(grey.rgb)) == pytest.approx(text_score(grey), abs=1e-3)


def test_text_in_a_large_image_is_seen_as_far_as_it_survives_the_shrinking():
    large = with_text(cv2.resize(phantom(6), (1500, 1500)), size=32, at=(40, 40))
    assert sees_text(picture(large))


def expected(maps, weights, stride, apart=1, before=1):
    """Convolve as the kernels do, by scipy: weights (n_out, n_in, size, size)."""
    size = weights.shape[-1]
    spread = np.zeros((*weights.shape[:2], (size - 1) * apart + 1, (size - 1) * apart + 1))
    spread[..., ::apart, ::apart] = weights
    after = spread.shape[-1] - 1 - before * apart
    padded = np.pad(maps.astype(np.float64), ((0, 0), *((before * apart, after),) * 2))
    whole = np.stack([correlate(padded, w, "valid")[0] for w in spread])
    return whole[:, ::stride, ::stride]


def test_the_strided_layer_is_a_convolution():
    random = np.random.default_rng(1)
    maps = random.normal(size=(3, 10, 14)).astype(np.float32)
    weights = random.normal(size=(4, 3, 4, 4)).astype(np.float32)
    bias = random.normal(size=4).astype(np.float32)
    sums = expected(maps, weights, 2) + bias[:, None, None]
    np.testing.assert_allclose(strided(maps, weights, bias, True), np.abs(sums), atol=1e-4)
    np.testing.assert_allclose(strided(maps, weights, bias, False), np.maximum(sums, 0), atol=1e-4)


@pytest.mark.parametrize(("stride", "apart"), [(1, 1), (1, 2), (2, 1)])
def test_a_block_convolves_by_channel_and_mixes(stride, apart):
    random = np.random.default_rng(2)
    maps = random.normal(size=(8, 12, 10)).astype(np.float32)
    depth = random.normal(size=(8, 3, 3)).astype(np.float32)
    mix = random.normal(size=(6, 8)).astype(np.float32)
    bias = random.normal(size=6).astype(np.float32)
    alone = [expected(maps[c : c + 1], depth[c][None, None], stride, apart)[0] for c in range(8)]
    sums = np.tensordot(mix, np.stack(alone), 1) + bias[:, None, None]
    np.testing.assert_allclose(block(maps, depth, mix, bias, stride, apart), np.maximum(sums, 0), atol=1e-4)
