"""Packed postings: fewer bytes, the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.errors import IndexFolderError
from retrieval.rankers import bag_scan, inverted, share_out
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.packed.factors import Factors, factor
from retrieval.rankers.packed.forward import Rows, decode, encode
from retrieval.rankers.packed.lists import GAPS, group_rows
from retrieval.rankers.packed.segment import open_packed
from retrieval.representation import SparseVector

SIZE, ENDS = 90, (60, 90)
N = 3000


def factors_of(random: np.random.Generator, n_parts: int = 2) -> Factors:
    shares = np.sqrt([0.8, 0.2]) if n_parts == 2 else np.ones(1)
    scales = random.random(SIZE).astype(np.float32).astype(np.float64) + 0.1
    return Factors(
        np.sqrt(np.arange(300.0)), scales, np.array(ENDS[2 - n_parts :]), shares.astype(np.float32)
    )


def counts_of(random: np.random.Generator, n: int) -> np.ndarray:
    """Return counts (n, SIZE): of some words nearly all rows have many, of others few have one."""
    rates = np.concatenate([3.0 ** -np.linspace(-1.5, 6, 60), 2.0 ** -np.linspace(-1, 8, 30)])
    counts = random.poisson(rates, (n, SIZE))
    counts[random.integers(0, n, 5), random.integers(0, SIZE, 5)] = 200
    counts[n // 2] = 0
    return counts


def bags(factors: Factors, counts: np.ndarray) -> list[SparseVector]:
    """Weigh counts as bags of words are weighed, part by part."""
    vectors = []
    for row in counts:
        whole = factors.levels[row] * factors.word_scales
        parts = []
        for first, last, share in zip((0, *factors.ends), factors.ends, factors.shares, strict=False):
            part = whole[first:last]
            length = np.linalg.norm(part)
            parts.append((part / (length or 1)).astype(np.float32) * share)
        values = np.concatenate(parts)
        words = np.flatnonzero(values)
        vectors.append(SparseVector(words.astype(np.uint32), values[words], SIZE))
    return vectors


def saved(folder, vectors, factors, ids=None):
    index = InvertedIndex(SIZE, factors)
    index.add(np.arange(len(vectors)) if ids is None else ids, vectors)
    index.save(folder)
    return InvertedIndex.open([folder], SIZE, factors)


def same(one, other) -> None:
    assert one.ids.tolist() == other.ids.tolist()
    assert one.scores.tobytes() == other.scores.tobytes()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Pack small segments too, and prune small blocks, by the kernels."""
    import numba  # noqa: F401

    monkeypatch.setattr(inverted, "PACKED", 1)
    monkeypatch.setattr(bag_scan, "SMALLEST", 1)


@pytest.fixture(scope="module", params=[1, 2], ids=["one part", "two parts"])
def both(request, tmp_path_factory):
    """Return vectors, an index of packed postings, and the same one in full precision."""
    random, folder = np.random.default_rng(request.param), tmp_path_factory.mktemp("packed")
    factors = factors_of(random, request.param)
    vectors = bags(factors, counts_of(random, N))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inverted, "PACKED", 1)
        packed = saved(folder / "packed", vectors, factors)
    plain = saved(folder / "plain", vectors, None)
    assert (folder / "packed" / "forward.npy").exists()
    assert not (folder / "plain" / "forward.npy").exists()
    return vectors, packed, plain, folder


def test_the_best_are_those_of_full_precision_to_the_last_bit(both):
    vectors, packed, plain, _ = both
    random = np.random.default_rng(3)
    masks = [None, random.random(N) < 0.5, random.random(N) < 0.01, np.zeros(N, bool), np.ones(9, bool)]
    for vector in (*vectors[:4], vectors[N // 2]):
        # Feedback moves queries to negative values, too.
        signs = random.choice([1, 1, -1], len(vector.values)).astype(np.float32)
        for query in (vector, SparseVector(vector.indices, vector.values * signs, SIZE)):
            for k in (1, 10, 100, N):
                for mask in masks:
                    same(packed.rank(query, k, mask), plain.rank(query, k, mask))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_threads_give_the_same_answers(tmp_path, monkeypatch, n_threads):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(n_threads)))
    monkeypatch.setattr(share_out, "_A_THREAD", 100)
    random = np.random.default_rng(8)
    factors = factors_of(random)
    vectors = bags(factors, counts_of(random, 1200))
    packed, plain = [], InvertedIndex(SIZE)
    for number, rows in enumerate(np.array_split(np.arange(1200), 6)):
        saved(tmp_path / str(number), [vectors[row] for row in rows], factors if number % 3 else None, rows)
        packed.append(tmp_path / str(number))
    plain.add(np.arange(1200), vectors)
    index = InvertedIndex.open(packed, SIZE, factors)
    for query in vectors[:12]:
        for k in (1, 10, 1200):
            for mask in (None, random.random(1200) < 0.3):
                same(index.rank(query, k, mask), plain.rank(query, k, mask))


def test_a_query_of_frequent_words_is_answered_exactly(both):
    _, packed, plain, _ = both
    for words in ([0], [0, 1, 2], [59, 89], [89]):
        query = SparseVector(np.array(words, np.uint32), np.ones(len(words), np.float32), SIZE)
        for k in (1, 10):
            same(packed.rank(query, k), plain.rank(query, k))


def test_few_rows_are_scored_in_full(both, monkeypatch):
    from retrieval.rankers.packed.block import PackedPostings

    vectors, packed, _, _ = both
    looked_at, score = [], PackedPostings.score
    monkeypatch.setattr(
        PackedPostings,
        "score",
        lambda self, query, rows: looked_at.append(len(rows)) or score(self, query, rows),
    )
    packed.rank(vectors[7], 5)
    assert 0 < sum(looked_at) < N / 10


def test_every_vector_comes_back_as_it_was_added(both):
    vectors, packed, _, _ = both
    for i in (0, 1, N // 2, N - 1):
        found = packed.vector(i)
        assert found.indices.tolist() == vectors[i].indices.tolist()
        assert found.values.tobytes() == vectors[i].values.tobytes()


def test_a_posting_takes_little_room(both):
    vectors, _, _, folder = both
    n = sum(len(vector.indices) for vector in vectors)
    sizes = {path.stem: path.stat().st_size - 128 for path in (folder / "packed").glob("*.npy")}
    # Columns keep 4 bytes a row; all others are rows alone.
    assert sizes["gaps"] + sizes["rows"] < 1.5 * n
    assert sizes["forward"] < 1.6 * n


def test_removed_rows_are_not_found_and_not_written_anew(both, tmp_path):
    vectors, _, _, folder = both
    gone = np.arange(0, N, 3)
    indexes = [InvertedIndex.open([folder / name], SIZE) for name in ("packed", "plain")]
    factors = open_packed(folder / "packed", SIZE)[0][1].factors
    for index in indexes:
        index.remove(gone)
    # Packed and plain segments are merged into a packed one.
    other = saved(tmp_path / "other", vectors[:50], None, N + np.arange(50))
    assert len(other) == 50
    merged = InvertedIndex.open([folder / "packed", tmp_path / "other"], SIZE, factors)
    merged.remove(gone)
    merged.save(tmp_path / "merged")
    again = InvertedIndex.open([tmp_path / "merged"], SIZE, factors)
    assert (tmp_path / "merged" / "forward.npy").exists()
    for query in vectors[:3]:
        same(indexes[0].rank(query, 20), indexes[1].rank(query, 20))
        same(again.rank(query, 40), merged.rank(query, 40))
    assert again.ids().tolist() == merged.ids().tolist()


def test_values_that_are_no_products_stay_in_full_precision(both, tmp_path):
    vectors, _, _, folder = both
    factors = open_packed(folder / "packed", SIZE)[0][1].factors
    odd = SparseVector(
        vectors[0].indices, vectors[0].values * np.float32(1.01) ** np.arange(len(vectors[0].indices)), SIZE
    )
    odd = SparseVector(odd.indices, odd.values.astype(np.float32), SIZE)
    index = saved(tmp_path / "odd", [*vectors[:20], odd], factors)
    assert sorted(path.stem for path in (tmp_path / "odd").glob("*.npy")) == [
        "ids",
        "offsets",
        "rows",
        "tops",
        "weights",
    ]
    assert index.vector(20).values.tobytes() == odd.values.tobytes()
    # So do packed ones that are merged with such.
    whole = InvertedIndex.open([folder / "packed"], SIZE, factors)
    whole.add(np.array([N]), [odd])
    whole.save(tmp_path / "whole")
    assert not (tmp_path / "whole" / "forward.npy").exists()
    again = InvertedIndex.open([tmp_path / "whole"], SIZE, factors)
    same(again.rank(odd, 30), whole.rank(odd, 30))


def test_counts_come_back_up_to_a_divisor():
    factors = Factors(
        np.sqrt(np.arange(99.0)), np.array([0.7, 0.3, 1.1]), np.array([3]), np.ones(1, np.float32)
    )
    counts = np.array([[1, 7, 50], [2, 2, 8], [3, 0, 3]])
    vectors = []
    for row in counts:
        whole = factors.levels[row] * factors.word_scales
        values = (whole / np.linalg.norm(whole)).astype(np.float32)
        vectors.append((np.flatnonzero(values).astype(np.uint32), values[values > 0]))
    words, values = (np.concatenate(part) for part in zip(*vectors, strict=True))
    made = factor(factors.arrays, np.array([3, 3, 2]), words, values)
    assert made is not None
    assert made[0].tolist() == [1, 7, 50, 1, 1, 4, 1, 1]


def test_rows_are_the_same_with_and_without_numba(monkeypatch):
    from retrieval.rankers.packed import forward

    random = np.random.default_rng(0)
    lengths = np.array([0, 3, 200, 1])
    words = np.concatenate([np.sort(random.choice(70_000, n, replace=False)) for n in lengths]).astype(
        np.uint32
    )
    counts = random.choice([1, 1, 2, 300], len(words)).astype(np.uint16)
    data, sizes = encode(lengths, words, counts)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    one = np.ones(1, np.float32)
    rows = Rows(
        data, starts, np.full((1, 4), 0.3), np.arange(301.0), random.random(70_000), np.array([70_000]), one
    )
    compiled = decode(rows, 0, 4)
    monkeypatch.setattr(forward, "is_worth_loading", lambda work: False)
    for made, expected in zip(decode(rows, 0, 4), compiled, strict=True):
        assert made.tobytes() == expected.tobytes()
    assert compiled.lengths.tolist() == lengths.tolist()
    assert compiled.words.tolist() == words.tolist()
    assert compiled.counts.tolist() == counts.tolist()


def test_scores_are_the_same_with_and_without_numba(both, monkeypatch):
    from retrieval.rankers.packed import block

    vectors, packed, _, _ = both
    expected = packed.rank(vectors[2], N)
    monkeypatch.setattr(block, "is_worth_loading", lambda work: False)
    monkeypatch.setattr(bag_scan, "SMALLEST", 2 * N)
    same(packed.rank(vectors[2], N), expected)
    same(packed.rank(vectors[2], 5), packed.rank(vectors[2], 5))


def test_distances_above_a_byte_are_skipped_over(both):
    _, _, _, folder = both
    ((_, block),) = open_packed(folder / "packed", SIZE)
    lists = block.lists
    skipping = [
        g for g in np.flatnonzero(lists.kinds == GAPS) if np.diff(group_rows(lists, g)).max(initial=0) > 255
    ]
    assert skipping
    rows = group_rows(lists, skipping[0])
    assert len(rows) == len(np.unique(rows)) and (np.diff(rows) > 0).all()


@pytest.mark.parametrize(
    "name", ["forward", "forward_starts", "gaps", "rows", "columns", "starts", "norms", "shares"]
)
def test_a_missing_cut_or_foreign_file_is_named(both, tmp_path, name):
    import shutil

    _, _, _, folder = both
    shutil.copytree(folder / "packed", tmp_path / "s")
    path = tmp_path / "s" / f"{name}.npy"
    array = np.load(path)
    path.unlink()
    np.save(path, array[:-1])
    with pytest.raises(IndexFolderError, match=r"does not fit"):
        open_packed(tmp_path / "s", SIZE)
    path.unlink()
    np.save(path, array.astype(">u4"))
    with pytest.raises(IndexFolderError, match=rf"{name}\.npy does not fit"):
        open_packed(tmp_path / "s", SIZE)
    if name != "forward":
        path.unlink()
        with pytest.raises(IndexFolderError, match=rf"has no {name}\.npy"):
            open_packed(tmp_path / "s", SIZE)


def test_damage_without_checksums_reads_nothing_beyond_its_arrays(both, tmp_path):
    import shutil

    vectors, _, _, folder = both
    random = np.random.default_rng(1)
    shutil.copytree(folder / "packed", tmp_path / "s")
    for name in ("forward", "gaps", "rows"):
        path = tmp_path / "s" / f"{name}.npy"
        data = bytearray(path.read_bytes())
        data[128:] = random.bytes(len(data) - 128)
        path.write_bytes(data)
    index = InvertedIndex.open([tmp_path / "s"], SIZE)
    for k in (5, N):
        index.rank(vectors[0], k)
    index.vector(3)


def test_another_number_of_words_is_refused(both):
    _, _, _, folder = both
    with pytest.raises(IndexFolderError, match="holds 90 words, not 91"):
        open_packed(folder / "packed", SIZE + 1)
