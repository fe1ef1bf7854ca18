"""Facts about the blend: a metric's cosine and its base's, summed, as the cosine of joined vectors."""

import numpy as np
import pytest

from retrieval.answers.relevance_feedback import Rocchio
from retrieval.metric_learning.blended_ranker import BlendedRanker, blended, join
from retrieval.rankers import joint_scan
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.packed.factors import Factors
from retrieval.representation import SparseVector

WEIGHT = 0.7
WORDS = Factors(np.sqrt(np.arange(1000.0)), np.ones(80), np.array([80]), np.ones(1, np.float32))
RNG = np.random.default_rng(0)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


METRIC = unit(RNG.normal(size=(3000, 5)))
DENSE = unit(RNG.normal(size=(3000, 12)))
BAGS = unit(np.where(RNG.random((3000, 12)) < 0.4, RNG.random((3000, 12)), 0) + np.eye(12)[0] * 1e-3)


def sparse(row):
    words = np.flatnonzero(row).astype(np.uint32)
    return SparseVector(words, row[words].astype(np.float32), len(row))


def made(rows, base):
    metric = ExactRanker(5)
    ranker = BlendedRanker(metric, base, 5, WEIGHT)
    vectors = rows if isinstance(base, ExactRanker) else [sparse(row) for row in rows]
    ranker.add(np.arange(3000), [join(m, b, WEIGHT) for m, b in zip(METRIC, vectors, strict=True)])
    return ranker


@pytest.fixture(scope="module", params=["dense", "sparse"])
def kind(request):
    if request.param == "dense":
        return made(DENSE, ExactRanker(12)), DENSE
    return made(BAGS, InvertedIndex(12)), BAGS


def scores(i, rows):
    return (METRIC @ METRIC[i] + WEIGHT * (rows @ rows[i])) / (1 + WEIGHT)


@pytest.mark.parametrize("k", [10, 3000])
def test_the_best_are_those_with_the_largest_weighted_sum_of_cosines(kind, k):
    ranker, rows = kind
    expected = scores(4, rows)
    found = ranker.rank(ranker.vector(4), k)
    assert found.ids[0] == 4 and len(found) == k
    np.testing.assert_allclose(found.scores, np.sort(expected)[::-1][:k], atol=2e-6)
    np.testing.assert_allclose(expected[found.ids], found.scores, atol=2e-6)


def test_nothing_is_ranked_if_nothing_is_wanted():
    ranker = made(DENSE, ExactRanker(12))
    without_base = np.append(METRIC[4], np.zeros(12, np.float32))
    assert [len(ranker.rank(query, 0)) for query in (ranker.vector(4), without_base)] == [0, 0]


def test_only_what_is_among_is_ranked(kind):
    ranker, rows = kind
    among = np.arange(3000) % 7 == 3
    found = ranker.rank(ranker.vector(4), 5, among)
    places = np.flatnonzero(among)
    assert set(found.ids.tolist()) == set(places[np.argsort(-scores(4, rows)[places])][:5].tolist())


def test_a_joined_vector_has_unit_length_and_its_cosine_is_the_score(kind):
    ranker, _ = kind
    one, other = (v.dense() if isinstance(v, SparseVector) else v for v in map(ranker.vector, (4, 9)))
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-6)
    found = ranker.rank(ranker.vector(4), 3000)
    assert float(one @ other) == pytest.approx(float(found.scores[found.ids == 9][0]), abs=1e-6)


def test_feedback_moves_both_parts(kind):
    ranker, _ = kind
    moved = Rocchio().refine(ranker.vector(4), [ranker.vector(9)], [])
    dense = [v.dense() if isinstance(v, SparseVector) else v for v in (moved, *map(ranker.vector, range(40)))]
    found = ranker.rank(moved, 3000)
    expected = np.array(dense[1:]) @ dense[0]
    for place in range(40):
        score = float(found.scores[found.ids == place][0])
        assert score == pytest.approx(float(expected[place]), abs=3e-6)


def test_an_empty_query_finds_all_alike():
    ranker = made(DENSE, ExactRanker(12))
    found = ranker.rank(np.zeros(17, dtype=np.float32), 3)
    assert found.scores.tolist() == [0, 0, 0]


def test_what_is_removed_is_gone_from_both_and_no_weight_needs_no_blend():
    ranker = made(DENSE, ExactRanker(12))
    ranker.remove(np.array([4]))
    assert len(ranker) == 2999 and 4 not in ranker.ids()
    assert 4 not in ranker.rank(ranker.vector(5), 3000).ids
    metric = ExactRanker(5)
    assert blended(metric, ranker, 5, 0.0) is metric


class Deep(ExactRanker):
    """Finds images by rankings alone, as graphs and engines do."""


@pytest.fixture(scope="module", params=[ExactRanker, Deep])
def large(request, tmp_path_factory):
    """10,000 images in families of five, the same vectors twice in each, saved."""
    folder, rng = tmp_path_factory.mktemp("large"), np.random.default_rng(1)
    middles = rng.normal(size=(2000, 17)).repeat(5, axis=0)
    rows = middles + 0.4 * rng.normal(size=(10_000, 17))
    rows[::5] = rows[1::5]
    for name, vectors in (("metric", rows[:, :5]), ("base", rows[:, 5:])):
        made = ExactRanker(vectors.shape[1])
        made.add(np.arange(10_000), unit(vectors))
        made.save(folder / name)
    metric, base = request.param.open([folder / "metric"], 5), ExactRanker.open([folder / "base"], 12)
    return BlendedRanker(metric, base, 5, WEIGHT)


@pytest.mark.parametrize("is_filtered", [False, True])
def test_the_best_of_many_are_the_first_of_the_whole_ranking(large, is_filtered, monkeypatch):
    among = np.random.default_rng(2).random(10_000) < 0.7 if is_filtered else None
    ranked, own = [], BlendedRanker._summed
    monkeypatch.setattr(BlendedRanker, "_summed", lambda *given: ranked.append(1) or own(*given))
    for id in range(0, 10_000, 997):
        query = large.vector(id)
        for k in (1, 10):
            found = large.rank(query, k, among)
            n_whole = len(ranked)
            whole = large.rank(query, 10_000, among)
            assert found.ids.tolist() == whole.ids[:k].tolist()
            assert found.scores.tobytes() == whole.scores[:k].tobytes()
            assert len(ranked) == n_whole + 1
    assert len(ranked) < 30  # of 22 queries for the best few, most needed no whole ranking


def test_joined_vectors_are_compared_part_by_part(kind):
    ranker, _ = kind
    ids = np.array([7, 2000, 3])
    rows = [v.dense() if isinstance(v, SparseVector) else v for v in map(ranker.vector, ids.tolist())]
    np.testing.assert_allclose(ranker.cosines(ids), np.array(rows) @ np.array(rows).T, atol=1e-5)


@pytest.mark.parametrize("lacks", ["metric", "base"])
def test_cosines_of_images_that_one_part_does_not_hold_yet_are_those_of_the_other(kind, lacks):
    ids = np.array([7, 5, 2999, 8])
    some = made(kind[1], ExactRanker(12) if kind[0].base.__class__ is ExactRanker else InvertedIndex(12))
    both = some.cosines(ids)
    part = {"metric": METRIC, "base": kind[1]}[lacks]
    share = (1.0 if lacks == "metric" else WEIGHT) / (1 + WEIGHT)
    getattr(some, lacks).remove(np.array([5, 2999]))
    gone = np.isin(ids, [5, 2999])
    lost = np.where(gone[:, None] | gone, share * (part[ids] @ part[ids].T), 0)
    np.testing.assert_allclose(some.cosines(ids), both - lost, atol=1e-5)


FAMILIES, ALL = 1000, np.arange(6000)


def of_families(rng, size):
    """Vectors of images in families of six."""
    return rng.normal(size=(FAMILIES, size)).repeat(6, axis=0) + 0.5 * rng.normal(size=(6000, size))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The folder of 6,000 images by a metric, by dense vectors and by packed words."""
    folder, rng = tmp_path_factory.mktemp("parts"), np.random.default_rng(5)
    for name, size in (("metric", 5), ("dense", 12)):
        ranker = ExactRanker(size)
        ranker.add(ALL, unit(of_families(rng, size)))
        ranker.save(folder / name)
    counts = rng.poisson(np.exp(of_families(rng, 80) - 1.5))
    bags = [sparse(unit(np.sqrt(row))) for row in counts + np.eye(80, dtype=int)[0]]
    words = InvertedIndex(80, WORDS)
    words.add(ALL, bags)
    words.save(folder / "words")
    return folder


def opened(folder, base):
    metric = ExactRanker.open([folder / "metric"], 5)
    ranked = ExactRanker.open([folder / "dense"], 12) if base == "dense" else words_of(folder)
    return BlendedRanker(metric, ranked, 5, WEIGHT)


def words_of(folder):
    return InvertedIndex.open([folder / "words"], 80, WORDS)


def assert_first_of_all(ranker, query, k=10, among=None):
    found, whole = ranker.rank(query, k, among), ranker.rank(query, len(ALL), among)
    assert found.ids.tolist() == whole.ids[:k].tolist()
    assert found.scores.tobytes() == whole.scores[:k].tobytes()


@pytest.mark.parametrize("base", ["dense", "words"])
class TestOneScan:
    """The best few come from one scan of the base that knows what the metric adds."""

    @pytest.fixture
    def ranker(self, parts, base, monkeypatch):
        made = opened(parts, base)
        monkeypatch.setattr(BlendedRanker, "_proven", None)
        return made

    def test_it_finds_the_first_of_the_whole_ranking(self, ranker, monkeypatch):
        seen, own = [], BlendedRanker._jointly
        monkeypatch.setattr(BlendedRanker, "_jointly", lambda *given: seen.append(own(*given)) or seen[-1])
        for id in range(0, 6000, 701):
            assert_first_of_all(ranker, ranker.vector(id), k=1 + id % 12)
        assert len(seen) == 9 and all(one is not None for one in seen)

    @pytest.mark.parametrize("share", [0.5, 0.02, 0.0005])
    def test_it_keeps_to_a_filter(self, ranker, share):
        among = np.random.default_rng(2).random(6000) < share
        for id in (3, 4001):
            assert_first_of_all(ranker, ranker.vector(id), among=among)

    def test_it_passes_over_what_was_removed_and_takes_what_was_added(self, ranker):
        query, other = ranker.vector(17), ranker.vector(2500)
        ranker.remove(np.array([17, 18, 5999]))
        ranker.add(np.array([6000, 6001]), [query, other])
        found = ranker.rank(query, 5)
        assert found.ids[0] == 6000 and not {17, 18} & set(found.ids.tolist())
        assert_first_of_all(ranker, query)

    def test_what_the_metric_lacks_has_nothing_of_it(self, ranker):
        query = ranker.vector(40)
        ranker.metric.remove(np.arange(36, 42))
        assert_first_of_all(ranker, query)

    def test_what_the_base_lacks_is_ranked_by_sums_of_whole_rankings(self, ranker, monkeypatch):
        monkeypatch.undo()
        ranker.weight = 0.1  # so that the metric alone brings images to the top
        query = ranker.vector(40)
        ranker.base.remove(np.arange(36, 42))
        assert_first_of_all(ranker, query)
        assert set(ranker.rank(query, 10).ids.tolist()) & set(range(36, 42))


def test_views_of_a_query_are_ranked_in_one_scan(parts):
    ranker = opened(parts, "dense")
    views = np.stack([ranker.vector(id) for id in (5, 3004)])
    assert_first_of_all(ranker, views)
    assert {5, 3004} <= set(ranker.rank(views, 10).ids.tolist())


@pytest.mark.parametrize("at_once", [1, 10_000])
def test_threads_that_share_blocks_find_the_same(parts, at_once, tmp_path, monkeypatch):
    monkeypatch.setattr(BlendedRanker, "_proven", None)
    monkeypatch.setattr(joint_scan, "_ROWS", 700)
    monkeypatch.setattr(joint_scan, "_AT_ONCE", at_once)
    monkeypatch.setattr(joint_scan, "worth_threads", lambda n: 3)
    whole, folders = ExactRanker.open([parts / "dense"], 12), []
    for first in (0, 2500):
        own = np.arange(first, 2500 if first == 0 else 6000)
        segment = ExactRanker(12)
        segment.add(own, np.stack([whole.vector(id) for id in own.tolist()]))
        folders.append(tmp_path / str(first))
        segment.save(folders[-1])
    metric = ExactRanker.open([parts / "metric"], 5)
    ranker = BlendedRanker(metric, ExactRanker.open(folders, 12), 5, WEIGHT)
    for id in range(0, 6000, 1501):
        assert_first_of_all(ranker, ranker.vector(id))
