from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from support.images import mixed_texture

from bovw.detectors import DETECTORS, Detector
from retrieval.errors import PictureError, SettingError

VARIANTS = {
    "sift": DETECTORS["sift"](),
    "sift upright": DETECTORS["sift"](upright=True),
    "dense": DETECTORS["dense"](),
    "dense gradient": DETECTORS["dense"](scales=(3.0, 6.0, 12.0), orientation="gradient"),
    "superpixel": DETECTORS["superpixel"](),
    "superpixel axis": DETECTORS["superpixel"](scale="moments", orientation="axis", smoothing=1.0),
    "superpixel by structure": DETECTORS["superpixel"](density="structure"),
    "superpixel median": DETECTORS["superpixel"](median=3),
    "superpixel gradient": DETECTORS["superpixel"](scale="fixed", orientation="gradient"),
}

every = pytest.mark.parametrize("detector", VARIANTS.values(), ids=VARIANTS.keys())


def table(keypoints):
    return np.stack([getattr(keypoints, f.name) for f in fields(keypoints)])


def within(mask, keypoints):
    return mask[np.floor(keypoints.rows + 0.5).astype(int), np.floor(keypoints.cols + 0.5).astype(int)]


def assert_sound(keypoints, shape):
    columns = table(keypoints)
    assert columns.dtype == np.float32 and np.isfinite(columns).all()
    assert (keypoints.scales > 0).all()
    assert (keypoints.orientations >= 0).all() and (keypoints.orientations < 2 * np.pi).all()
    assert (keypoints.strengths >= 0).all()
    assert (np.abs(keypoints.rows - (shape[0] - 1) / 2) <= shape[0] / 2).all()
    assert (np.abs(keypoints.cols - (shape[1] - 1) / 2) <= shape[1] / 2).all()


@every
def test_it_is_a_detector_with_frozen_settings(detector):
    assert isinstance(detector, Detector)
    with pytest.raises(FrozenInstanceError):
        detector.points = 3


@every
@pytest.mark.parametrize("points", [100, 400, 1600])
@pytest.mark.parametrize("shape", [(300, 700), (401, 397)])
def test_the_budget_is_met(detector, points, shape):
    found = replace(detector, points=points).detect(mixed_texture(shape))
    assert abs(len(found) - points) <= 0.02 * points
    assert_sound(found, shape)


@every
def test_the_budget_is_met_within_a_mask_of_two_pieces(detector):
    r, c = np.indices((320, 360))
    mask = ((r - 150) ** 2 + (c - 120) ** 2 < 110**2) | ((r > 250) & (c > 260))
    found = detector.detect(mixed_texture(mask.shape), mask)
    assert within(mask, found).all()
    assert 392 <= len(found) <= 408


@every
def test_points_stay_within_a_mask_that_bends(detector):
    r, c = np.indices((200, 200))
    distance = np.hypot(r - 100, c - 100)
    mask = (distance > 60) & (distance < 75)
    found = replace(detector, points=20).detect(mixed_texture(mask.shape), mask)
    assert len(found) > 0 and within(mask, found).all()


@every
def test_an_empty_mask_gives_no_points(detector):
    assert len(detector.detect(mixed_texture((40, 40)), np.zeros((40, 40), bool))) == 0


@every
@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_a_constant_picture_gives_no_points(detector, value):
    assert len(detector.detect(np.full((90, 60), value, np.float32))) == 0


@every
@pytest.mark.parametrize("shape", [(1, 1), (1, 10000), (10000, 1), (2, 2), (1, 2), (5, 3), (9, 300)])
def test_tiny_and_thin_pictures_give_sound_points_or_none(detector, shape):
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    found = detector.detect(image)
    assert len(found) <= detector.points * 1.02
    assert_sound(found, shape)


@every
def test_the_same_picture_gives_the_same_points_in_any_memory_order_and_stays_as_it_was(detector):
    image = mixed_texture((150, 200))
    mask = np.ones(image.shape, bool)
    mask[:40] = False
    before = image.copy(), mask.copy()
    image.setflags(write=False)
    first = table(detector.detect(image, mask))
    assert np.array_equal(first, table(detector.detect(image, mask)))
    strided = np.repeat(image, 2, axis=1)[:, ::2]
    assert np.array_equal(first, table(detector.detect(strided, np.asfortranarray(mask))))
    assert np.array_equal(image, before[0]) and np.array_equal(mask, before[1])


@every
def test_a_mask_that_is_all_true_equals_none(detector):
    image = mixed_texture((120, 140))
    whole = detector.detect(image, np.ones(image.shape, bool))
    assert np.array_equal(table(whole), table(detector.detect(image)))


@every
def test_pictures_and_masks_of_other_shapes_are_refused(detector):
    with pytest.raises(PictureError, match="shape"):
        detector.detect(np.zeros((9, 9, 3), np.float32))
    with pytest.raises(PictureError, match="mask"):
        detector.detect(np.zeros((9, 9), np.float32), np.ones((9, 8), bool))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *[(name, {"points": 0}) for name in DETECTORS],
        ("sift", {"contrast_threshold": -1}),
        ("sift", {"edge_threshold": 1}),
        ("sift", {"sigma": 0}),
        ("dense", {"scales": ()}),
        ("dense", {"scales": (6, -1)}),
        ("dense", {"balance": float("nan")}),
        ("dense", {"orientation": "axis"}),
        ("superpixel", {"compactness": -1}),
        ("superpixel", {"iterations": 0}),
        ("superpixel", {"smoothing": -1}),
        ("superpixel", {"median": 4}),
        ("superpixel", {"density": "dense"}),
        ("superpixel", {"scale": "huge"}),
        ("superpixel", {"scale_factor": 0}),
        ("superpixel", {"orientation": "up"}),
    ],
)
def test_a_setting_without_sense_is_refused_by_name(name, wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        DETECTORS[name](**wrong)
