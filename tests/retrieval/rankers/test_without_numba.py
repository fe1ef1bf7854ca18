"""Small queries without numba: numpy gives the same, to the last bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.rankers import posting_lists, top_k
from retrieval.rankers.postings import Postings
from retrieval.rankers.top_k import Selection


def block(n: int, size: int, density: float, seed: int) -> Postings:
    """Return n rows over some words; those with a low number are in most rows, and become columns."""
    rng = np.random.default_rng(seed)
    held = rng.random((n, size)) < density * np.linspace(2, 0, size)
    rows, words = np.nonzero(held)
    values = rng.random(len(words)).astype(np.float32) - np.float32(0.3)
    return Postings.build(np.bincount(rows, minlength=n), words.astype(np.uint32), values, size)


@given(st.integers(1, 80), st.integers(1, 60), st.floats(0, 1), st.integers(0, 99))
def test_scores_are_the_same_to_the_last_bit(n: int, size: int, density: float, seed: int) -> None:
    made, rng = block(n, size, density, seed), np.random.default_rng(seed)
    words = np.flatnonzero(rng.random(size) < 0.7).astype(np.uint32)
    values = rng.standard_normal(len(words)).astype(np.float32)
    compiled, plain = np.zeros(n, np.float32), np.zeros(n, np.float32)
    posting_lists.add_scores(made.lists, words, values, compiled)
    posting_lists.add_scores_in_numpy(made.lists, words, values, plain)
    assert compiled.tobytes() == plain.tobytes()


@given(st.integers(1, 80), st.integers(1, 60), st.floats(0, 1), st.integers(0, 99), st.integers(0, 9))
def test_a_row_is_found_in_the_same_places(n: int, size: int, density: float, seed: int, before: int) -> None:
    made = block(n, size, density, seed)
    moved = Postings(
        n, made.offsets, np.concatenate([np.zeros(before, np.uint16), made.rows]), made.weights, before
    )
    for row in range(n):
        expected = posting_lists.find_row(moved.lists, row)
        np.testing.assert_array_equal(posting_lists.find_row_in_numpy(moved.lists, row), expected)


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=4),
    st.integers(0, 9),
    st.one_of(st.none(), st.lists(st.booleans(), min_size=1, max_size=40)),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_the_best_are_the_same_whoever_selects_them(
    blocks: list[list[int]], k: int, among: list[bool] | None, compiled: list[bool]
) -> None:
    mask = None if among is None else np.array(among)
    expected, mixed = Selection(k, mask), Selection(k, mask)
    with pytest.MonkeyPatch.context() as patch:
        for number, levels in enumerate(blocks):
            ids = np.random.default_rng(number).permutation(len(levels)) + 12 * number
            ids[ids % 7 == 3] = -1
            scores = np.array(levels, np.float32)
            patch.setattr(top_k, "is_worth_loading", lambda work: True)
            expected.offer(ids, scores)
            patch.setattr(top_k, "is_worth_loading", lambda work, number=number: compiled[number])
            mixed.offer(ids, scores)
    assert mixed.ranking().ids.tolist() == expected.ranking().ids.tolist()
    assert mixed.ranking().scores.tolist() == expected.ranking().scores.tolist()


def test_numba_is_loaded_after_a_while() -> None:
    code = (
        "import sys; from retrieval.kernel import is_worth_loading as is_worth\n"
        "print(is_worth(1e6), is_worth(2e8), is_worth(1), 'numba' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "True", "True", "False"]


def test_vectors_are_encoded_and_kernels_compiled_without_what_takes_long_to_load() -> None:
    code = (
        "import sys; import numpy as np; from retrieval.rankers import byte_codes\n"
        "made = byte_codes.encode(np.ones((2000, 4), np.float32)); print('numba' in sys.modules)\n"
        "score = byte_codes.coded_product(made.codes, 0, np.ones(4, np.int16))\n"
        "print(int(score), 'scipy.linalg' in sys.modules)\n"
        "from numba.np import arraymath, linalg; print(arraymath.ensure_blas is linalg.ensure_blas)\n"
        "linalg.ensure_blas(); print('scipy.linalg' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "508", "False", "True", "True"]
