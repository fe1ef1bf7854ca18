"""The two baselines, and the interface served by dense vectors."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import IndexFolderError, SettingError
from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.representation import Representation

BASELINES = pytest.mark.parametrize("baseline", [Thumbnail(), ColourHistogram()], ids=["thumbnail", "colour"])


def picture(shape=(40, 50), seed=0) -> Picture:
    return Picture(np.random.default_rng(seed).random(shape, dtype=np.float32))


@BASELINES
@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3), (1, 900), (3, 2, 3)])
def test_vectors_have_unit_length_and_the_whole_region_equals_none(baseline, shape):
    one = picture(shape)
    vector = baseline.encode(one).vector
    assert (vector.shape, vector.dtype) == ((baseline.dimension,), np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(vector, baseline.encode(one, Region.whole(one.shape)).vector)
    np.testing.assert_array_equal(vector, baseline.encode_query(one).vector)


@BASELINES
def test_a_box_describes_what_its_cut_describes(baseline):
    one = picture()
    cut = Picture(np.ascontiguousarray(one.pixels[5:25, 10:40]))
    np.testing.assert_allclose(
        baseline.encode(one, Region.box(5, 10, 20, 30)).vector, baseline.encode(cut).vector, atol=1e-6
    )


@BASELINES
def test_pixels_outside_a_polygon_do_not_count(baseline):
    triangle = Region((np.array([[2.0, 2.0], [2.0, 38.0], [38.0, 2.0]]),))
    one = picture()
    changed = np.where(triangle.mask(one.shape), one.pixels, np.float32(0.123))
    np.testing.assert_array_equal(
        baseline.encode(one, triangle).vector, baseline.encode(Picture(changed), triangle).vector
    )


@BASELINES
def test_a_region_outside_the_picture_gives_zeros(baseline):
    assert not baseline.encode(picture(), Region.box(100, 100, 5, 5)).vector.any()


@BASELINES
def test_it_keeps_the_interface_and_is_made_again_from_its_settings(baseline):
    assert isinstance(baseline, Representation)
    assert baseline.is_fitted
    assert baseline.n_fit_pictures == 0
    assert baseline.sample(picture()) == baseline.learnt() == {}
    again = type(baseline)(**baseline.settings).restore({}).learn([]).fit([])
    assert again == baseline
    with pytest.raises(IndexFolderError, match="learns nothing"):
        baseline.restore({"centers": np.ones(1)})


@BASELINES
def test_pictures_are_ranked_saved_and_opened(baseline, tmp_path):
    pictures = [picture(seed=seed) for seed in range(6)]
    ranker = baseline.make_ranker()
    ranker.add(np.arange(6), [baseline.encode(one).vector for one in pictures])
    ranker.save(tmp_path / "segment")
    for one in (ranker, baseline.open_ranker([tmp_path / "segment"])):
        assert one.rank(baseline.encode(pictures[4]).vector, 1).ids.tolist() == [4]


def test_a_thumbnail_is_blind_to_brightness_and_contrast():
    one = picture()
    other = Picture(one.pixels * np.float32(0.5) + np.float32(0.2))
    np.testing.assert_allclose(Thumbnail().encode(one).vector, Thumbnail().encode(other).vector, atol=1e-5)


def test_a_thumbnail_of_two_by_two_is_the_means_of_the_quarters():
    pixels = np.kron(np.array([[0, 1], [0.5, 0.5]], dtype=np.float32), np.ones((4, 6), dtype=np.float32))
    vector = Thumbnail(side=2).encode(Picture(pixels)).vector
    np.testing.assert_allclose(vector, np.array([-1, 1, 0, 0]) / np.sqrt(2), atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.1, 1 / 3, 1.0])
def test_the_thumbnail_of_a_constant_picture_is_zero(level):
    for shape in ((31, 47), (31, 47, 3), (1, 1)):
        assert not Thumbnail().encode(Picture(np.full(shape, level, dtype=np.float32))).vector.any()


def test_a_histogram_holds_the_root_of_the_share_of_each_colour():
    pixels = np.zeros((2, 2, 3), dtype=np.float32)
    pixels[0, 0] = (1, 0, 0.5)
    vector = ColourHistogram(bins=2).encode(Picture(pixels)).vector
    expected = np.zeros(8)
    expected[0], expected[0b101] = np.sqrt(0.75), np.sqrt(0.25)
    np.testing.assert_allclose(vector, expected, rtol=1e-6)


def test_a_grey_picture_is_one_of_three_equal_channels():
    grey = picture()
    colour = Picture(np.repeat(grey.pixels[:, :, None], 3, axis=2))
    np.testing.assert_array_equal(
        ColourHistogram().encode(grey).vector, ColourHistogram().encode(colour).vector
    )


def test_bad_settings_are_refused_with_their_name():
    with pytest.raises(SettingError, match="side: 0"):
        Thumbnail(side=0)
    with pytest.raises(SettingError, match="bins: 33"):
        ColourHistogram(bins=33)
