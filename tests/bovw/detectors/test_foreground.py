import numpy as np
import pytest

from bovw.detectors.foreground import foreground


def disc(shape, row, col, radius):
    r, c = np.indices(shape)
    return (r - row) ** 2 + (c - col) ** 2 < radius**2


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def test_a_bright_body_on_black_is_found():
    body = disc((400, 500), 200, 250, 120)
    found = foreground((body * 0.5).astype(np.float32))
    assert overlap(found, body) > 0.9 and found[body].mean() > 0.99


def test_noise_in_the_background_is_no_body():
    body = disc((512, 512), 256, 256, 180)
    noise = np.abs(np.random.default_rng(0).normal(0, 0.03, body.shape))
    found = foreground((body * 0.6 + noise).astype(np.float32).clip(0, 1))
    assert overlap(found, body) > 0.93


def test_burned_in_marks_are_left_out():
    image = disc((400, 400), 200, 220, 120).astype(np.float32) * 0.6
    image[10:22, 10:60:4] = 1
    image[380:390, 300:330] = 1
    found = foreground(image)
    assert not found[:40, :80].any() and not found[375:, 290:].any()


def test_dark_parts_within_the_body_stay():
    image = disc((300, 300), 150, 150, 120).astype(np.float32) * 0.7
    lung = disc((300, 300), 150, 110, 40)
    image[lung] = 0
    assert foreground(image)[lung].all()


def test_a_picture_without_dark_background_is_all_foreground():
    image = np.random.default_rng(0).random((100, 120), dtype=np.float32) * 0.5 + 0.4
    assert foreground(image).all()


@pytest.mark.parametrize("value", [0, 0.5, 1])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 10000), (10000, 1), (50, 60)])
def test_a_constant_picture_of_any_shape_is_all_foreground(shape, value):
    found = foreground(np.full(shape, value, np.float32))
    assert found.shape == shape and found.dtype == bool and found.all()


def test_too_small_a_body_does_not_count():
    image = np.zeros((200, 200), np.float32)
    image[100:104, 100:104] = 1
    assert foreground(image).all()


def test_the_picture_stays_as_it_was_in_any_memory_order():
    image = disc((90, 130), 40, 60, 30).astype(np.float32)
    before = image.copy()
    assert np.array_equal(foreground(image), foreground(np.asfortranarray(image)))
    assert np.array_equal(image, before)
