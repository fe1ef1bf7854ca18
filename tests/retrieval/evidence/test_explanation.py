"""Facts about explanations: the deletion test, similarity, and heat maps."""

import numpy as np
import pytest

from retrieval.evidence.deletion_test import DRAWS, OVERLAP, Deletion, deletion
from retrieval.evidence.explanation import similarity
from retrieval.evidence.heat_map import scattered
from retrieval.evidence.occlusion import occlusion
from retrieval.picture import Picture
from retrieval.representation import SparseVector


def test_deleting_what_counts_lowers_the_score_most():
    pixels = np.zeros((48, 48), np.float32)
    pixels[8:16, 8:16] = 1
    heat = np.zeros((48, 48), np.float32)
    heat[8:16, 8:16] = 1
    share = 64 / 48**2

    def score(picture):
        return float(picture.pixels[8:16, 8:16].mean())

    right = deletion(score, Picture(pixels), heat, share=share)
    assert right.is_faithful
    assert right.explained == pytest.approx(1 - pixels.mean(), abs=1e-6)
    wrong = deletion(score, Picture(pixels), np.roll(heat, 20, axis=0), share=share)
    assert wrong.explained == pytest.approx(0, abs=1e-6)
    assert not wrong.is_faithful


def test_what_is_covered_elsewhere_is_hardly_covered_before():
    pixels = np.zeros((48, 48), np.float32)
    heat = np.zeros((48, 48), np.float32)
    heat[10:20, 5:17] = 1
    counted = []

    def score(picture):
        counted.append(float((picture.pixels[10:20, 5:17] != 0).mean()))
        return 0.0

    found = deletion(score, Picture(pixels + (heat == 0)), heat, share=120 / 48**2)
    whole, *elsewhere, explained = counted
    assert (whole, explained) == (0, 1)
    assert len(elsewhere) == len(found.random) == DRAWS
    assert max(elsewhere) <= OVERLAP + 1e-6


def test_where_everything_overlaps_the_least_is_taken():
    every_other = (np.arange(12) % 2 == 0)[None].astype(np.float32)
    heat = np.repeat(every_other, 4, axis=0)
    found = deletion(lambda _: 0.0, Picture(np.zeros((40, 120), np.float32)), heat, share=0.5, draws=24)
    assert len(found.random) == 24
    tiny = deletion(lambda _: 0.0, Picture(np.zeros((9, 9), np.float32)), np.ones((1, 1), np.float32))
    assert (tiny.share, tiny.random) == (1, ())
    assert not tiny.is_faithful


def test_faithful_is_what_lowers_the_score_further_than_nearly_all_draws():
    assert not Deletion(0.2, 0.0, (0.0,) * 40).is_faithful
    assert Deletion(0.2, 0.5, (0.1,) * 38 + (0.6,) * 2).is_faithful
    assert not Deletion(0.2, 0.5, (0.1,) * 37 + (0.6,) * 3).is_faithful
    assert not Deletion(0.2, 0.5, (0.1,) * 37 + (0.5,) * 3).is_faithful
    assert not Deletion(0.2, -0.1, (-0.5,) * 40).is_faithful


def test_similarity_is_the_inner_product_of_either_kind():
    one = SparseVector(np.array([1, 3], np.uint32), np.array([0.6, 0.8], np.float32), 5)
    other = SparseVector(np.array([3, 4], np.uint32), np.array([0.5, 0.5], np.float32), 5)
    assert similarity(one, other) == pytest.approx(0.4)
    assert similarity(np.eye(3, dtype=np.float32)[:2], np.array([0.1, 0.7, 0.2])) == pytest.approx(0.7)


def test_heat_is_where_the_points_are():
    heat = scattered(np.array([10.0]), np.array([90.0]), np.array([1.0]), (50, 100))
    assert heat.shape == (24, 48)
    assert np.unravel_index(np.argmax(heat), heat.shape) == (4, 43)


@pytest.mark.parametrize("shape", [(96, 96), (96, 40), (12, 96, 3), (1, 1)])
def test_occlusion_is_hottest_where_the_score_comes_from(shape):
    rows, cols = shape[0], shape[1]
    place = (slice(rows // 2, rows // 2 + max(1, rows // 8)), slice(cols // 4, cols // 4 + max(1, cols // 8)))
    pixels = np.zeros(shape, np.float32)
    pixels[place] = 1

    def score(picture):
        return float(picture.pixels[place].mean())

    heat = occlusion(score, Picture(pixels))
    if shape == (1, 1):
        assert not heat.any()  # its mean is itself, so that to cover it changes nothing
        return
    assert heat.dtype == np.float32 and heat.min() == 0 and heat.max() == 1
    row, col = np.unravel_index(heat.argmax(), heat.shape)
    # Within one step of the place, an eighth of the longer side.
    step = max(rows, cols) / 8
    assert abs((row + 0.5) / heat.shape[0] * rows - rows * 0.56) <= step
    assert abs((col + 0.5) / heat.shape[1] * cols - cols * 0.31) <= step


def test_occlusion_shows_no_heat_where_covering_raises_the_score():
    heat = occlusion(
        lambda picture: -float(picture.pixels[:16, :16].mean()), Picture(np.eye(48, 48, 0, np.float32))
    )
    assert not heat[:5, :5].any()
