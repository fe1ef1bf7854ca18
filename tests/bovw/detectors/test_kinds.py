"""What each detector finds in pictures whose answer is known."""

import cv2
import numpy as np
import pytest
from skimage import data
from support.images import gaussian_blob

from bovw.detectors import Dense, Sift, Superpixel


def test_sift_finds_a_blob_at_its_place_and_scale():
    found = Sift(points=1, scale_factor=1).detect(gaussian_blob((101, 131), 40, 77, 6))
    assert (found.rows[0], found.cols[0]) == pytest.approx((40, 77), abs=0.5)
    assert found.scales[0] == pytest.approx(6, rel=0.3)


def test_sift_finds_the_points_of_opencv():
    image = data.camera()
    theirs = cv2.SIFT.create(nfeatures=300).detect(image, None)
    # OpenCV doubles the picture with a shift of a quarter of a pixel, which it does not take back.
    places = np.array([(p.pt[1] - 0.25, p.pt[0] - 0.25, 20 * np.log2(p.size / 2)) for p in theirs])
    ours = Sift(points=300, scale_factor=1).detect((image / 255).astype(np.float32))
    found = np.stack([ours.rows, ours.cols, 20 * np.log2(ours.scales)], axis=1)
    nearest = np.linalg.norm(places[:, None] - found[None], axis=2).argmin(axis=1)
    agree = np.linalg.norm(places - found[nearest], axis=1) < 1
    assert agree.mean() > 0.92
    off = np.abs(ours.orientations[nearest] - np.radians([p.angle for p in theirs]))[agree]
    # One place may have several orientations there; here it has the strongest alone.
    assert np.mean(np.minimum(off, 2 * np.pi - off) < 0.2) > 0.75
    responses = np.array([p.response for p in theirs])[agree]
    assert np.median(ours.strengths[nearest[agree]] / responses) == pytest.approx(1, rel=0.02)


def test_upright_sift_has_each_place_once_and_no_turn():
    image = (data.camera() / 255).astype(np.float32)
    found = Sift(points=500, upright=True).detect(image)
    assert len(found) == 500 and not found.orientations.any()
    assert len({*zip(found.rows, found.cols, found.scales, strict=True)}) == 500


def test_sift_points_come_strongest_first():
    strengths = Sift(points=50).detect((data.camera() / 255).astype(np.float32)).strengths
    assert (np.diff(strengths) <= 0).all()


def test_sift_fills_its_budget_on_a_smooth_picture():
    rng = np.random.default_rng(0)
    faint = 0.5 + 0.02 * cv2.GaussianBlur(rng.normal(size=(256, 256)).astype(np.float32), (0, 0), 1.5)
    assert len(Sift(points=200).detect(faint)) == 200


def test_dense_points_of_a_square_picture_are_the_plain_grid():
    found = Dense(points=16, scales=(5.0,)).detect(gaussian_blob((40, 40), 20, 20, 9))
    middles = [4.5, 14.5, 24.5, 34.5]
    assert found.rows.reshape(4, 4).tolist() == [[m] * 4 for m in middles]
    assert found.cols.reshape(4, 4).tolist() == [middles] * 4


def test_dense_points_turn_with_the_picture():
    image = gaussian_blob((90, 90), 20, 60, 9)
    before = Dense(points=81, scales=(4.0,)).detect(image)
    after = Dense(points=81, scales=(4.0,)).detect(np.rot90(image))
    turned = {(89 - c, r) for r, c in zip(before.rows, before.cols, strict=True)}
    assert turned == {*zip(after.rows, after.cols, strict=True)}


def test_dense_shares_points_out_by_scale():
    image = gaussian_blob((200, 200), 90, 90, 40)
    scales = Dense(points=300, scales=(4.0, 8.0), balance=1).detect(image).scales
    assert ((scales == 4).sum(), (scales == 8).sum()) == (200, 100)
    even = Dense(points=300, scales=(4.0, 8.0), balance=0).detect(image).scales
    assert (even == 4).sum() == 150


def squares():
    grey = np.random.default_rng(1).permutation(25).reshape(5, 5) / 25
    return np.kron(grey, np.ones((12, 12))).astype(np.float32)


@pytest.mark.parametrize("scale", ["area", "moments", "fixed"])
def test_superpixels_of_squares_are_their_centres_and_their_sides(scale):
    found = Superpixel(points=25, compactness=0.01, scale=scale, scale_factor=0.5).detect(squares())
    places = {(float(r), float(c)) for r, c in zip(found.rows, found.cols, strict=True)}
    assert places == {(5.5 + 12 * i, 5.5 + 12 * j) for i in range(5) for j in range(5)}
    assert found.scales == pytest.approx(np.full(25, 6.0), rel=1e-5)


def test_superpixel_strength_is_contrast():
    image = np.full((60, 60), 0.5, np.float32)
    image[20:40, 20:40] = 1
    found = Superpixel(points=9, compactness=0.01).detect(image)
    strongest = np.argmax(found.strengths)
    assert (found.rows[strongest], found.cols[strongest]) == (29.5, 29.5)
    assert found.strengths[strongest] == pytest.approx(0.5)


def test_the_axis_of_a_long_region_is_its_orientation():
    r, c = np.indices((80, 80))
    angle = np.radians(30)
    along, across = c * np.cos(angle) + r * np.sin(angle), r * np.cos(angle) - c * np.sin(angle)
    stripes = ((across // 10) % 2 + along / 4000).astype(np.float32)
    found = Superpixel(points=30, compactness=0.3, orientation="axis").detect(stripes / stripes.max())
    off = np.abs(found.orientations - angle) % np.pi
    assert np.median(np.minimum(off, np.pi - off)) < np.radians(15)


def test_regions_are_as_many_as_the_points():
    image = gaussian_blob((100, 100), 30, 60, 20)
    detector = Superpixel(points=70)
    assert detector.regions(image).max() + 1 >= len(detector.detect(image)) == 70


def test_the_scale_factor_of_sift_widens_frames_and_moves_none():
    image = (data.camera() / 255).astype(np.float32)
    narrow, wide = (
        Sift(points=50, scale_factor=1).detect(image),
        Sift(points=50, scale_factor=3).detect(image),
    )
    np.testing.assert_allclose(wide.scales, 3 * narrow.scales, rtol=1e-6)
    np.testing.assert_array_equal(wide.rows, narrow.rows)
    np.testing.assert_array_equal(wide.orientations, narrow.orientations)
