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
    assert graph.open_graph(segment / "hnsw", N).entry[2] == 200  # 100 · 8^(1/3)


def test_a_graph_of_many_vectors_is_asked_for_more(segment, monkeypatch):
    assert depths(segment, monkeypatch) == [int(64 * 8 ** (1 / 6)), int(int(64 * 8 ** (1 / 6)) * 4 / 3)]


def older(segment, entry):
    """Write what an earlier version wrote of the entry."""
    np.save(segment / "hnsw" / "entry.npy", entry)
    write_sums(segment / "hnsw")


def test_a_graph_of_before_is_asked_for_more_still_and_finds_the_same(segment, monkeypatch):
    query = np.random.default_rng(1).standard_normal(D).astype(np.float32)
    best = ExactRanker.open([segment], D).rank(query, 10).ids.tolist()
    older(segment, graph.open_graph(segment / "hnsw", N).entry[:2].copy())
    assert depths(segment, monkeypatch) == [128, 170]
    assert HnswRanker.open([segment], D).rank(query, 10).ids.tolist() == best


@pytest.mark.parametrize("n", [0, 1, 4])
def test_an_entry_of_other_numbers_is_refused(segment, n):
    older(segment, np.zeros(n, np.int64))
    with pytest.raises(IndexFolderError, match="no graph of these vectors"):
        HnswRanker.open([segment], D)
