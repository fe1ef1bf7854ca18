"""Local contrast, and superpixels that follow it: a fainter image has the same points."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from bovw.detectors import Superpixel
from bovw.detectors.local_contrast import FAINTEST, local_contrast


@pytest.fixture(scope="module")
def image():
    return (data.camera()[::2, ::2] / 255).astype(np.float32)


def test_it_is_the_root_of_the_mean_variance_within_half_a_side(image):
    mask = np.zeros(image.shape, bool)
    mask[32:224, 32:224] = True
    sigma = 0.5 * np.sqrt(mask.sum() / 100)
    mean, square = (ndimage.gaussian_filter(g, sigma, mode="mirror") for g in (image, image**2))
    expected = np.sqrt((square - mean**2)[mask].mean())
    assert local_contrast(image, 100, mask) == pytest.approx(expected, rel=0.02)


def test_it_is_proportional_to_contrast_and_never_below_the_faintest(image):
    inside = np.ones(image.shape, bool)
    full = local_contrast(image, 400, inside)
    assert local_contrast(0.3 + 0.4 * image, 400, inside) == pytest.approx(0.4 * full, rel=1e-3)
    assert local_contrast(np.full_like(image, 0.5), 400, inside) == FAINTEST
    assert local_contrast(image, 400, ~inside) == FAINTEST


def kept(detector, image, other):
    """Return the share of an image's points that another has within 1.5 pixels."""
    one, two = detector.detect(image), detector.detect(other)
    apart = np.hypot(one.rows[:, None] - two.rows, one.cols[:, None] - two.cols)
    return (apart.min(axis=1) <= 1.5).mean()


def test_points_stay_at_four_tenths_of_the_contrast(image):
    faint = 0.3 + 0.4 * image
    assert kept(Superpixel(), image, faint) >= 0.95
    assert kept(Superpixel(compactness=0.1), image, faint) < 0.9  # what a fixed compactness does
