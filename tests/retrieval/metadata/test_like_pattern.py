"""Facts about patterns of ``like``: what matches, and that none takes long."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.metadata.filter import Condition
from retrieval.metadata.like_pattern import LikePattern


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("chest", "CHEST", True),
        ("chest", "chest ", False),
        ("ch%", "chest", True),
        ("%st", "chest", True),
        ("c%s%t", "chest", True),
        ("c__st", "chest", True),
        ("c_st", "chest", False),
        ("%", "", True),
        ("", "", True),
        ("a%a", "a", False),
        ("ab%ba", "aba", False),
        ("%a.b%", "xaab", False),
        ("%\n%", "two\nlines", True),
    ],
)
def test_what_matches(pattern, text, expected):
    assert LikePattern(pattern).matches(text) is expected


@given(st.text("ab%_A.", max_size=8), st.text("abAB.\n", max_size=10))
def test_it_matches_what_the_regular_expression_does(pattern, text):
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    expected = re.fullmatch("".join(parts), text, re.IGNORECASE | re.DOTALL) is not None
    assert LikePattern(pattern).matches(text) is expected


def test_no_pattern_takes_long():
    condition = Condition.parse(f"label like '{'%a_' * 40}%b'")
    started = time.process_time()
    assert not condition.holds({"label": [("a" * 20_000,)]}).any()
    assert time.process_time() - started < 2
