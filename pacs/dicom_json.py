"""DICOM JSON (PS3.18 annex F), read as it comes: what is not as the standard says holds no value."""

from __future__ import annotations

from typing import Any


def values_of(found: Any, tag: str) -> list[Any]:
    """Return the values of an attribute by its tag, ``0020000D``; none if it has none."""
    element = found.get(tag) if isinstance(found, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def value_of(found: Any, tag: str) -> Any:
    """Return the first value of an attribute; None if it has none."""
    return next(iter(values_of(found, tag)), None)
