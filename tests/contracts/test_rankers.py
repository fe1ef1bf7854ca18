"""The contract of every ranker: the same sentences, said of each."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.rankers import KINDS, SIZE, Kind, bags, filled

from retrieval.ranker import Ranker, Ranking, order
from retrieval.representation import SparseVector


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def kind(request) -> Kind:
    return request.param


def same(first: Ranking, second: Ranking) -> bool:
    return np.array_equal(first.ids, second.ids) and np.array_equal(first.scores, second.scores)


def dense(vector: Any) -> np.ndarray:
    return vector.dense() if isinstance(vector, SparseVector) else vector


def test_it_is_a_ranker(kind):
    assert isinstance(kind.make(), Ranker)


def test_the_query_itself_comes_first(kind):
    matrix = bags(40)
    ranker = filled(kind, matrix)
    for id in range(40):
        ranking = ranker.rank(kind.vector(matrix[id]), 3)
        assert ranking.ids[0] == id
        assert ranking.scores[0] == pytest.approx(1, abs=1e-5)


def test_scores_never_rise_and_are_those_of_numpy(kind):
    matrix = bags(60)
    ranking = filled(kind, matrix).rank(kind.vector(matrix[7]), 60)
    assert (np.diff(ranking.scores) <= 0).all()
    expected = kind.scores(matrix.astype(np.float64), matrix[7].astype(np.float64))
    np.testing.assert_allclose(ranking.scores, expected[ranking.ids], atol=1e-6)
    assert (ranking.ids.dtype, ranking.scores.dtype) == (np.int64, np.float32)


def test_equal_scores_are_ordered_by_id(kind):
    ids = np.array([7, 3, 11, 0, 5])
    ranker = filled(kind, np.repeat(bags(1), 5, axis=0), ids)
    for k in range(1, 6):
        assert ranker.rank(kind.vector(bags(1)[0]), k).ids.tolist() == [0, 3, 5, 7, 11][:k]


def test_equal_vectors_score_equal_wherever_they_stand(kind):
    matrix = bags(999)
    matrix[::37] = matrix[0]
    ranking = filled(kind, matrix).rank(kind.vector(matrix[0]), len(matrix[::37]))
    assert len(set(ranking.scores.tolist())) == 1
    assert ranking.ids.tolist() == list(range(0, 999, 37))


def test_k_above_the_number_gives_all_and_k_of_zero_none(kind):
    ranker = filled(kind, bags(9))
    query = kind.vector(bags(1)[0])
    assert sorted(ranker.rank(query, 10**9).ids) == list(range(9))
    assert len(ranker.rank(query, 0)) == 0


def test_an_empty_index_gives_an_empty_ranking(kind, tmp_path):
    ranker = kind.make()
    query = kind.vector(bags(1)[0])
    assert len(ranker) == len(ranker.rank(query, 5)) == len(ranker.ids()) == 0
    ranker.save(tmp_path / "segment")
    for opened in (kind.open([]), kind.open([tmp_path / "segment"])):
        assert len(opened) == len(opened.rank(query, 5)) == 0
        opened.add(np.array([4]), [query])
        assert opened.rank(query, 5).ids.tolist() == [4]


def test_a_vector_without_values_is_ranked_last_with_score_zero(kind):
    matrix = np.concatenate([np.zeros((2, SIZE), np.float32), bags(5)])
    ranking = filled(kind, matrix).rank(kind.vector(matrix[3]), 7)
    assert ranking.ids[-2:].tolist() == [0, 1]
    assert ranking.scores[-2:].tolist() == [0, 0]


def test_an_empty_query_scores_zero_everywhere(kind):
    ranking = filled(kind, bags(6)).rank(kind.vector(np.zeros(SIZE, np.float32)), 4)
    assert ranking.ids.tolist() == [0, 1, 2, 3]
    assert ranking.scores.tolist() == [0] * 4


def test_the_order_of_adding_is_irrelevant(kind):
    matrix = bags(50)
    shuffled = np.random.default_rng(1).permutation(50)
    first, second = filled(kind, matrix), filled(kind, matrix[shuffled], shuffled)
    singly = kind.make()
    for id in shuffled:
        singly.add(np.array([id]), [kind.vector(matrix[id])])
    for query in bags(5, seed=2):
        ranking = first.rank(kind.vector(query), 50)
        assert same(ranking, second.rank(kind.vector(query), 50))
        assert same(ranking, singly.rank(kind.vector(query), 50))


def test_saved_and_opened_it_ranks_identically_in_one_segment_or_many(kind, tmp_path):
    matrix = bags(50)
    whole = filled(kind, matrix)
    whole.save(tmp_path / "whole")
    folders = []
    for first in range(0, 50, 15):
        ids = np.arange(first, min(first + 15, 50))
        folders.append(tmp_path / f"part{first}")
        filled(kind, matrix[ids], ids).save(folders[-1])
    many = kind.open(folders)
    many.save(tmp_path / "merged")
    rankers = [kind.open([tmp_path / "whole"]), many, kind.open([tmp_path / "merged"])]
    for query in bags(5, seed=2):
        expected = whole.rank(kind.vector(query), 50)
        assert all(same(expected, ranker.rank(kind.vector(query), 50)) for ranker in rankers)
    assert [len(ranker) for ranker in rankers] == [50, 50, 50]


def test_vectors_come_back_as_they_were_added(kind, tmp_path):
    matrix = bags(30)
    matrix[4] = 0
    ranker = filled(kind, matrix)
    ranker.save(tmp_path / "segment")
    for one in (ranker, kind.open([tmp_path / "segment"])):
        for id in range(30):
            np.testing.assert_array_equal(dense(one.vector(id)), dense(kind.vector(matrix[id])))
        for id in (30, -1):
            with pytest.raises(KeyError):
                one.vector(id)


def test_removed_ids_are_gone_here_and_in_what_is_saved(kind, tmp_path):
    matrix = bags(30)
    ranker = filled(kind, matrix)
    ranker.remove(np.array([3, 7, 29, 500]))
    kept = np.setdiff1d(np.arange(30), [3, 7, 29])
    expected = filled(kind, matrix[kept], kept)
    ranker.save(tmp_path / "segment")
    query = kind.vector(matrix[7])
    for one in (ranker, kind.open([tmp_path / "segment"])):
        assert same(one.rank(query, 99), expected.rank(query, 99))
        assert (len(one), one.ids().tolist()) == (27, kept.tolist())
        with pytest.raises(KeyError):
            one.vector(7)
        one.add(np.array([7]), [query])
        assert one.rank(query, 1).ids.tolist() == [7]


def test_renumbered_ids_decide_ties_and_negative_ones_are_removed(kind, tmp_path):
    matrix = np.repeat(bags(1), 5, axis=0)
    filled(kind, matrix).save(tmp_path / "segment")
    ranker = kind.open([tmp_path / "segment"])
    ranker.renumber(np.array([8, -1, 2, 5]))
    assert ranker.rank(kind.vector(matrix[0]), 9).ids.tolist() == [2, 5, 8]
    assert ranker.ids().tolist() == [2, 5, 8]
    with pytest.raises(ValueError, match="same number"):
        ranker.renumber(np.zeros(9, np.int64))
    assert len(ranker) == 3


def test_among_equals_the_filtered_exhaustive_ranking(kind):
    matrix = bags(80)
    ranker = filled(kind, matrix)
    rng = np.random.default_rng(3)
    for share in (0.0, 0.05, 0.5, 1.0):
        among = rng.random(80) < share
        everything = ranker.rank(kind.vector(matrix[5]), 80)
        kept = among[everything.ids]
        found = ranker.rank(kind.vector(matrix[5]), 10, among)
        assert same(found, Ranking(everything.ids[kept][:10], everything.scores[kept][:10]))


def test_ids_beyond_the_end_of_among_are_not_ranked(kind):
    ranker = filled(kind, bags(6))
    assert sorted(ranker.rank(kind.vector(bags(1)[0]), 9, np.array([True, False, True])).ids) == [0, 2]


def test_refused_additions_change_nothing(kind):
    matrix = bags(4)
    ranker = filled(kind, matrix[:2])
    vectors = [kind.vector(row) for row in matrix[2:]]
    for ids in ([1, 5], [5, 5], [-1, 5], [5]):
        with pytest.raises(ValueError, match="id"):
            ranker.add(np.array(ids), vectors)
    broken = matrix[3].copy()
    broken[0] = np.nan
    for bad in (kind.vector(broken), kind.vector(np.ones(SIZE + 1, np.float32))):
        with pytest.raises(ValueError, match="vector"):
            ranker.add(np.array([5, 6]), [vectors[0], bad])
        with pytest.raises(ValueError, match="vector"):
            ranker.rank(bad, 3)
    assert ranker.ids().tolist() == [0, 1]
    ranker.add(np.empty(0, np.int64), [])
    assert len(ranker) == 2


def test_the_callers_arrays_are_neither_changed_nor_kept(kind):
    matrix, ids = bags(20), np.arange(20)
    query, among = bags(1, seed=9)[0], np.ones(20, dtype=bool)
    vectors = [kind.vector(row.copy()) for row in matrix]
    ranker = kind.make()
    ranker.add(ids, vectors)
    before = ranker.rank(kind.vector(query), 20, among)
    for vector in vectors:
        (vector.values if isinstance(vector, SparseVector) else vector)[:] = 5
    ids[:] = 0
    np.testing.assert_array_equal(matrix, bags(20))
    np.testing.assert_array_equal(query, bags(1, seed=9)[0])
    assert among.all()
    assert same(before, ranker.rank(kind.vector(query), 20))
    assert same(before, filled(kind, bags(20)).rank(kind.vector(query), 20))


def test_saved_files_are_never_overwritten(kind, tmp_path):
    ranker = filled(kind, bags(3))
    ranker.save(tmp_path / "segment")
    with pytest.raises(FileExistsError):
        ranker.save(tmp_path / "segment")


RANK = """
import sys
from pathlib import Path
from support.rankers import KINDS, bags
for name, kind in KINDS.items():
    ranking = kind.open([Path(sys.argv[1]) / name]).rank(kind.vector(bags(1, seed=4)[0]), 20)
    print(ranking.ids.tobytes().hex(), ranking.scores.tobytes().hex())
"""


def test_two_processes_agree(tmp_path):
    expected = []
    for name, kind in KINDS.items():
        ranker = filled(kind, bags(40))
        ranker.save(tmp_path / name)
        ranking = ranker.rank(kind.vector(bags(1, seed=4)[0]), 20)
        expected += [ranking.ids.tobytes().hex(), ranking.scores.tobytes().hex()]
    output = subprocess.run(
        [sys.executable, "-c", RANK, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout.split() == expected


VALUES = st.lists(st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0, -0.5]), min_size=SIZE, max_size=SIZE)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(VALUES, max_size=25),
    query=VALUES,
    k=st.integers(0, 30),
    removed=st.sets(st.integers(0, 24)),
    among=st.lists(st.booleans(), min_size=25, max_size=25),
    cut=st.integers(0, 25),
)
def test_any_vectors_rank_as_in_plain_numpy(kind, rows, query, k, removed, among, cut):
    matrix = np.array(rows, dtype=np.float32).reshape(-1, SIZE)
    ranker = filled(kind, matrix[:cut])
    ranker.rank(kind.vector(np.float32(query)), 1)
    ranker.add(np.arange(len(matrix))[cut:], [kind.vector(row) for row in matrix[cut:]])
    ranker.remove(np.array(sorted(removed), dtype=np.int64))
    left = np.array([i for i in range(len(matrix)) if i not in removed and among[i]], dtype=np.int64)
    scores = kind.scores(matrix.astype(np.float64), np.float64(query))[left].astype(np.float32)
    found = ranker.rank(kind.vector(np.float32(query)), k, np.array(among))
    expected = order(left, scores, k)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
    # Values are powers of two, so that products are exact and ties are true ones, but for scaled scores.
    if kind not in [KINDS[name] for name in ("cosine", "annoy", "hnsw", "milvus", "selective")]:
        np.testing.assert_array_equal(found.ids, expected.ids)
