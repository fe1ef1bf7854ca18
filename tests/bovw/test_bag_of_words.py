"""The bag of words: its vector, its vocabulary from few or equal pictures, soft assignment, tone."""

from __future__ import annotations

import numpy as np
import pytest
from support.images import mosaic

import bovw
from bovw.bag_of_words import BagOfWords
from bovw.verification.evidence import EVIDENCE
from bovw.vocabulary.sample_size import PER_PICTURE, PER_WORD
from retrieval.errors import FitError, IndexFolderError
from retrieval.index.catalogue.recipe import earlier_settings, recipe_settings
from retrieval.picture import Picture
from retrieval.rankers import inverted
from retrieval.region import Region


def make(detector: str = "dense", **settings: object) -> BagOfWords:
    small = {"words": 16, "tone_words": 5, "points": 50}
    return getattr(bovw, detector)(**{**small, **settings})


PICTURES = [mosaic(seed, colour=seed % 3 == 2) for seed in range(8)]


@pytest.fixture(scope="module")
def fitted() -> BagOfWords:
    return make().fit(PICTURES)


def vector(bag: BagOfWords, seen: Picture, region: Region | None = None) -> np.ndarray:
    return bag.encode(seen, region).vector.dense()


def same_learnt(first: BagOfWords, second: BagOfWords) -> bool:
    a, b = first.learnt(), second.learnt()
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_the_vector_counts_words_of_shape_then_words_of_tone(fitted):
    assert fitted.size == fitted.shape_vocabulary_.size + fitted.tone_vocabulary_.size == 16 + 5
    assert fitted.encode(PICTURES[0]).vector.size == 21
    assert fitted.make_ranker().size == 21


def test_a_score_is_the_sum_of_the_scores_of_shape_and_tone(fitted):
    first, second = vector(fitted, PICTURES[0]), vector(fitted, PICTURES[3])
    shapes, tones = make(tone_words=0).fit(PICTURES), make(tone_weight=1.0).fit(PICTURES)
    of_shape = vector(shapes, PICTURES[0]) @ vector(shapes, PICTURES[3])
    of_tone = vector(tones, PICTURES[0]) @ vector(tones, PICTURES[3])
    assert first @ second == pytest.approx(0.8 * of_shape + 0.2 * of_tone, abs=1e-6)


def test_without_tone_there_are_words_of_shape_alone():
    bag = make(tone_words=0).fit(PICTURES)
    assert bag.tone_vocabulary_ is None
    assert bag.size == 16
    assert {key.split("_")[0] for key in bag.learnt()} == {"shapes"}
    assert same_learnt(make(tone_words=0).restore(bag.learnt()), bag)


@pytest.mark.parametrize(("weight", "empty"), [(0.0, slice(16, None)), (1.0, slice(16))])
def test_a_weight_of_nothing_or_all_leaves_one_kind_of_words(weight, empty):
    encoded = make(tone_weight=weight).fit(PICTURES).encode(PICTURES[0]).vector
    assert not encoded.dense()[empty].any()
    assert (encoded.values > 0).all()
    assert np.linalg.norm(encoded.values) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"norm": "l1", "stop": 0.1},
        {"tf": "log"},
        {"tf": "raw", "tone_words": 0},
        {"tf": "binary"},
        {"weigh_points": "gradient"},
        {"weigh_points": "strength", "tf": "log"},
    ],
)
def test_bags_are_packed_without_loss_whatever_the_weighting(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(inverted, "PACKED", 1)
    bag = make(**settings).fit(PICTURES[:4])
    vectors = [bag.encode(seen).vector for seen in PICTURES]
    index = bag.make_ranker()
    index.add(np.arange(len(vectors)), vectors)
    index.save(tmp_path)
    assert (tmp_path / "forward.npy").exists()
    opened = bag.open_ranker([tmp_path])
    for i, vector_ in enumerate(vectors):
        assert opened.vector(i).values.tobytes() == vector_.values.tobytes()


@pytest.mark.parametrize("by", ["gradient", "strength"])
@pytest.mark.parametrize("assignments", [1, 3])
def test_weighed_points_count_for_their_amounts_in_both_kinds_of_words(by, assignments):
    bag = make(weigh_points=by, tf="raw", idf=False, norm="l1").fit(PICTURES)
    asking = bag if assignments == 1 else bag.adjusted(assignments=assignments)
    seen = PICTURES[3]
    features, found = bag.extractor.extract(seen), asking.encode_query(seen)
    assert features.amounts.sum() > 0
    tones = np.bincount(found.evidence["tone"], features.amounts, minlength=5)
    shares = 0.2 * tones / tones.sum()  # the vector holds roots, of the shares of the words in both bags
    np.testing.assert_allclose(found.vector.dense()[16:] ** 2, shares, atol=1e-6)
    shapes = np.bincount(found.evidence["word"], features.amounts, minlength=16)
    apart = found.vector.dense()[:16] ** 2 - 0.8 * shapes / shapes.sum()
    assert (np.abs(apart).max() < 1e-6) == (assignments == 1)
    assert not np.array_equal(bag.encode(seen).vector.dense(), vector(make().fit(PICTURES), seen))


def test_points_that_count_alike_give_the_recipe_of_before():
    later = {"median", "density", "weigh_points"}
    assert not later & recipe_settings(make("superpixel")).keys()
    assert (
        later
        <= recipe_settings(make("superpixel", median=5, density="structure", weigh_points="strength")).keys()
    )
    assert not earlier_settings(make("dense"), {})


def test_evidence_holds_the_word_of_each_point(fitted):
    encoding = fitted.encode(PICTURES[1])
    assert encoding.evidence.dtype == EVIDENCE
    assert len(encoding.evidence) == pytest.approx(50, abs=1)
    words = np.flatnonzero(encoding.vector.dense()[:16])
    np.testing.assert_array_equal(np.unique(encoding.evidence["word"]), words)
    assert (encoding.evidence["scale"] > 0).all()


@pytest.mark.parametrize("detector", ["sift", "dense", "superpixel"])
@pytest.mark.parametrize("assignments", [3, 16])
def test_soft_assignment_keeps_unit_length_and_shares_points_among_words(detector, assignments):
    bag = make(detector, assignments=assignments, softness=0.5).fit(PICTURES)
    for seen in PICTURES[:3]:
        hard, soft = bag.encode(seen), bag.encode_query(seen)
        assert np.linalg.norm(soft.vector.values) == pytest.approx(1, abs=1e-6)
        assert set(hard.vector.indices) <= set(soft.vector.indices)
        assert not np.array_equal(soft.vector.dense(), hard.vector.dense())
        np.testing.assert_array_equal(hard.evidence, soft.evidence)


def test_soft_assignment_over_more_words_than_there_are_takes_them_all():
    bag = make(words=2, tone_words=2, assignments=16, softness=9.0).fit(PICTURES)
    assert bag.encode_query(PICTURES[0]).vector.indices.tolist()[:2] == [0, 1]


def test_with_one_assignment_a_query_is_encoded_like_any_picture(fitted):
    encoding, query = fitted.encode(PICTURES[0]), fitted.encode_query(PICTURES[0])
    np.testing.assert_array_equal(encoding.vector.dense(), query.vector.dense())


def test_more_words_than_the_sample_can_make_are_refused_in_one_line():
    with pytest.raises(FitError, match="give more images or fewer words") as refused:
        make(words=5000).fit(PICTURES)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("pictures", [[], [Picture(np.full((30, 30), 0.5, np.float32))] * 3])
def test_pictures_without_points_are_refused_in_one_line(pictures):
    with pytest.raises(FitError, match="0 points, too few for any words; add images"):
        make().fit(pictures)


def test_words_left_open_adapt_to_a_small_sample():
    for n in (1, 2, 8):
        bag = make(words=None).fit(PICTURES[:n])
        assert bag.shape_vocabulary_.size == max(2, 50 * n // PER_WORD)
        assert np.isfinite(vector(bag, PICTURES[0])).all()


def test_words_left_open_adapt_to_a_sample_that_repeats_one_picture():
    # 60 · 50 points could make 93 words, but only 50 of them differ.
    bag = make(words=None).fit(PICTURES[:1] * 60)
    assert 2 <= bag.shape_vocabulary_.size <= 50


def test_there_are_no_more_words_of_tone_than_tones():
    seen = np.zeros((60, 60), np.float32)
    seen[:30] = 1
    bag = make(words=None, tone_words=200).fit([Picture(seen)] * 2)
    assert 2 <= bag.tone_vocabulary_.size <= 50


def test_a_sample_is_bounded_small_and_free_of_objects():
    sample = make(points=2000).sample(mosaic(3, side=200))
    assert sample["shapes"].shape == (PER_PICTURE, 128)
    assert sample["tones"].shape == (PER_PICTURE, 15)
    assert {array.dtype for array in sample.values()} == {np.dtype(np.float16)}


def test_a_sample_of_a_constant_picture_is_empty():
    sample = make().sample(Picture(np.zeros((40, 40, 3), np.float32)))
    assert (sample["shapes"].shape, sample["tones"].shape) == ((0, 128), (0, 15))


def test_many_words_ask_for_many_pictures():
    assert make(words=None).n_fit_pictures == 1000
    assert make(words=65536, points=400).n_fit_pictures == 65536 * PER_WORD // 400
    assert make(words=65536, points=5000).n_fit_pictures == 65536 * PER_WORD // PER_PICTURE


@pytest.mark.parametrize("longest", [32, 64])
def test_pictures_are_shrunk_to_the_longest_side(longest):
    large = mosaic(4, side=128)
    bag = make(longest_side=longest).fit([large, *PICTURES])
    small, factor = large.fit_within(longest)
    assert factor == longest / 128
    np.testing.assert_array_equal(vector(bag, large), vector(bag, small))
    evidence, shrunk = bag.encode(large).evidence, bag.encode(small).evidence
    np.testing.assert_allclose((evidence["col"] + 0.5) * factor - 0.5, shrunk["col"], atol=1e-4)
    np.testing.assert_allclose(evidence["scale"] * factor, shrunk["scale"], rtol=2e-3)


def test_the_seed_decides_the_words():
    assert same_learnt(make(seed=4).fit(PICTURES), make(seed=4).fit(PICTURES))
    assert not same_learnt(make(seed=4).fit(PICTURES), make(seed=5).fit(PICTURES))


@pytest.mark.parametrize(
    "settings",
    [
        {"descriptor": "rootsift"},
        {"descriptor": "patch", "patch_side": 5, "patch_normalise": "mean", "components": 6},
        {"position": 0.5},
        {"components": 500},
        {"foreground_only": True},
        {"norm": "l1", "tf": "log", "idf": False},
        {"stop": 0.3},
        {"approximate_above": 4},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_every_kind_of_bag_ranks_the_query_first_and_comes_back(settings):
    bag = make(**settings).fit(PICTURES)
    again = make(**settings).restore(bag.learnt())
    assert same_learnt(bag, again)
    matrix = np.array([vector(bag, seen) for seen in PICTURES])
    np.testing.assert_array_equal(matrix, [vector(again, seen) for seen in PICTURES])
    filled = np.linalg.norm(matrix, axis=1) > 0
    assert filled.all()
    for id, row in enumerate(matrix):
        scores = matrix @ row
        assert scores[id] == pytest.approx(scores.max(), abs=1e-6)


def test_a_vocabulary_of_other_settings_is_not_taken_back(fitted):
    learnt = fitted.learnt()
    for other in ({"words": 17}, {"descriptor": "patch"}, {"position": 1.0}):
        with pytest.raises(IndexFolderError, match="index again"):
            make(**other).restore(learnt)
    for key in learnt:
        with pytest.raises(IndexFolderError, match="index again"):
            make().restore({name: array for name, array in learnt.items() if name != key})


def test_a_refused_vocabulary_leaves_a_bag_as_it_was(fitted):
    bag = make()
    with pytest.raises(IndexFolderError):
        bag.restore({name: array for name, array in fitted.learnt().items() if name != "tones_centers"})
    assert not bag.is_fitted


def test_nothing_is_learnt_where_learning_fails():
    bag = make(tone_words=5)
    with pytest.raises(FitError):
        # One tone only: every point sees the same grey.
        bag.learn([{"shapes": np.eye(64, 128, dtype=np.float16), "tones": np.ones((64, 15), np.float16)}])
    assert not bag.is_fitted


def test_a_region_may_hold_the_whole_of_several_polygons(fitted):
    halves = Region((*Region.box(0, 0, 72, 36).polygons, *Region.box(0, 36, 72, 36).polygons))
    np.testing.assert_array_equal(vector(fitted, PICTURES[0], halves), vector(fitted, PICTURES[0]))


@pytest.mark.parametrize("settings", [{}, {"tone_words": 0}, {"signature": 32}])
def test_a_region_of_stored_points_is_encoded_as_one_of_pixels(settings):
    bag = make(points=400, **settings).fit(PICTURES)
    stored, region = bag.encode(PICTURES[2]).evidence, Region.box(4, 6, 60, 55)
    part, expected = bag.encode_part(stored, region), bag.encode_query(PICTURES[2], region)
    assert 64 <= len(part.evidence) < len(stored)
    np.testing.assert_array_equal(part.evidence, expected.evidence)
    np.testing.assert_array_equal(part.vector.indices, expected.vector.indices)
    np.testing.assert_array_equal(part.vector.values, expected.vector.values)


def test_a_region_takes_pixels_if_few_points_are_in_it_or_words_are_shared(fitted):
    stored = fitted.encode(PICTURES[2]).evidence
    assert fitted.encode_part(stored, Region.box(0, 0, 20, 20)) is None
    assert fitted.adjusted(assignments=2).encode_part(stored, Region.whole((72, 72))) is None


@pytest.mark.parametrize("by", ["gradient", "strength"])
def test_a_region_takes_pixels_if_points_are_weighed_since_weights_are_not_stored(by):
    bag = make(points=400, weigh_points=by).fit(PICTURES)
    stored = bag.encode(PICTURES[2]).evidence
    assert bag.encode_part(stored, Region.whole((72, 72))) is None


def test_a_fit_reports_its_vocabularies():
    bag = make().fit(PICTURES)
    assert set(bag.report) == {"shape", "tone"}
    assert bag.report["shape"]["empty words"] == 0
    assert bag.report["shape"]["words"] + bag.report["tone"]["words"] == bag.size
    assert 0 < bag.report["shape"]["largest share"] <= 1
    assert bag.report["shape"]["descriptors"] == sum(len(bag.sample(p)["shapes"]) for p in PICTURES)
    assert make().restore(bag.learnt()).report == {}


def test_grey_and_coloured_pictures_share_a_vocabulary_of_opponent_colours():
    grey = PICTURES[0]
    planes = (grey.grey, grey.grey**2, 1 - grey.grey)
    coloured = Picture(np.stack(planes, axis=2))
    bag = make(descriptor="opponentsift").fit([*PICTURES, coloured])
    assert np.isclose(np.linalg.norm(vector(bag, grey)), 1)
    assert vector(bag, grey) @ vector(bag, coloured) < 0.99
