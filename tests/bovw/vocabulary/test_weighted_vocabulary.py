"""The lexicon: words with weights, learnt from pictures, saved and taken back."""

from __future__ import annotations

import numpy as np
import pytest

from bovw.vocabulary.sampled_rows import gather
from bovw.vocabulary.tf_idf import Weighting
from bovw.vocabulary.vocabulary import Vocabulary
from bovw.vocabulary.weighted_vocabulary import WeightedVocabulary
from retrieval.errors import FitError, IndexFolderError
from retrieval.statistics.pca import Pca

CORNERS = np.array([[0.0, 0.0], [0.0, 8.0], [8.0, 0.0]])
PLAIN = Weighting(tf="raw", norm="l1")


def around(*corners: int, n: int = 20, seed: int = 0) -> np.ndarray:
    """Return n descriptors near each of some corners."""
    noise = np.random.default_rng(seed).normal(0, 0.1, (n * len(corners), 2))
    return (np.repeat(CORNERS[list(corners)], n, axis=0) + noise).astype(np.float16)


def reducing(components: int) -> Pca | None:
    return Pca(components, whiten=0.5) if components else None


def learn(
    components: int = 0, pictures: list[np.ndarray] | None = None, words: int = 3
) -> WeightedVocabulary:
    pictures = pictures or [around(0, 1), around(0, 2, seed=1), around(0, seed=2), around(seed=3)]
    (sample,) = gather(({"rows": rows} for rows in pictures), "rows")
    return WeightedVocabulary.learn(
        sample, Vocabulary(words), PLAIN, reducing(components), approximate_above=0
    )


def word_of(vocabulary: WeightedVocabulary, corner: int) -> int:
    return int(vocabulary.words(CORNERS[[corner]])[0])


def test_words_stand_where_descriptors_gather():
    vocabulary = learn()
    assert vocabulary.size == 3
    for corner in range(3):
        np.testing.assert_allclose(vocabulary.centers[word_of(vocabulary, corner)], CORNERS[corner], atol=0.1)


def test_a_word_counts_as_often_as_pictures_hold_it():
    vocabulary = learn()
    # Four pictures, one of them without any point: three hold the first corner, one each of the others.
    assert [vocabulary.frequency[word_of(vocabulary, corner)] for corner in range(3)] == [3, 1, 1]
    weights = [vocabulary.word_weights[word_of(vocabulary, corner)] for corner in range(3)]
    np.testing.assert_allclose(weights, np.log([5 / 3.5, 5 / 1.5, 5 / 1.5]), rtol=1e-6)


def test_a_bag_is_weighed_by_rarity():
    vocabulary = learn()
    bag = vocabulary.bag(vocabulary.words(CORNERS[[0, 0, 1]]), PLAIN).dense()
    common, rare = 2 * np.log(5 / 3.5), np.log(5 / 1.5)
    expected = np.sqrt([common / (common + rare), rare / (common + rare)])
    np.testing.assert_allclose(bag[[word_of(vocabulary, 0), word_of(vocabulary, 1)]], expected, rtol=1e-6)


def test_a_soft_bag_shares_a_point_among_its_nearest_words():
    vocabulary = learn()
    between = np.array([[0.0, 4.0]])
    hard = vocabulary.bag(vocabulary.words(between), PLAIN).dense()
    soft = vocabulary.soft_bag(between, PLAIN, assignments=2, softness=5.0).dense()
    assert np.count_nonzero(hard) == 1
    assert set(np.flatnonzero(soft)) == {word_of(vocabulary, 0), word_of(vocabulary, 1)}


def test_no_descriptors_make_an_empty_bag():
    for vocabulary in (learn(), learn(components=1)):
        nothing = np.empty((0, 2), np.float32)
        assert len(vocabulary.bag(vocabulary.words(nothing), PLAIN).values) == 0
        assert len(vocabulary.soft_bag(nothing, PLAIN, 3, 0.3).values) == 0


def test_descriptors_are_reduced_to_the_components_asked_for():
    vocabulary = learn(components=1)
    assert (vocabulary.centers.shape, vocabulary.dimension) == ((3, 1), 2)
    assert learn(components=99).centers.shape == (3, 2)
    assert learn().pca is None


@pytest.mark.parametrize("components", [0, 1, 2])
def test_what_was_learnt_comes_back(components):
    vocabulary = learn(components)
    arrays = vocabulary.arrays("some")
    assert all(name.startswith("some_") for name in arrays)
    again = WeightedVocabulary.restore(
        {**arrays, "other_centers": np.zeros(3)}, "some", reducing(components), approximate_above=0
    )
    points = np.random.default_rng(5).uniform(-1, 9, (200, 2))
    np.testing.assert_array_equal(again.words(points), vocabulary.words(points))
    assert all(np.array_equal(array, again.arrays("some")[name]) for name, array in arrays.items())


@pytest.mark.parametrize("components", [0, 1])
def test_a_damaged_lexicon_is_refused(components):
    arrays = learn(components).arrays("w")
    broken = [{name: a for name, a in arrays.items() if name != lost} for lost in arrays]
    broken += [{**arrays, name: a[:-1]} for name, a in arrays.items() if name in ("w_weights", "w_frequency")]
    broken += [{**arrays, "w_centers": np.zeros((0, 2))}, {**arrays, "w_centers": np.zeros(3)}, {}]
    if components:
        broken.append({**arrays, "w_mean": np.zeros(5)})
    for damaged in broken:
        with pytest.raises(
            IndexFolderError, match="the w vocabulary is damaged or of another recipe; index again"
        ):
            WeightedVocabulary.restore(damaged, "w", reducing(components), approximate_above=0)


def test_too_few_descriptors_are_refused():
    with pytest.raises(FitError, match="2 different descriptors cannot make 3 words"):
        learn(pictures=[CORNERS[:2], CORNERS[:2]])
