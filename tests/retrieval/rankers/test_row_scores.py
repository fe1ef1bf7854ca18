"""Scores of dense rows: the nearest float32, whichever order they are added in, and whoever adds them."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.rankers import proven_scan, row_scores, top_k
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.dense_block import CODED

MODULES: tuple[ModuleType, ...] = (proven_scan, row_scores, top_k)


def by(patch: pytest.MonkeyPatch, is_compiled: bool) -> None:
    """Let kernels do the work, or numpy."""
    for module in MODULES:
        patch.setattr(module, "is_worth_loading", lambda work: is_compiled)


def vectors(n: int, d: int, seed: int) -> np.ndarray:
    """Return vectors whose sums cancel, are half-way between two float32, are large, or are ordinary."""
    rng = np.random.default_rng(seed)
    made = rng.standard_normal((n, d)) * rng.choice([1e-30, 1e-3, 1, 1e15], (n, 1))
    made[::5] = rng.choice([-1, 0, 1], (len(made[::5]), d))
    made[1::5] = 1 + rng.integers(0, 4, (len(made[1::5]), d)) * 2.0**-23
    made[2::5, : d // 2] = -made[2::5, d // 2 : 2 * (d // 2)]
    return made.astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 300), st.booleans(), st.integers(0, 999))
def test_scores_are_sums_in_order_to_the_last_bit(n: int, d: int, is_cosine: bool, seed: int) -> None:
    rows, query = vectors(n, d, seed), vectors(6, d, seed + 1)[seed % 6]
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1).astype(np.float32)
    sums = [sum(a * b for a, b in zip(row, query.tolist(), strict=True)) for row in rows.tolist()]
    expected = np.array(sums, np.float64).astype(np.float32) + np.float32(0)
    if is_cosine:
        expected = np.divide(expected, lengths, out=np.zeros(n, np.float32), where=lengths > 0)
    order = np.random.default_rng(seed).permutation(n)
    for is_compiled in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            by(patch, is_compiled)
            found = row_scores.scores_of_all(rows, lengths, query, is_cosine)
            some = row_scores.scores_of_some(rows, lengths, order, query, is_cosine)
        assert found.tobytes() == expected.tobytes()
        assert some.tobytes() == expected[order].tobytes()


def test_damaged_vectors_score_no_number_by_kernels_and_in_numpy(recwarn) -> None:
    rows = np.full((3, 4), np.nan, np.float32)
    rows[1], rows[2] = np.inf, 3e38
    for is_compiled in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            by(patch, is_compiled)
            found = row_scores.scores_of_all(
                rows, np.ones(3, np.float32), np.full(4, 1e18, np.float32), False
            )
        assert not np.isfinite(found).any()
    assert not recwarn.list


@pytest.fixture(scope="module")
def ranker(tmp_path_factory) -> ExactRanker:
    """Return a ranker of a segment with codes and of vectors in memory; many are equal, and some removed."""
    folder, d, n = tmp_path_factory.mktemp("both") / "segment", 30, CODED + 200
    rows = vectors(n, d, 0)
    rows[::7] = rows[3]
    saved = ExactRanker(d)
    saved.add(np.arange(n), rows)
    saved.save(folder)
    found = ExactRanker.open([folder], d)
    found.add(np.arange(n, n + 50), rows[:50])
    found.remove(np.arange(0, n, 11))
    return found


@settings(deadline=None, max_examples=40)
@given(st.integers(1, CODED), st.integers(1, 40), st.integers(1, 3), st.integers(0, 999), st.floats(0, 1))
def test_answers_are_the_same_with_and_without_numba(ranker, row, k, n_views, seed, share) -> None:
    rng = np.random.default_rng(seed)
    query = vectors(CODED + 200, 30, 0)[[row] * n_views] + (seed % 3) * rng.standard_normal((n_views, 30))
    among = None if share > 0.8 else rng.random(CODED + 240) < share
    answers = []
    for is_compiled in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            by(patch, is_compiled)
            found = ranker.rank(query.astype(np.float32), k, among)
            reached = ranker.above(query.astype(np.float32), 0.4, len(ranker), among)
        answers.append([each.tobytes() for one in (found, reached) for each in (one.ids, one.scores)])
    assert answers[0] == answers[1]
    held = ranker.ids()
    n = len(held) if among is None else int(among[held[held < len(among)]].sum())
    assert len(found) == min(k, n)
