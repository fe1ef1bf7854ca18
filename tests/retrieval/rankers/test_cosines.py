"""Facts about the cosines of held vectors: those of the vectors themselves, however they are held."""

import numpy as np
import pytest

from retrieval.rankers import cosines as module
from retrieval.rankers.cosines import bag_cosines, cosines, held_cosines
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.inverted import PACKED, InvertedIndex
from retrieval.rankers.packed.factors import Factors
from retrieval.representation import SparseVector

SIZE = 40
RNG = np.random.default_rng(3)
CHOSEN = np.array([4099, 7, 0, 4200, 12])
COUNTS = RNG.poisson(0.7, (PACKED, SIZE))
COUNTS[7] = 0


def bag(counts):
    words = np.flatnonzero(counts).astype(np.uint32)
    return SparseVector(words, np.sqrt(counts[words]).astype(np.float32), SIZE)


BAGS = [bag(row) for row in COUNTS]


def expected(rows):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(lengths > 0, lengths, 1)
    return unit @ unit.T


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A packed segment, and a block in memory."""
    folder = tmp_path_factory.mktemp("words")
    one = np.ones(SIZE)
    factors = Factors(np.sqrt(np.arange(100.0)), one, np.array([SIZE]), np.ones(1, np.float32))
    made = InvertedIndex(SIZE, factors)
    made.add(np.arange(PACKED), BAGS)
    made.save(folder / "packed")
    index = InvertedIndex.open([folder / "packed"], SIZE, factors)
    index.add(np.arange(PACKED, PACKED + 200), BAGS[:200])
    return index


def test_bags_are_compared_in_the_order_asked_for(words):
    rows = np.stack([BAGS[id % PACKED].dense() for id in CHOSEN.tolist()])
    found = held_cosines(words, CHOSEN)
    np.testing.assert_allclose(found, expected(rows), atol=1e-6)
    assert (found[1] == 0).all()


def test_dense_vectors_are_compared_in_the_order_asked_for():
    ranker = ExactRanker(3)
    vectors = RNG.normal(size=(50, 3)).astype(np.float32)
    ranker.add(np.arange(10, 40), vectors[10:40])
    ranker.add(np.arange(40, 50), vectors[40:])
    ids = np.array([45, 11, 38, 40])
    np.testing.assert_allclose(held_cosines(ranker, ids), expected(vectors[ids]), atol=1e-6)


def test_what_is_not_there_is_named(words):
    words.remove(np.array([5]))
    for id in (5, 10_000):
        with pytest.raises(KeyError, match=str(id)):
            words.cosines(np.array([3, id]))


@pytest.mark.parametrize("a_thread", [1e12, 4e3])
def test_products_are_the_same_with_and_without_numba_in_any_threads(a_thread, monkeypatch):
    few = BAGS[8:60]
    lengths = np.array([len(one.indices) for one in few])
    words = np.concatenate([one.indices for one in few]) * 251  # more than are added at a time
    values, size = RNG.random(len(words)).astype(np.float32), 251 * SIZE
    order = RNG.permutation(52)
    monkeypatch.setattr(module, "_A_THREAD", a_thread)
    monkeypatch.setattr(module, "is_worth_loading", lambda work: True)
    compiled = bag_cosines(lengths, words, values, size, order)
    monkeypatch.setattr(module, "is_worth_loading", lambda work: False)
    assert bag_cosines(lengths, words, values, size, order).tobytes() == compiled.tobytes()
    assert bag_cosines(lengths, words, values, size)[order][:, order].tobytes() == compiled.tobytes()
    np.testing.assert_allclose(compiled.diagonal(), 1, atol=1e-6)


def test_a_ranker_that_only_hands_out_vectors_is_compared_too():
    class Plain:
        def vector(self, id):
            return BAGS[id]

    found = held_cosines(Plain(), np.array([3, 9, 7]))
    np.testing.assert_array_equal(found, cosines([BAGS[3], BAGS[9], BAGS[7]]))
