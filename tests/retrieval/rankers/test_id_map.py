"""Which ids are there twice, whether they are close together or far apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import IndexFolderError
from retrieval.rankers.id_map import IdMap


@given(st.lists(st.lists(st.integers(0, 12), max_size=5), max_size=3), st.sampled_from([1, 10**9]))
def test_an_id_that_is_there_twice_is_refused(blocks: list[list[int]], factor: int) -> None:
    ids = IdMap()
    for block in blocks:
        ids.open_block(np.array(block, np.int64) * factor)
    flat = [one for block in blocks for one in block]
    if len(set(flat)) == len(flat):
        ids.check_unique()
    else:
        with pytest.raises(IndexFolderError, match="the same id"):
            ids.check_unique()


@pytest.mark.parametrize("number", [0, 7, 10**9])
def test_two_ids_do_not_get_one_number(number: int) -> None:
    ids = IdMap()
    ids.open_block(np.array([2, 0, 1]))
    with pytest.raises(ValueError, match="same number"):
        ids.renumber(np.array([number, 3, number]))
    assert ids.ids().tolist() == [0, 1, 2]
    ids.renumber(np.array([-1, 3, -1]))  # those that go share no number
    assert ids.ids().tolist() == [3]
