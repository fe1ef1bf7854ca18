"""Facts about feedback: Rocchio's formula for bags and embeddings alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rankers import sparse

from retrieval.answers.relevance_feedback import Rocchio
from retrieval.errors import SettingError

VECTORS = st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=4)


def unit(vector):
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def plain(query, liked, disliked, a, b, c):
    moved = a * unit(query)
    for weight, part in ((b, liked), (-c, disliked)):
        if part:
            moved = moved + weight * np.mean([unit(v) for v in part], axis=0)
    return moved


@given(VECTORS, VECTORS, VECTORS)
def test_an_embedding_moves_by_the_formula(query, liked, disliked):
    query = np.array(query[0], np.float32)
    liked, disliked = ([np.array(v, np.float32) for v in part] for part in (liked, disliked))
    found = Rocchio(1, 0.6, 0.3).refine(query, liked, disliked)
    np.testing.assert_allclose(found, unit(plain(query, liked, disliked, 1, 0.6, 0.3)), atol=1e-5)


@given(VECTORS, VECTORS, VECTORS)
def test_a_bag_moves_like_an_embedding_but_not_below_nothing(query, liked, disliked):
    query, liked, disliked = np.array(query[0]), [np.array(v) for v in liked], [np.array(v) for v in disliked]
    found = Rocchio(1, 0.6, 0.3).refine(
        sparse(query), [sparse(v) for v in liked], [sparse(v) for v in disliked]
    )
    assert (found.values > 0).all() and found.size == 5
    expected = unit(np.maximum(plain(query, liked, disliked, 1, 0.6, 0.3), 0))
    np.testing.assert_allclose(found.dense(), expected, atol=1e-5)


def test_without_a_word_the_query_stays_the_same():
    query = np.array([3.0, 4.0], np.float32)
    assert Rocchio().refine(query, [], []) is query


def test_every_view_of_a_query_moves():
    views, liked = np.eye(3, dtype=np.float32)[:2], [np.array([0, 0, 2], np.float32)]
    found = Rocchio(1, 1, 0).refine(views, liked, [])
    half = np.sqrt(0.5)
    np.testing.assert_allclose(found, [[half, 0, half], [0, half, half]], atol=1e-6)


def test_bags_of_other_words_are_refused():
    with pytest.raises(ValueError, match="other words"):
        Rocchio().refine(sparse(np.ones(3)), [sparse(np.ones(4))], [])
    with pytest.raises(ValueError, match="other words"):
        Rocchio().refine(sparse(np.ones(3)), [np.ones(3, np.float32)], [])
    with pytest.raises(ValueError, match="bag of words for an embedding"):
        Rocchio().refine(np.ones(3, np.float32), [], [sparse(np.ones(3))])


@pytest.mark.parametrize("name", ["original", "liked", "disliked"])
@pytest.mark.parametrize("value", [-0.1, float("inf"), float("nan")])
def test_weights_below_nothing_are_refused(name, value):
    with pytest.raises(SettingError, match=f"{name}: .* at least 0"):
        Rocchio(**{name: value})
