"""What is seen at the points of a picture or of a region of it."""

from __future__ import annotations

import numpy as np
import pytest

from bovw.descriptors import ColourPatch, FineSift, Patch
from bovw.detectors import Dense, Sift, Superpixel
from bovw.extraction import FEWEST, FeatureExtractor
from retrieval.picture import Picture
from retrieval.region import Region

NOISE = np.random.default_rng(0).random((80, 120)).astype(np.float32)
DETECTORS = [Sift(points=200), Dense(points=200), Superpixel(points=200)]


def make(
    detector=DETECTORS[1], tone=None, longest_side=320, foreground_only=False, position=0.0
) -> FeatureExtractor:
    return FeatureExtractor(detector, Patch(side=4), tone, longest_side, foreground_only, position)


def test_every_point_has_its_shape_and_its_tone():
    features = make(tone=ColourPatch()).extract(Picture(NOISE))
    n = len(features.keypoints)
    assert (features.shape_descriptors.shape, features.tone_descriptors.shape) == ((n, 16), (n, 15))
    assert make().extract(Picture(NOISE)).tone_descriptors.shape == (n, 0)


def test_position_appends_two_values():
    extractor = make(position=0.5)
    assert extractor.extract(Picture(NOISE)).shape_descriptors.shape[1] == extractor.dimension == 18
    assert make().dimension == 16


@pytest.mark.parametrize("detector", DETECTORS)
def test_points_of_a_region_lie_within_it(detector):
    for region, least in ((Region.box(10, 10, 60, 90), 5), (Region.box(3, 3, 20, 20), 0)):
        found = make(detector).extract(Picture(NOISE), region).keypoints
        assert len(found) >= least
        assert region.contains(found.rows, found.cols).all()


@pytest.mark.parametrize("detector", [DETECTORS[1], DETECTORS[2]])
def test_a_small_region_gets_points_of_its_own(detector):
    region = Region.box(10, 10, 24, 24)
    everywhere = make(detector).extract(Picture(NOISE)).keypoints
    by_chance = int(region.contains(everywhere.rows, everywhere.cols).sum())
    assert by_chance < 20
    found = make(detector).extract(Picture(NOISE), region).keypoints
    # Those of the picture come first: other pictures have points of their kind.
    assert len(found) - by_chance == pytest.approx(FEWEST, abs=2)
    inside = everywhere[region.contains(everywhere.rows, everywhere.cols)]
    np.testing.assert_array_equal(found.rows[:by_chance], inside.rows)


def test_a_large_region_keeps_the_points_of_its_picture():
    region = Region.box(0, 0, 80, 60)
    everywhere = make().extract(Picture(NOISE)).keypoints
    found = make().extract(Picture(NOISE), region).keypoints
    kept = region.contains(everywhere.rows, everywhere.cols)
    np.testing.assert_array_equal(found.rows, everywhere.rows[kept])


@pytest.mark.parametrize("shape", [(97, 131), (333, 60), (5, 400), (1, 4000)])
@pytest.mark.parametrize("detector", DETECTORS)
def test_points_of_a_shrunk_picture_lie_within_the_original(shape, detector):
    pixels = np.random.default_rng(1).random(shape).astype(np.float32)
    found = make(detector, longest_side=64).extract(Picture(pixels)).keypoints
    for places, extent in ((found.rows, shape[0]), (found.cols, shape[1])):
        assert ((places >= 0) & (places <= extent - 1)).all()
    whole = make(detector, longest_side=64).extract(Picture(pixels), Region.whole(shape)).keypoints
    np.testing.assert_array_equal(found.cols, whole.cols)


def test_the_background_is_left_out_on_demand():
    pixels = np.zeros((100, 100), np.float32)
    pixels[30:70, 30:70] = 0.3 + 0.5 * NOISE[:40, :40]
    found = make(foreground_only=True).extract(Picture(pixels)).keypoints
    assert len(found) > 100
    assert ((found.rows > 25) & (found.rows < 75) & (found.cols > 25) & (found.cols < 75)).all()
    assert (make().extract(Picture(pixels)).keypoints.rows < 25).any()


def test_a_colour_picture_is_described_by_its_grey_and_toned_by_its_colour():
    red, green = (np.zeros((60, 60, 3), np.float32) for _ in range(2))
    red[..., 0], green[..., 1] = NOISE[:60, :60] * 0.5, NOISE[:60, :60] * 0.5
    extractor = FeatureExtractor(Dense(points=50), FineSift(), ColourPatch(), 320, False, 0.0)
    seen = [extractor.extract(Picture(pixels)) for pixels in (red, green)]
    # The same structure, but for the weight of its channel; not the same colour.
    assert np.einsum("nd,nd->n", seen[0].shape_descriptors, seen[1].shape_descriptors).min() > 0.99
    assert np.abs(seen[0].tone_descriptors - seen[1].tone_descriptors).max(axis=1).min() > 0.05


def test_a_constant_picture_shows_nothing():
    features = make(tone=ColourPatch(), position=1.0).extract(Picture(np.full((20, 20), 0.5, np.float32)))
    assert (len(features.keypoints), features.shape_descriptors.shape, features.tone_descriptors.shape) == (
        0,
        (0, 18),
        (0, 15),
    )
