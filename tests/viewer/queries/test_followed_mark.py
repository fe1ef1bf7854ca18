"""Following a mark: which slices ask."""

from __future__ import annotations

import pytest

from retrieval.readers.slice_stacks import Slice
from viewer.queries import followed_mark
from viewer.queries.followed_mark import slices_through
from viewer.queries.query import Query
from viewer.queries.stack import SliceStack


@pytest.fixture
def thick(monkeypatch):
    """A stack of 101 slices, 2 mm apart, asked from its middle."""
    slices = tuple(Slice(f"{n:03d}", "s", 2.0 * n, (0, 0, 1)) for n in range(101))
    monkeypatch.setattr(followed_mark, "stack_of", lambda index, image: SliceStack(slices, 50))


@pytest.mark.parametrize(
    ("through", "names"),
    [
        (0.5, ["050"]),
        (2, ["049", "050", "051"]),
        (5, ["048", "049", "050", "051", "052"]),
        (30, ["035", "039", "043", "046", "050", "054", "057", "061", "065"]),
    ],
)
def test_slices_are_those_within_reach_nine_at_most(through, names, thick):
    assert slices_through(None, Query("050", known_as="050"), through) == names


@pytest.mark.parametrize("through", [7, 11, 13, 17, 29, 99, 1000])
def test_the_marked_slice_is_always_among_them(through, thick):
    found = slices_through(None, Query("050", known_as="050"), through)
    assert "050" in found and found == sorted(set(found))
