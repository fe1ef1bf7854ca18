"""Facts about the pruned search: its answers are those of the exhaustive one, to the last bit."""

import numpy as np
import pytest

from retrieval.errors import IndexFolderError
from retrieval.rankers import bag_scan
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.pruning import Pruning
from retrieval.representation import SparseVector

SIZE, N, PARTS = 60, 900, 3


def bags(random, n, negative=False):
    """Return vectors of unit length over Zipf words; weights are coarse, so that many scores tie."""
    draws = np.minimum(random.zipf(1.3, (n, 14)), SIZE) - 1
    matrix = np.stack([np.bincount(row, minlength=SIZE) for row in draws]).astype(np.float32)
    matrix = np.sqrt(matrix) * np.linspace(0.1, 2, SIZE, dtype=np.float32)
    if negative:
        matrix *= random.choice([-1, 1], matrix.shape)
    return (np.round(16 * matrix / np.linalg.norm(matrix, axis=1, keepdims=True)) / 16).astype(np.float32)


def sparse(row):
    words = np.flatnonzero(row)
    return SparseVector(words.astype(np.uint32), row[words], SIZE)


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Prune the smallest blocks too, by the kernels."""
    import numba  # noqa: F401

    monkeypatch.setattr(bag_scan, "SMALLEST", 1)


def opened(folder, matrix):
    """Return an index of as many segments as there are parts, some rows of which are removed."""
    parts = np.array_split(np.arange(len(matrix)), PARTS)
    places = [folder / str(i) for i in range(PARTS)]
    for place, rows in zip(places, parts, strict=True):
        index = InvertedIndex(SIZE)
        index.add(rows, [sparse(matrix[row]) for row in rows])
        index.save(place)
    whole = InvertedIndex.open(places, SIZE)
    whole.remove(np.arange(0, len(matrix), 17))
    return whole


def exhaustive(index, query, k, among=None):
    """Return the best of a whole ranking, which leaves nothing out, of those that may be found."""
    ranking = index.rank(query, len(index))
    there = np.flatnonzero(np.ones(N, bool)[ranking.ids] if among is None else among[ranking.ids])[:k]
    return ranking.ids[there], ranking.scores[there]


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_are_those_of_the_whole_ranking(tmp_path, seed, negative):
    random = np.random.default_rng(seed)
    matrix = bags(random, N, negative)
    index = opened(tmp_path, matrix)
    for row in (*bags(random, 4, negative), matrix[5]):
        for k in (1, 3, 10, 40):
            for among in (None, random.random(N) < 0.5, random.random(N) < 0.02, np.zeros(N, bool)):
                found = index.rank(sparse(row), k, among)
                ids, scores = exhaustive(index, sparse(row), k, among)
                assert found.ids.tolist() == ids.tolist()
                assert found.scores.tobytes() == scores.tobytes()


def test_few_rows_are_scored_in_full(tmp_path, monkeypatch):
    matrix = bags(np.random.default_rng(0), N)
    index, looked_at = opened(tmp_path, matrix), []
    score = Pruning.score

    def counting(self, block, rows):
        looked_at.append((len(self.words), len(rows)))
        return score(self, block, rows)

    monkeypatch.setattr(Pruning, "score", counting)
    query = sparse(matrix[3])
    index.rank(query, 20)
    full = [n for n_words, n in looked_at if n_words == len(query.indices)]
    # The first block says what the others must reach.
    assert 0 < len(full) <= PARTS - 1
    assert sum(full) < N / 10


def test_a_segment_of_an_earlier_format_answers_the_same(tmp_path):
    matrix = bags(np.random.default_rng(1), N)
    index = opened(tmp_path, matrix)
    for i in range(PARTS):
        (tmp_path / str(i) / "tops.npy").unlink()
    older = InvertedIndex.open([tmp_path / str(i) for i in range(PARTS)], SIZE)
    older.remove(np.arange(0, N, 17))
    for row in matrix[:20]:
        found, expected = index.rank(sparse(row), 5), older.rank(sparse(row), 5)
        assert found.ids.tolist() == expected.ids.tolist()
        assert found.scores.tobytes() == expected.scores.tobytes()


def test_the_largest_weights_survive_a_merge_in_small_pieces(tmp_path, monkeypatch):
    from retrieval.rankers import inverted_segment

    matrix = bags(np.random.default_rng(2), N, negative=True)
    monkeypatch.setattr(inverted_segment, "_PIECE", 100)
    opened(tmp_path, matrix).save(tmp_path / "merged")
    kept = np.setdiff1d(np.arange(N), np.arange(0, N, 17))
    np.testing.assert_array_equal(
        np.load(tmp_path / "merged" / "tops.npy"), np.abs(matrix[kept]).max(axis=0)[None]
    )


def test_largest_weights_that_do_not_fit_are_refused(tmp_path):
    opened(tmp_path, bags(np.random.default_rng(3), N))
    np.save(tmp_path / "0" / "tops.npy", np.zeros((1, SIZE - 1), np.float32))
    with pytest.raises(IndexFolderError, match=r"tops\.npy does not fit"):
        InvertedIndex.open([tmp_path / "0"], SIZE)
