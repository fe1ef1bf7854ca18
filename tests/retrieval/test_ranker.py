"""Sets of ids: what numpy says of them, close together or far apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ranker import are_among, united

IDS = st.lists(st.integers(0, 40), max_size=12)


@given(IDS, IDS, st.sampled_from([1, 10**9]))
def test_ids_are_among_others_as_numpy_says(ids: list[int], others: list[int], factor: int) -> None:
    own, theirs = np.array(ids, np.int64) * factor, np.array(others, np.int64) * factor
    assert are_among(own, theirs).tolist() == np.isin(own, theirs).tolist()


@given(st.lists(IDS, max_size=3))
def test_united_ids_are_the_different_ones_rising(parts: list[list[int]]) -> None:
    found = united([np.array(part, np.int64) for part in parts])
    assert found.dtype == np.int64
    assert found.tolist() == sorted({id for part in parts for id in part})


@pytest.mark.parametrize("others", [[], [3, 7, 10**12]])
def test_no_ids_are_among_none(others: list[int]) -> None:
    none = np.empty(0, np.int64)
    assert are_among(none, np.array(others, np.int64)).shape == (0,)
