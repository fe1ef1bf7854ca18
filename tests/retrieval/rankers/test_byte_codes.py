"""The proven scan: byte codes rule rows out, and the answer stays that of every vector read."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import IndexFolderError
from retrieval.index.storage.segments import add_sums
from retrieval.rankers.byte_codes import CodedViews, code_views, encode
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.dense_block import CODED

N, D = CODED + 76, 24


@cache
def hard() -> np.ndarray:
    """Return vectors of all lengths, many of them equal, opposite, nearly equal, or zeros."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((N, D))
    vectors[:60] = vectors[0]
    vectors[60:90] = vectors[0] * (1 + 1e-6 * rng.standard_normal((30, D)))
    vectors[90:95], vectors[95:99] = -vectors[0], 0
    return (vectors * rng.choice([1e-30, 1e-3, 1, 1e15], (N, 1))).astype(np.float32)


@pytest.fixture(scope="module")
def rankers(tmp_path_factory) -> tuple[ExactRanker, ExactRanker]:
    """Return vectors in memory, which have no codes, and the same in a segment that has."""
    folder = tmp_path_factory.mktemp("coded") / "segment"
    plain = ExactRanker(D)
    plain.add(np.arange(N), hard())
    plain.save(folder)
    assert sorted(path.name for path in (folder / "codes").glob("*.npy")) == [
        "codes.npy",
        "errors.npy",
        "scales.npy",
    ]
    coded = ExactRanker.open([folder], D)
    coded.add(np.array([N]), hard()[:1])  # and a block that has none, beside it
    plain.add(np.array([N]), hard()[:1])
    return plain, coded


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, N - 1), st.floats(0, 1), st.integers(1, 34), st.integers(1, 3), st.floats(0, 1))
def test_it_answers_what_all_vectors_do_to_the_last_bit(rankers, row, noise, k, n_views, share) -> None:
    rng = np.random.default_rng(row)
    query = hard()[row] + noise * rng.standard_normal((n_views, D)) * np.abs(hard()[row]).max()
    among = None if share > 0.9 else rng.random(N + 1) < share
    found, expected = (one.rank(query.astype(np.float32), k, among) for one in reversed(rankers))
    np.testing.assert_array_equal(found.ids, expected.ids)
    assert found.scores.tobytes() == expected.scores.tobytes()


@pytest.mark.parametrize("k", [0, 1, 10, N + 5])
def test_many_queries_at_once_are_answered_as_each_alone(rankers, k) -> None:
    queries = np.concatenate([hard()[::150], 0.1 + hard()[1::97]])
    among = np.random.default_rng(0).random(N + 1) < 0.5
    for ranker in rankers:
        for mask in (None, among):
            found = ranker.rank_many(queries, k, mask)
            for query, one in zip(queries, found, strict=True):
                expected = ranker.rank(query, k, mask)
                np.testing.assert_array_equal(one.ids, expected.ids)
                assert one.scores.tobytes() == expected.scores.tobytes()
        assert ranker.rank_many(queries[:0], k) == []


def test_the_error_of_a_score_is_within_the_bound() -> None:
    vectors, queries = hard(), hard()[::97]
    made = encode(vectors)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    for query in queries[np.linalg.norm(queries.astype(np.float64), axis=1) > 0]:
        unit = (query / np.linalg.norm(query.astype(np.float64))).astype(np.float32)
        views: CodedViews = code_views([unit])
        sums = made.codes.astype(np.float64) @ views.values[0]
        about = sums * made.scales * views.steps[0]
        products = vectors.astype(np.float64) @ unit
        true = np.divide(products, lengths, out=np.zeros(N), where=lengths > 0)
        assert (np.abs(about - true) <= views.row * made.errors + views.fixed).all()
        assert np.abs(about - true).max() < 0.03


def test_codes_use_the_whole_byte_and_zeros_stay_zeros() -> None:
    made = encode(np.array([[3, -4], [0, 0], [1e-40, 0]], dtype=np.float32))
    assert made.codes.tolist() == [[95, -127], [0, 0], [127, 0]]
    np.testing.assert_allclose(made.scales, [0.8 / 127, 0, 1 / 127], rtol=1e-6)
    assert made.errors[1] == 0
    assert (made.errors < 0.005).all()


def test_a_query_of_zeros_scores_all_the_same(rankers) -> None:
    plain, coded = rankers
    query = np.zeros(D, np.float32)
    assert coded.rank(query, 4).ids.tolist() == plain.rank(query, 4).ids.tolist() == [0, 1, 2, 3]
    assert len(coded.rank(query, 0)) == 0


@pytest.mark.parametrize("name", ["codes", "scales", "errors"])
def test_damaged_codes_are_an_error_that_names_the_file(tmp_path, name) -> None:
    ranker = ExactRanker(D)
    ranker.add(np.arange(N), hard())
    ranker.save(tmp_path / "segment")
    add_sums(tmp_path / "segment")
    path = tmp_path / "segment" / "codes" / f"{name}.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexFolderError, match=rf"codes/{name}.npy: damaged"):
        ExactRanker.open([tmp_path / "segment"], D).rank(hard()[0], 3)


def test_codes_of_other_vectors_are_refused(tmp_path) -> None:
    for n in (N, N + 1):
        ranker = ExactRanker(D)
        ranker.add(np.arange(n), np.ones((n, D), np.float32))
        ranker.save(tmp_path / str(n))
    (tmp_path / str(N) / "codes").rename(tmp_path / "aside")
    (tmp_path / str(N + 1) / "codes").rename(tmp_path / str(N) / "codes")
    with pytest.raises(IndexFolderError, match="no codes of these vectors"):
        ExactRanker.open([tmp_path / str(N)], D)
