"""The exact ranker and the arrays on disk: what is their own."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.errors import IndexFolderError, SettingError
from retrieval.rankers import share_out
from retrieval.rankers.array_files import ArrayWriter, load_arrays, save_arrays
from retrieval.rankers.dense import ExactRanker


def test_cosine_ignores_length_and_dot_does_not():
    vectors = np.array([[1, 0], [5, 5], [0.5, 0.1]], dtype=np.float32)
    rankers = [ExactRanker(2, metric) for metric in ("cosine", "dot")]
    for ranker in rankers:
        ranker.add(np.arange(3), vectors)
    query = np.array([2, 0], dtype=np.float32)
    assert rankers[0].rank(query, 3).ids.tolist() == [0, 2, 1]
    assert rankers[1].rank(query, 3).ids.tolist() == [1, 0, 2]
    assert rankers[1].rank(query, 3).scores.tolist() == [10, 2, 1]


def test_opposite_vectors_come_after_those_of_zeros():
    ranker = ExactRanker(2)
    ranker.add(np.arange(3), np.array([[-1, 0], [0, 0], [1, 1]], dtype=np.float32))
    ranking = ranker.rank(np.array([1, 0]), 3)
    assert ranking.ids.tolist() == [2, 1, 0]
    np.testing.assert_allclose(ranking.scores, [np.sqrt(0.5), 0, -1], rtol=1e-6)


def test_cosines_of_tiny_and_of_huge_vectors_are_right():
    ranker = ExactRanker(2)
    ranker.add(np.arange(3), np.array([[1e-30, 0], [1e17, 1e17], [1e-45, 0]], dtype=np.float32))
    for length in (1e-30, 1.0, 1e17):
        ranking = ranker.rank(np.array([length, 0]), 3)
        assert np.isfinite(ranking.scores).all()
        assert ranking.scores[ranking.ids == 0] == pytest.approx(1)
        assert ranking.scores[ranking.ids == 1] == pytest.approx(np.sqrt(0.5))


def test_vectors_too_long_to_multiply_are_refused():
    with pytest.raises(ValueError, match="longer than"):
        ExactRanker(2).add(np.array([0]), np.array([[1e30, 0]], dtype=np.float32))


def test_bad_settings_are_refused_with_their_name():
    with pytest.raises(SettingError, match="dimension: 0"):
        ExactRanker(0)
    with pytest.raises(SettingError, match="metric: 'l2'"):
        ExactRanker(2, "l2")


def test_a_segment_of_another_dimension_or_kind_is_refused(tmp_path):
    ranker = ExactRanker(3)
    ranker.add(np.arange(4), np.eye(4, 3, dtype=np.float32))
    ranker.save(tmp_path / "segment")
    with pytest.raises(IndexFolderError, match="dimension 5"):
        ExactRanker.open([tmp_path / "segment"], 5)
    save_arrays(tmp_path / "other", {"ids": np.arange(4)})
    with pytest.raises(IndexFolderError, match="no segment of dense vectors"):
        ExactRanker.open([tmp_path / "other"], 3)


ARRAYS = {
    "floats": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "empty": np.empty((0, 5), dtype=np.uint16),
    "single": np.array(3.5),
    "rows": np.array([(1, 2.5)], dtype=[("word", "<u4"), ("row", "<f4")]),
    "text": np.array(["CT", "MR"]),
}


@pytest.mark.parametrize("mmap", [True, False])
def test_arrays_come_back_as_they_were_saved(tmp_path, mmap):
    save_arrays(tmp_path / "a" / "b", ARRAYS)
    loaded = load_arrays(tmp_path / "a" / "b", mmap)
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
        assert loaded[name].flags.writeable != mmap


@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", "", ".hidden", "C:x"])
def test_names_with_a_path_in_them_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="array name"):
        save_arrays(tmp_path / "folder", {name: np.ones(1)})
    assert not (tmp_path / "folder").exists()


def test_python_objects_are_refused(tmp_path):
    for array in (np.array([{}, None]), np.array([(1, None)], dtype=[("a", int), ("b", object)])):
        with pytest.raises(ValueError, match="Python objects"):
            save_arrays(tmp_path / "folder", {"a": array})


def test_a_pickle_in_a_file_is_never_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(IndexFolderError, match=r"a\.npy"):
        load_arrays(tmp_path)


def test_a_file_too_long_or_with_a_damaged_header_is_named(tmp_path):
    save_arrays(tmp_path, {"a": np.arange(100)})
    whole = (tmp_path / "a.npy").read_bytes()
    rng = np.random.default_rng(0)
    (tmp_path / "a.npy").write_bytes(whole + b"\0")
    with pytest.raises(IndexFolderError, match=r"a\.npy"):
        load_arrays(tmp_path)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.integers(0, 100)] = rng.integers(0, 256)
        (tmp_path / "a.npy").write_bytes(damaged)
        try:
            load_arrays(tmp_path)
        except IndexFolderError as error:
            assert "a.npy" in str(error) and "\n" not in str(error)


def test_an_array_is_written_piece_by_piece(tmp_path):
    with ArrayWriter(tmp_path, "a", np.float32, (5, 2)) as writer:
        writer.write(np.ones((2, 2)))
        writer.write(np.zeros((3, 2)))
    np.testing.assert_array_equal(
        load_arrays(tmp_path)["a"], np.repeat([[1.0], [0.0]], [2, 3], axis=0) * [[1, 1]]
    )


def test_pieces_that_do_not_fill_the_array_are_an_error(tmp_path):
    with (
        pytest.raises(ValueError, match="1 values too few"),
        ArrayWriter(tmp_path, "a", np.int8, (3,)) as writer,
    ):
        writer.write(np.ones(2))


def test_of_several_views_of_a_query_the_best_counts():
    ranker = ExactRanker(2)
    ranker.add(np.arange(3), np.array([[1, 0], [0, 1], [-1, 0]], np.float32))
    ranking = ranker.rank(np.array([[2, 0], [1, 1]], np.float32), 3)
    np.testing.assert_array_equal(ranking.ids, [0, 1, 2])
    np.testing.assert_allclose(ranking.scores, [1, np.sqrt(0.5), -np.sqrt(0.5)], rtol=1e-6)


def test_a_file_whose_header_cannot_be_written_is_closed(tmp_path, monkeypatch):
    opened = []

    def refuse(file, header):
        opened.append(file)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.lib.format.write_array_header_2_0", refuse)
    with pytest.raises(OSError, match="No space"), ArrayWriter(tmp_path, "rows", np.float32, None):
        raise AssertionError
    assert [file.closed for file in opened] == [True]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_threads_give_the_same_bits(tmp_path, monkeypatch, n_threads):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(n_threads)))
    vectors = np.random.default_rng(4).standard_normal((2000, 7)).astype(np.float32)
    ranker = ExactRanker(7)
    ranker.add(np.arange(1500), vectors[:1500])
    ranker.save(tmp_path)
    ranker = ExactRanker.open([tmp_path], 7)  # with codes, and some vectors in memory
    ranker.add(np.arange(1500, 2000), vectors[1500:])
    among = np.arange(2000) % 3 > 0
    asked = [(k, mask) for k in (1, 20, 2000) for mask in (None, among)]
    expected = [ranker.rank(vectors[5], *each) for each in asked]
    monkeypatch.setattr(share_out, "_A_THREAD", 130)
    for each, whole in zip(asked, expected, strict=True):
        found = ranker.rank(vectors[5], *each)
        assert found.ids.tolist() == whole.ids.tolist()
        assert found.scores.tobytes() == whole.scores.tobytes()
