"""The contract of rankers with a search structure: hits are right, and as many as there are."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from retrieval.errors import IndexFolderError
from retrieval.index.storage.segments import add_sums
from retrieval.ranker import Ranking
from retrieval.rankers.approximate import ApproximateRanker
from retrieval.rankers.dense import ExactRanker
from retrieval.registry import RANKERS, installed, load

N, D = 3000, 24
NAMES = [name for name in installed(RANKERS) if issubclass(load(name, RANKERS), ApproximateRanker)]


@cache
def clusters() -> np.ndarray:
    """Return vectors around 40 middles, of several lengths, some equal, some of zeros."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((40, D))[rng.integers(0, 40, N)] + 0.5 * rng.standard_normal((N, D))
    vectors[100:130], vectors[7] = vectors[100], 0
    return (vectors * rng.choice([1e-20, 1, 1e9], (N, 1))).astype(np.float32)


@pytest.fixture(scope="module", params=NAMES)
def kind(request) -> type[ApproximateRanker]:
    pytest.importorskip({"annoy": "annoy", "hnsw": "faiss"}[request.param])
    return load(request.param, RANKERS)


@pytest.fixture(scope="module")
def folder(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp(kind.name) / "segment"
    ranker = kind(D)
    ranker.add(np.arange(N), clusters())
    ranker.save(folder)
    add_sums(folder)
    return folder


@pytest.fixture
def ranker(kind, folder) -> ApproximateRanker:
    return kind.open([folder], D)


@pytest.fixture
def exact(folder) -> ExactRanker:
    return ExactRanker.open([folder], D)


def queries(n: int = 40) -> np.ndarray:
    rng = np.random.default_rng(1)
    rows = clusters()[rng.integers(200, N, n)].astype(np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True) + 0.05 * rng.standard_normal((n, D))).astype(
        "f4"
    )


def recall(found: list[Ranking], expected: list[Ranking]) -> float:
    both = sum(len(np.intersect1d(a.ids, b.ids)) for a, b in zip(found, expected, strict=True))
    return both / sum(len(ranking) for ranking in expected)


def is_right(found: Ranking, exact: ExactRanker, query: np.ndarray) -> bool:
    """Tell if scores are those of the exact ranker to the last bit, best first, equal ones by id."""
    everything = exact.rank(query, N)
    score = dict(zip(everything.ids.tolist(), everything.scores.tolist(), strict=True))
    pairs = list(zip((-found.scores).tolist(), found.ids.tolist(), strict=True))
    return pairs == sorted(pairs) and all(score[id] == -negative for negative, id in pairs)


def test_it_is_installed_and_keeps_a_structure(kind, folder):
    kind.check_installed()
    assert (folder / kind.name).is_dir()


def test_nearly_all_of_the_best_are_found_with_their_exact_scores(ranker, exact):
    found = [ranker.rank(query, 10) for query in queries()]
    assert recall(found, [exact.rank(query, 10) for query in queries()]) >= 0.95
    assert all(is_right(one, exact, query) for one, query in zip(found, queries(), strict=True))


def test_several_views_of_a_query_find_the_best_of_each(ranker, exact):
    pairs = [queries()[i : i + 2] for i in range(0, 20, 2)]
    found, expected = ([one.rank(pair, 10) for pair in pairs] for one in (ranker, exact))
    assert recall(found, expected) >= 0.95


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.8, 1])
def test_a_filter_is_exact_and_costs_no_hit(ranker, exact, share):
    among = np.random.default_rng(2).random(N) < share
    found, expected = ([one.rank(query, 10, among) for query in queries()] for one in (ranker, exact))
    assert [len(one) for one in found] == [len(one) for one in expected]
    assert all(among[one.ids].all() for one in found)
    assert recall(found, expected) >= 0.95


def test_what_is_removed_is_not_found_and_costs_no_hit(ranker, exact):
    gone = np.random.default_rng(3).permutation(N)[: N * 2 // 3]
    for one in (ranker, exact):
        one.remove(gone)
    found, expected = ([one.rank(query, 10) for query in queries()] for one in (ranker, exact))
    assert not any(np.isin(one.ids, gone).any() for one in found)
    assert all(len(one) == 10 for one in found)
    assert recall(found, expected) >= 0.95


def test_as_many_hits_as_are_asked_for_up_to_all(ranker, exact):
    for k in (0, 1, 300, N - 1, N, N + 5):
        assert len(ranker.rank(queries()[0], k)) == min(k, N)
    assert ranker.rank(queries()[0], N).ids.tolist() == exact.rank(queries()[0], N).ids.tolist()


def test_what_is_added_later_is_found_beside_what_has_a_structure(kind, folder, tmp_path):
    later = ExactRanker(D)
    later.add(np.array([N]), queries(1))
    later.save(tmp_path / "later")
    ranker = kind.open([folder, tmp_path / "later"], D)
    ranker.add(np.array([N + 1]), queries(1))
    assert ranker.rank(queries(1)[0], 3).ids[:2].tolist() == [N, N + 1]
    ranker.renumber(np.arange(N + 2)[::-1])  # ids of equal scores turn round
    assert ranker.rank(queries(1)[0], 3).ids[:2].tolist() == [0, 1]


def test_a_query_of_zeros_scores_all_the_same(ranker):
    assert ranker.rank(np.zeros(D, np.float32), 3).ids.tolist() == [0, 1, 2]


def test_the_same_vectors_make_the_same_files(kind, folder, tmp_path):
    again = kind(D)
    again.add(np.arange(N), clusters())
    again.save(tmp_path / "again")
    files = sorted(path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*.*"))
    assert len(files) > 6
    assert all((folder / one).read_bytes() == (tmp_path / "again" / one).read_bytes() for one in files)


def test_damage_and_structures_of_other_vectors_are_errors(kind, folder, tmp_path):
    ranker = kind(D)
    ranker.add(np.arange(N - 1), clusters()[:-1])
    ranker.save(tmp_path / "fewer")
    (tmp_path / "fewer" / kind.name).rename(tmp_path / "aside")
    (tmp_path / "fewer" / kind.name).mkdir()
    for path in (folder / kind.name).iterdir():
        (tmp_path / "fewer" / kind.name / path.name).write_bytes(path.read_bytes())
    with pytest.raises(IndexFolderError, match="of these vectors"):
        kind.open([tmp_path / "fewer"], D)
    largest = max((tmp_path / "fewer" / kind.name).iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 255
    largest.write_bytes(data)
    with pytest.raises(IndexFolderError, match=f"{largest.name}: damaged"):
        kind.open([tmp_path / "fewer"], D)


def test_the_dot_product_is_ranked_exactly(kind, folder):
    ranker, exact = kind.open([folder], D, "dot"), ExactRanker.open([folder], D, "dot")
    assert ranker.rank(queries()[0], 20).ids.tolist() == exact.rank(queries()[0], 20).ids.tolist()
