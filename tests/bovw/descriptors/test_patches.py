import numpy as np
import pytest

from bovw.descriptors import Patch
from bovw.keypoints import Keypoints
from retrieval.errors import SettingError


def ramp(rows=101, cols=101, rise=0.005):
    """Return grey levels that rise by ``rise`` a column; a blur leaves them alone, away from the edges."""
    return np.tile(np.arange(cols, dtype=np.float32) * np.float32(rise), (rows, 1))


def test_a_patch_of_a_ramp_is_a_ramp():
    patch = Patch(side=5, extent=10, normalise="none").describe(ramp(), Keypoints.of(50, 40, 2))
    # Five samples, 10 · 2 / 5 = 4 pixels apart, about column 40.
    expected = np.tile(np.array([32, 36, 40, 44, 48]) * 0.005, (5, 1))
    np.testing.assert_allclose(patch.reshape(5, 5), expected, atol=1e-5)


def test_a_fractional_position_is_interpolated():
    patch = Patch(side=3, extent=3, normalise="none").describe(ramp(), Keypoints.of(50.5, 40.25, 1))
    np.testing.assert_allclose(
        patch.reshape(3, 3), np.tile(np.array([39.25, 40.25, 41.25]) * 0.005, (3, 1)), atol=1e-5
    )


def test_the_patch_turns_with_its_frame():
    # The first axis of a frame turned by 90° runs down the rows, along which this ramp does not change.
    patch = Patch(side=5, extent=10, normalise="none").describe(ramp(), Keypoints.of(50, 40, 2, np.pi / 2))
    expected = np.tile(np.array([48, 44, 40, 36, 32]) * 0.005, (5, 1)).T
    np.testing.assert_allclose(patch.reshape(5, 5), expected, atol=1e-5)


def test_a_fine_pattern_is_smoothed_away_in_a_coarse_patch():
    checkers = (np.indices((200, 200)).sum(axis=0) % 2).astype(np.float32)
    patch = Patch(normalise="none").describe(checkers, Keypoints.of(100, 100, 8))
    np.testing.assert_allclose(patch, 0.5, atol=1e-3)


def test_mean_and_contrast_are_taken_out_as_asked():
    image = np.random.default_rng(0).random((80, 80), dtype=np.float32)
    points = Keypoints.of([30, 40, 50], [30, 40, 50], 1)
    none, mean, both = (Patch(normalise=n).describe(image, points) for n in ("none", "mean", "meanstd"))
    np.testing.assert_allclose(mean, none - none.mean(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(both.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(both.std(axis=1), 1, atol=1e-5)


def test_brightness_and_contrast_change_nothing_once_normalised():
    image = np.random.default_rng(0).random((80, 80), dtype=np.float32)
    points = Keypoints.of([30, 40, 50], [30, 40, 50], 1)
    changed = Patch().describe(image * np.float32(0.5) + np.float32(0.2), points)
    np.testing.assert_allclose(changed, Patch().describe(image, points), atol=1e-4)


def test_faint_noise_is_not_blown_up():
    noise = np.random.default_rng(0).standard_normal((80, 80)).astype(np.float32) * np.float32(1e-5)
    patch = Patch(floor=0.01).describe(np.float32(0.5) + noise, Keypoints.of(40, 40, 1))
    assert np.abs(patch).max() < 0.01


def test_the_last_pixel_goes_on_where_the_picture_ends():
    patch = Patch(side=5, extent=10, normalise="none").describe(ramp(), Keypoints.of(50, -300, 2))
    np.testing.assert_allclose(patch, 0, atol=1e-2)


def test_the_dimension_is_the_number_of_samples():
    assert Patch(side=7).dimension == 49


@pytest.mark.parametrize(
    ("setting", "value"),
    [("side", 1), ("extent", 0), ("floor", -1.0), ("floor", np.nan), ("normalise", "no")],
)
def test_a_bad_setting_is_refused_by_name(setting, value):
    with pytest.raises(SettingError, match=setting):
        Patch(**{setting: value})
