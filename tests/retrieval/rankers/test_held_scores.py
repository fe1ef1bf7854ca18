"""Facts about the scores of a few ids, and about all ids above a score: those of the whole ranking."""

import numpy as np
import pytest

from retrieval.ranker import order
from retrieval.rankers import inverted
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.held_scores import held_scores
from retrieval.rankers.inverted import PACKED, InvertedIndex
from retrieval.rankers.packed.factors import Factors
from retrieval.representation import SparseVector

N, SIZE = PACKED + 100, 30
RNG = np.random.default_rng(5)
DENSE = RNG.normal(size=(N, 8)).astype(np.float32)
COUNTS = RNG.poisson(0.8, (N, SIZE))


def bag(counts):
    words = np.flatnonzero(counts).astype(np.uint32)
    return SparseVector(words, np.sqrt(counts[words]).astype(np.float32), SIZE)


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    """A segment with codes, a block in memory, and images that were removed."""
    folder = tmp_path_factory.mktemp("dense")
    made = ExactRanker(8)
    made.add(np.arange(PACKED), DENSE[:PACKED])
    made.save(folder)
    ranker = ExactRanker.open([folder], 8)
    ranker.add(np.arange(PACKED, N), DENSE[PACKED:])
    ranker.remove(np.arange(0, N, 50))
    return ranker


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words") / "segment"
    factors = Factors(np.sqrt(np.arange(100.0)), np.ones(SIZE), np.array([SIZE]), np.ones(1, np.float32))
    made = InvertedIndex(SIZE, factors)
    made.add(np.arange(PACKED), [bag(row) for row in COUNTS[:PACKED]])
    made.save(folder)
    index = InvertedIndex.open([folder], SIZE, factors)
    index.add(np.arange(PACKED, N), [bag(row) for row in COUNTS[PACKED:]])
    index.remove(np.arange(0, N, 50))
    return index


IDS = np.concatenate([RNG.permutation(N)[:300], [N + 7]])


@pytest.mark.parametrize("many_views", [False, True])
def test_scores_are_those_of_the_ranking_to_the_last_bit(dense, many_views):
    _check(dense, DENSE[[3, 70]] if many_views else DENSE[3])


@pytest.mark.parametrize("with_kernels", [False, True])
def test_so_are_those_of_words_with_and_without_kernels(words, with_kernels, monkeypatch):
    monkeypatch.setattr(inverted, "is_worth_loading", lambda work: with_kernels)
    _check(words, bag(COUNTS[3]))


def test_so_are_those_of_a_ranker_that_only_ranks(dense):
    class Ranks:
        rank = staticmethod(dense.rank)

    expected = held_scores(dense, DENSE[3], IDS)
    assert held_scores(Ranks(), DENSE[3], IDS).tobytes() == expected.tobytes()
    assert len(held_scores(Ranks(), DENSE[3], IDS[:0])) == 0


def _check(ranker, query):
    ranking = ranker.rank(query, N)
    known = dict(zip(ranking.ids.tolist(), ranking.scores.tolist(), strict=True))
    found = held_scores(ranker, query, IDS)
    assert found.dtype == np.float32
    assert found.tolist() == [known.get(id, 0.0) for id in IDS.tolist()]
    assert 0.0 in found  # what was removed, and what never was there


@pytest.mark.parametrize("is_filtered", [False, True])
def test_all_above_a_score_are_the_first_of_the_ranking(dense, is_filtered):
    among = RNG.random(N) < 0.3 if is_filtered else None
    ranking = dense.rank(DENSE[9], N, among)
    for place in (0, 40, len(ranking) - 1):
        least = float(ranking.scores[place])
        found = dense.above(DENSE[9], least, N, among)
        n = int(np.count_nonzero(ranking.scores >= ranking.scores[place]))
        assert found.ids.tolist() == ranking.ids[:n].tolist()
        assert found.scores.tobytes() == ranking.scores[:n].tobytes()
    assert len(dense.above(DENSE[9], 2.0, N, among)) == 0
    assert dense.above(DENSE[9], float(ranking.scores[40]), 20, among) is None


@pytest.mark.parametrize("is_filtered", [False, True])
@pytest.mark.parametrize("kind", ["dense", "dot", "words"])
def test_what_reaches_a_score_is_the_same_in_any_order(dense, words, kind, is_filtered):
    ranker, query = (words, bag(COUNTS[9])) if kind == "words" else (dense, DENSE[9])
    if kind == "dot":
        ranker = ExactRanker(8, "dot")
        ranker.add(np.arange(N), DENSE)
    among = RNG.random(N) < 0.3 if is_filtered else None
    ranking = ranker.rank(query, N, among)
    for place in (0, 40, len(ranking) - 1):
        ids, scores = ranker.reached(query, float(ranking.scores[place]), among)
        n = int(np.count_nonzero(ranking.scores >= ranking.scores[place]))
        found = order(ids, scores, len(ids))
        assert found.ids.tolist() == ranking.ids[:n].tolist()
        assert found.scores.tobytes() == ranking.scores[:n].tobytes()
    assert len(ranker.reached(query, np.inf, among)[0]) == 0
