"""Attributes match as PS3.4 section C.2.2.2 has it."""

import pytest
from pydicom.multival import MultiValue

from pacs.matching import matches


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("CT", "CT", True),
        ("CT", "MR", False),
        ("CT", "MR\\CT", True),
        ("CT", "C*", True),
        ("CT", "?T", True),
        ("[CT]", "[CT]", True),
        ("C", "[CT]", False),
        (None, "CT", False),
        (None, "", True),
        ("anything", "*", True),
        ("20260105", "20260101-", True),
        ("20251231", "20260101-", False),
        ("20260105", "-20260105", True),
        ("20260106", "-20260105", False),
        ("20260103", "20260101-20260105", True),
        ("120000.5", "-120000", True),
        ("A-1", "A-1", True),
        (MultiValue(str, ["CT", "SR"]), "SR", True),
    ],
)
def test_a_value_matches(value, wanted, expected):
    assert matches(value, wanted) is expected
