"""Graphs of many vectors: how widely links are chosen, and how deep the graph is then asked."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.errors import IndexFolderError
from retrieval.rankers import approximate, graph, hnsw
from retrieval.rankers.block_sums import write_sums
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.hnsw import HnswRanker

pytest.importorskip("faiss")
N, D = 2048, 16


@pytest.fixture
def segment(tmp_path, monkeypatch):
    """A segment whose graph has eight times as many vectors as what counts as large."""
    monkeypatch.setattr(approximate, "_LARGE", N // 8)
    ranker = HnswRanker(D)
    ranker.add(np.arange(N), np.random.default_rng(0).standard_normal((N, D)).astype(np.float32))
    ranker.save(tmp_path / "segment")
    return tmp_path / "segment"


def depths(segment, monkeypatch):
    """Return how many candidates are asked for, for ten hits: of all images, and of three quarters."""
    asked = []
    walk = hnsw.walk
    monkeypatch.setattr(hnsw, "walk", lambda *about: asked.append(about[3]) or walk(*about))
    ranker = HnswRanker.open([segment], D)
    query = np.ones(D, np.float32)
    ranker.rank(query, 10)
    ranker.rank(query, 10, np.arange(N) % 4 > 0)
    return asked


def test_links_of_many_vectors_are_chosen_among_more(segment):
    assert graph.open_graph(segment / "hnsw", N)[0].entry[2] == 200  # 100 · 8^(1/3)


def test_a_graph_of_many_vectors_is_asked_for_more(segment, monkeypatch):
    assert depths(segment, monkeypatch) == [int(64 * 8 ** (1 / 6)), int(int(64 * 8 ** (1 / 6)) * 4 / 3)]


def older(segment, entry):
    """Write what an earlier version wrote of the entry."""
    np.save(segment / "hnsw" / "entry.npy", entry)
    write_sums(segment / "hnsw")


def test_a_graph_of_before_is_asked_for_more_still_and_finds_the_same(segment, monkeypatch):
    query = np.random.default_rng(1).standard_normal(D).astype(np.float32)
    best = ExactRanker.open([segment], D).rank(query, 10).ids.tolist()
    older(segment, graph.open_graph(segment / "hnsw", N)[0].entry[:2].copy())
    assert depths(segment, monkeypatch) == [128, 170]
    assert HnswRanker.open([segment], D).rank(query, 10).ids.tolist() == best


@pytest.mark.parametrize("n", [0, 1, 4])
def test_an_entry_of_other_numbers_is_refused(segment, n):
    older(segment, np.zeros(n, np.int64))
    with pytest.raises(IndexFolderError, match="no graph of these vectors"):
        HnswRanker.open([segment], D)


def families(n_distinct: int, n: int = N, seed: int = 0) -> np.ndarray:
    """Return n vectors of which few are distinct; some are zeros."""
    rng = np.random.default_rng(seed)
    distinct = rng.standard_normal((n_distinct, D)).astype(np.float32)
    distinct[0] = 0
    return distinct[rng.integers(0, n_distinct, n)]


@pytest.mark.parametrize("n_distinct", [1, 2, 7, 40, 300, 1500])
@pytest.mark.parametrize("k", [1, 10, 60])
def test_equal_vectors_are_found_wherever_they_are(tmp_path, n_distinct, k):
    vectors = families(n_distinct)
    ranker = HnswRanker(D)
    ranker.add(np.arange(N), vectors)
    ranker.save(tmp_path / "segment")
    exact, found = (kind.open([tmp_path / "segment"], D) for kind in (ExactRanker, HnswRanker))
    rng = np.random.default_rng(1)
    queries = [*vectors[rng.integers(0, N, 20)], *rng.standard_normal((5, D)).astype(np.float32)]
    among = rng.random(N) < 0.8
    share = []
    for query in queries:
        for allowed in (None, among):
            best, mine = exact.rank(query, k, allowed), found.rank(query, k, allowed)
            share.append(len(np.intersect1d(best.ids, mine.ids)) / k)
    assert np.mean(share) > 0.98 and min(share) >= 0.8


def test_only_the_first_of_equal_vectors_is_linked():
    vectors = families(300)
    lengths = np.linalg.norm(vectors, axis=1).astype(np.float32)
    made, kin = graph.build_graph(hnsw._faiss(), vectors, lengths)
    first = graph._first_equal(vectors, lengths)
    assert (vectors[first] == vectors).all() and (first <= np.arange(N)).all()
    reached = set(made.links.ravel().tolist()) | set(made.upper.ravel().tolist()) | {int(made.entry[0])}
    assert reached - {-1} <= set(first.tolist()) and len(set(first.tolist())) == len(
        np.unique(vectors, axis=0)
    )
    assert sorted([*kin.twins.tolist(), *set(first.tolist())]) == list(range(N))
    for head, end, start in zip(kin.heads, kin.ends, [0, *kin.ends[:-1]], strict=True):
        assert (first[kin.twins[start:end]] == head).all()
    joined = kin.joined(np.array([int(kin.heads[3]), int(kin.heads[0])]), 4).tolist()
    assert joined[0] == kin.heads[3] and joined[1:4] == kin.twins[kin.ends[2] : kin.ends[2] + 3].tolist()
    assert joined[4:] == [int(kin.heads[0]), *kin.twins[:3].tolist()]


def test_a_graph_without_equal_vectors_is_what_it_was(segment):
    assert sorted(path.stem for path in (segment / "hnsw").glob("*.npy")) == sorted(graph.Graph._fields)
    assert not len(graph.open_graph(segment / "hnsw", N)[1].heads)


@pytest.mark.parametrize("ends", [[], [1, 2], [9]])
def test_families_of_other_numbers_are_refused(segment, ends):
    arrays = {"heads": [3], "ends": ends, "twins": [4, 5]}
    for name, values in arrays.items():
        np.save(segment / "hnsw" / f"{name}.npy", np.array(values, np.int32))
    write_sums(segment / "hnsw")
    with pytest.raises(IndexFolderError, match="no graph of these vectors"):
        HnswRanker.open([segment], D)
