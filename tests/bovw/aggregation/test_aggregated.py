"""Aggregated descriptors: expectations worked out by hand."""

import json

import cv2
import numpy as np
import pytest

import bovw
from bovw.aggregation.aggregation_settings import AsmkSettings, VladSettings
from bovw.aggregation.asmk import Asmk
from bovw.aggregation.residuals import residuals, scaled
from bovw.aggregation.vlad import FEWEST, Vlad
from bovw.vocabulary.assignment import Assigner
from bovw.vocabulary.weighted_vocabulary import WeightedVocabulary
from cli.options.representation_flags import explanations
from retrieval.errors import FitError, IndexFolderError, SettingError
from retrieval.index.writer import IndexWriter
from retrieval.picture import Picture

CENTERS = np.float32([[0, 0], [10, 10], [20, 0]])
POINTS = np.float32([[1, 0], [10, 12], [3, 0], [10, 8]])
"""Two points of word 0, whose residuals sum to (4, 0), and two of word 1, whose residuals cancel."""


def vocabulary() -> WeightedVocabulary:
    return WeightedVocabulary(CENTERS, np.ones(3, np.float32), np.ones(3, np.int64), None, Assigner(CENTERS))


def test_residuals_of_a_word_are_summed():
    present, sums = residuals(np.array([0, 1, 0, 1]), POINTS, CENTERS)
    assert present.tolist() == [0, 1]
    np.testing.assert_array_equal(sums, [[4, 0], [0, 0]])


def test_rows_of_length_zero_stay_zero():
    np.testing.assert_allclose(scaled(np.float32([[3, 4], [0, 0]])), [[0.6, 0.8], [0, 0]])


def test_each_word_of_a_vlad_counts_alike():
    points = np.float32([[4, 0], [10, 11], [20, 0.25], [20, 0.75]])
    vector = Vlad(VladSettings(components=0, power=1.0), vocabulary()).vector(points)
    np.testing.assert_allclose(vector, np.float32([1, 0, 0, 1, 0, 1]) / np.sqrt(3), atol=1e-6)


def test_power_flattens_a_residual_before_it_is_scaled():
    vector = Vlad(VladSettings(components=0, power=0.5), vocabulary()).vector(np.float32([[4, -1]]))
    np.testing.assert_allclose(vector[:2], np.float32([2, -1]) / np.sqrt(5), atol=1e-6)


def test_no_points_make_an_empty_vector():
    for made in (Vlad(VladSettings(), vocabulary()), Asmk(AsmkSettings(), vocabulary())):
        vector = made.vector(np.empty((0, 2), np.float32))
        assert not getattr(vector, "values", vector).any()


def test_a_code_is_the_signs_of_the_residuals():
    vector = Asmk(AsmkSettings(), vocabulary()).vector(np.float32([[4, -1], [19, 2]]))
    np.testing.assert_allclose(vector.dense(), [0.5, -0.5, 0, 0, -0.5, 0.5])


def test_far_codes_do_not_count():
    made = Asmk(AsmkSettings(alpha=1.0, threshold=0.5), vocabulary())
    ranker = made.ranker()
    near, half, both = [[4, 1]], [[4, -1]], [[4, 1], [19, 2]]
    ranker.add(np.arange(3), [made.vector(np.float32(points)) for points in (near, half, both)])
    ranking = ranker.rank(made.vector(np.float32(near)), 3)
    assert ranking.ids.tolist() == [0, 2, 1]
    np.testing.assert_allclose(ranking.scores, [1, 1 / np.sqrt(2), 0], atol=1e-6)


def test_a_whitening_is_learnt_of_enough_pictures_and_comes_back():
    rng = np.random.default_rng(0)
    pictures = [rng.normal(8, 6, (12, 2)).astype(np.float32) for _ in range(FEWEST)]
    few, many = (Vlad(VladSettings(components=4), vocabulary()) for _ in range(2))
    few.learn(pictures[1:])
    many.learn(pictures)
    assert (few.dimension, many.dimension) == (6, 4)
    again = Vlad(VladSettings(components=4), vocabulary())
    again.restore(many.arrays())
    np.testing.assert_array_equal(again.vector(pictures[3]), many.vector(pictures[3]))
    assert np.linalg.norm(many.vector(pictures[3])) == pytest.approx(1, abs=1e-6)
    with pytest.raises(IndexFolderError, match="index again"):
        Vlad(VladSettings(components=0), vocabulary()).restore(many.arrays())


@pytest.mark.parametrize("kind", ["vlad", "asmk"])
def test_every_setting_is_explained_and_a_bad_one_refused(kind):
    made = getattr(bovw, kind)()
    explained = {name for part in made.parts for name, meaning in explanations(part).items() if meaning}
    assert made.settings.keys() <= explained
    for bad in ({"features": "sheep"}, {"points": 0}, {"words": 1}, {"descriptor": "x"}, {"weights": "x"}):
        with pytest.raises(SettingError, match=next(iter(bad))):
            getattr(bovw, kind)(**bad)
    with pytest.raises(SettingError, match="did you mean words"):
        getattr(bovw, kind)(wordz=4)


@pytest.mark.parametrize("features", ["sift", "dense", "superpixel"])
def test_features_are_chosen_by_name(features):
    made = bovw.vlad(features=features, points=50)
    assert type(made.local_features.extractor.detector).__name__.lower() == features
    assert bovw.vlad(**json.loads(json.dumps(made.settings))).settings == made.settings


def test_pictures_without_points_teach_nothing():
    with pytest.raises(FitError, match="add images"):
        bovw.asmk().fit([Picture(np.zeros((20, 20), np.float32))])


def test_feedback_says_that_codes_cannot_be_moved(tmp_path):
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 256, (64, 64), dtype=np.uint8)
        assert cv2.imwrite(str(tmp_path / f"{i}.png"), cv2.GaussianBlur(noise, (0, 0), 2))
    with IndexWriter.create(tmp_path / "i") as index:
        index.add_representation(bovw.asmk(words=16))
        index.update([tmp_path], jobs=1)
        assert len(index.query("0.png", k=4)) == 4
        for terms in ({"like": ("1.png",)}, {"unlike": ("1.png",)}, {"blind": 2}):
            with pytest.raises(SettingError, match="binary codes, which feedback cannot move"):
                index.query("0.png", **terms)
