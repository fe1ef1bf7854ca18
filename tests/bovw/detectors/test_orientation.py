import cv2
import numpy as np
import pytest
from skimage import data

from bovw.detectors.orientation import dominant_orientations
from bovw.keypoints import Keypoints
from bovw.scale_space import Pyramid


def apart(a, b):
    off = np.abs(np.asarray(a, float) - b) % (2 * np.pi)
    return np.minimum(off, 2 * np.pi - off)


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 135, 180, 222, 270, 359])
@pytest.mark.parametrize("scale", [1.0, 3.0, 8.0])
def test_a_ramp_points_the_way_it_rises(degrees, scale):
    r, c = np.indices((120, 120))
    angle = np.radians(degrees)
    ramp = ((np.cos(angle) * c + np.sin(angle) * r) / 400 + 0.5).astype(np.float32)
    found = dominant_orientations(ramp, Keypoints.of([60], [60], scale))
    assert found.dtype == np.float32 and apart(found[0], angle) < np.radians(3)


def test_a_turned_picture_turns_the_orientations():
    image = (data.camera() / 255).astype(np.float32)[:511, :511]  # so that halving keeps both grids in step
    rows, cols = (a.ravel() for a in np.meshgrid(np.arange(64, 450, 32), np.arange(64, 450, 32)))
    before = dominant_orientations(image, Keypoints.of(rows, cols, 4))
    turned = np.ascontiguousarray(np.rot90(image))
    after = dominant_orientations(turned, Keypoints.of(510 - cols, rows, 4))
    assert np.mean(apart(after, before - np.pi / 2) < 0.05) > 0.97


def test_orientations_agree_with_those_of_opencv():
    image = data.camera()
    found = [p for p in cv2.SIFT.create().detect(image, None) if 2 < p.size / 2 < 12]
    frames = Keypoints.of([p.pt[1] for p in found], [p.pt[0] for p in found], [p.size / 2 for p in found])
    ours = dominant_orientations((image / 255).astype(np.float32), frames)
    theirs = np.radians([p.angle for p in found])
    # A point of theirs may have several orientations, of which ours is the strongest alone.
    assert np.mean(apart(ours, theirs) < 0.2) > 0.75


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (2, 2), (40, 40)])
def test_constant_pictures_have_the_orientation_zero(shape):
    found = dominant_orientations(np.full(shape, 0.3, np.float32), Keypoints.of([0, 0], [0, 0], [1, 50]))
    assert found.tolist() == [0, 0]


def test_no_frames_give_no_orientations():
    assert dominant_orientations(np.zeros((9, 9), np.float32), Keypoints.empty()).shape == (0,)


def test_frames_outside_the_picture_are_harmless():
    image = np.random.default_rng(0).random((30, 30), dtype=np.float32)
    found = dominant_orientations(image, Keypoints.of([-500, 15, 900], [15, -500, 900], 3))
    assert found.tolist() == [0, 0, 0]


def test_a_scale_space_at_hand_gives_the_same():
    image = np.random.default_rng(0).random((64, 80), dtype=np.float32)
    frames = Keypoints.of([20, 30, 40], [20, 30, 60], [1, 3, 9])
    assert np.array_equal(dominant_orientations(image, frames), dominant_orientations(Pyramid(image), frames))
