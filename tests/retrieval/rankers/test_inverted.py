"""The inverted index: its layout, its blocks, and damage."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.errors import IndexFolderError, SettingError
from retrieval.rankers import inverted_segment, postings_merge
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.postings import BLOCK, Postings
from retrieval.representation import SparseVector


def bags(n: int, size: int, n_words: int, seed: int = 0) -> list[SparseVector]:
    """Return n bags of at most ``n_words`` words, low words being the frequent ones."""
    rng = np.random.default_rng(seed)
    words = (size * rng.random((n, n_words)) ** 4).astype(np.uint32)
    values = rng.random((n, n_words)).astype(np.float32) + np.float32(0.1)
    rows = [np.unique(row) for row in words]
    return [SparseVector(row, values[i, : len(row)], size) for i, row in enumerate(rows)]


def matrix(vectors: list[SparseVector]) -> np.ndarray:
    return np.stack([vector.dense() for vector in vectors])


def test_a_frequent_word_is_a_column_and_others_are_lists():
    lengths = np.array([2, 1, 2])
    block = Postings.build(
        lengths, np.array([0, 2, 0, 0, 1], np.uint32), np.arange(1, 6, dtype=np.float32), 3
    )
    assert block.offsets.tolist() == [0, 3, 4, 5]
    assert block.weights.tolist() == [1, 3, 4, 5, 2]
    assert block.rows.tolist() == [2, 0]
    words, values = block.vector(0)
    assert (words.tolist(), values.tolist()) == ([0, 2], [1, 2])


def test_no_posting_takes_more_than_six_bytes():
    for density in (0.05, 0.3, 0.6, 0.66, 0.67, 0.9, 1.0):
        rng = np.random.default_rng(0)
        values = (rng.random((300, 40)) < density).astype(np.float32)
        rows, words = np.nonzero(values)
        block = Postings.build(
            np.bincount(rows, minlength=300), words.astype(np.uint32), values[rows, words], 40
        )
        assert block.rows.nbytes + block.weights.nbytes <= 6 * len(rows)


def test_more_vectors_than_a_block_holds_rank_as_in_numpy(tmp_path):
    vectors = bags(BLOCK + 3000, size=50, n_words=4)
    ids = np.random.default_rng(1).permutation(len(vectors))
    index = InvertedIndex(50)
    index.add(ids, vectors)
    index.remove(ids[::7])
    index.save(tmp_path / "segment")
    opened = InvertedIndex.open([tmp_path / "segment"], 50)
    offsets = np.load(tmp_path / "segment" / "offsets.npy")
    assert len(offsets) == 1
    scores = matrix(vectors) @ vectors[5].dense()
    kept = np.ones(len(ids), dtype=bool)
    kept[::7] = False
    order = np.lexsort((ids[kept], -scores[kept]))[:500]
    for one in (index, opened):
        ranking = one.rank(vectors[5], 500)
        np.testing.assert_allclose(ranking.scores, scores[kept][order], rtol=1e-5)
        by_id = np.empty(len(ids))
        by_id[ids] = scores
        np.testing.assert_allclose(ranking.scores, by_id[ranking.ids], rtol=1e-5)
    np.testing.assert_array_equal(opened.ids(), np.sort(ids[kept]))


def test_a_segment_of_several_blocks_is_written_in_small_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(inverted_segment, "_PIECE", 1000)
    vectors = bags(2 * BLOCK + 10, size=30, n_words=2)
    index = InvertedIndex(30)
    for first in range(0, len(vectors), 50_000):
        part = vectors[first : first + 50_000]
        index.add(np.arange(first, first + len(part)), part)
    index.save(tmp_path / "segment")
    opened = InvertedIndex.open([tmp_path / "segment"], 30)
    assert len(np.load(tmp_path / "segment" / "offsets.npy")) == 3
    expected, found = index.rank(vectors[1], 1000), opened.rank(vectors[1], 1000)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.scores, expected.scores)
    for id in (0, BLOCK, 2 * BLOCK + 9):
        np.testing.assert_array_equal(opened.vector(id).dense(), vectors[id].dense())


def test_pieces_of_a_merge_join_to_the_same_block_whatever_their_size():
    parts = [bags(40, 25, 6, seed) for seed in (1, 2)]
    blocks = []
    for vectors in parts:
        lengths = np.array([len(vector.indices) for vector in vectors])
        indices = np.concatenate([vector.indices for vector in vectors])
        blocks.append(Postings.build(lengths, indices, np.concatenate([v.values for v in vectors]), 25))
    plan = [(blocks[0], postings_merge.all_rows(0, 40)), (blocks[1], postings_merge.all_rows(40, 40))]
    counts = postings_merge.count_postings(plan, 25)
    whole = postings_merge.merged(blocks)
    for at_once in (1, 37, 10_000):
        pieces = list(postings_merge.merge(plan, counts, 80, at_once))
        np.testing.assert_array_equal(np.concatenate([rows for rows, _ in pieces]), whole.rows)
        np.testing.assert_array_equal(np.concatenate([weights for _, weights in pieces]), whole.weights)


def test_values_of_zero_are_left_out():
    index = InvertedIndex(4)
    vector = SparseVector(np.array([1, 3], np.uint32), np.array([0, 2], np.float32), 4)
    index.add(np.array([0]), [vector])
    assert index.vector(0).indices.tolist() == [3]


def test_words_out_of_order_or_range_are_refused():
    index = InvertedIndex(4)
    for words in ([2, 1], [1, 1], [4]):
        with pytest.raises(ValueError, match="below 4"):
            index.add(
                np.array([0]), [SparseVector(np.array(words, np.uint32), np.ones(len(words), np.float32), 4)]
            )
    with pytest.raises(ValueError, match="without a value"):
        index.add(np.array([0]), [SparseVector(np.array([1], np.uint32), np.ones(2, np.float32), 4)])
    assert len(index) == 0


def test_values_that_would_overflow_are_refused():
    with pytest.raises(ValueError, match="finite"):
        InvertedIndex(4).rank(SparseVector(np.array([1], np.uint32), np.array([1e30], np.float32), 4), 1)


def test_a_query_over_another_number_of_words_names_both():
    with pytest.raises(ValueError, match="3 words against an index of 4"):
        InvertedIndex(4).rank(SparseVector(np.empty(0, np.uint32), np.empty(0, np.float32), 3), 1)


def test_no_words_are_no_index():
    with pytest.raises(SettingError, match="size: 0"):
        InvertedIndex(0)


@pytest.fixture
def saved(tmp_path):
    index = InvertedIndex(20)
    index.add(np.arange(30), bags(30, 20, 5))
    index.save(tmp_path / "segment")
    return tmp_path / "segment"


@pytest.mark.parametrize("name", ["ids", "offsets", "rows", "weights"])
def test_a_missing_or_cut_file_is_named(saved, name):
    path = saved / f"{name}.npy"
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:50], b"", b"\x00" * len(whole)):
        path.write_bytes(damaged)
        with pytest.raises(IndexFolderError, match=rf"{name}\.npy"):
            InvertedIndex.open([saved], 20)
    path.unlink()
    with pytest.raises(IndexFolderError, match=rf"{name}\.npy"):
        InvertedIndex.open([saved], 20)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ids", lambda a: a[:-1]),
        ("ids", lambda a: a - 5),
        ("ids", lambda a: a * 0),
        ("offsets", lambda a: a[:, ::-1]),
        ("offsets", lambda a: a + 1),
        ("offsets", lambda a: a[:0]),
        ("offsets", lambda a: a.astype(np.int32)),
        ("rows", lambda a: a[:-1]),
        ("rows", lambda a: a.astype(np.int64)),
        ("weights", lambda a: a[:-1]),
        ("weights", lambda a: a.reshape(-1, 1)),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(saved, name, change):
    array = np.load(saved / f"{name}.npy")
    np.save(saved / f"{name}.npy", np.ascontiguousarray(change(array)))
    with pytest.raises(IndexFolderError):
        InvertedIndex.open([saved], 20)


def test_rows_out_of_range_harm_nothing(saved):
    rows = np.load(saved / "rows.npy")
    np.save(saved / "rows.npy", np.full_like(rows, 65_535))
    index = InvertedIndex.open([saved], 20)
    assert len(index.rank(bags(1, 20, 5)[0], 30)) == 30
    index.save(saved / "again")


def test_a_segment_of_another_size_or_twice_the_same_is_refused(saved):
    with pytest.raises(IndexFolderError, match="20 words, not 21"):
        InvertedIndex.open([saved], 21)
    with pytest.raises(IndexFolderError, match="same id"):
        InvertedIndex.open([saved, saved], 20)
    with pytest.raises(IndexFolderError, match="no such folder"):
        InvertedIndex.open([saved / "none"], 20)


def test_a_stored_vector_that_is_damaged_is_not_handed_out(saved):
    weights = np.load(saved / "weights.npy")
    for value in (np.nan, np.inf, 3e38):
        np.save(saved / "weights.npy", np.full_like(weights, value))
        index = InvertedIndex.open([saved], 20)
        with pytest.raises(IndexFolderError, match="is damaged; `semblance repair`"):
            index.vector(int(index.ids()[0]))
