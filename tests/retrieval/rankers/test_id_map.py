"""Which ids are there twice, whether they are close together or far apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import IndexFolderError
from retrieval.rankers import id_map
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


@given(
    st.lists(st.integers(0, 30), max_size=20, unique=True),
    st.sampled_from(["as they are", "rising", "shifted"]),
    st.lists(st.integers(0, 40), max_size=8, unique=True),
    st.lists(st.integers(0, 30), max_size=3),
)
def test_ids_are_found_in_blocks_of_any_order(
    held: list[int], order: str, wanted: list[int], gone: list[int]
) -> None:
    # Without gaps, rising with gaps, or in any order; searched in each or looked up in a table.
    ids = {"as they are": held, "rising": sorted(held), "shifted": list(range(5, 5 + len(held)))}[order]
    for searched in (0, id_map._SEARCHED):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(id_map, "_SEARCHED", searched)
            made = IdMap()
            made.open_block(np.array(ids[: len(ids) // 2], np.int64))
            made.open_block(np.array(ids[len(ids) // 2 :], np.int64))
            assert _found(made, wanted) == sorted(set(ids) & set(wanted))
            made.remove(np.array(gone, np.int64))
            assert _found(made, wanted) == sorted(set(ids) & set(wanted) - set(gone))


def _found(made: IdMap, wanted: list[int]) -> list[int]:
    ids, found = np.array(wanted, np.int64), []
    for number, places, rows in made.find_held(ids):
        assert (made.blocks[number][rows] == ids[places]).all() and (np.diff(rows) > 0).all()
        found += ids[places].tolist()
    return sorted(found)
