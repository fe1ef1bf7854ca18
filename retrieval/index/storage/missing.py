"""What a message says of a representation that is missing: how to add it, or what is meant."""

from __future__ import annotations

from collections.abc import Collection

from ...errors import did_you_mean
from ...registry import installed


def remedy(name: str, there: Collection[str]) -> str:
    """Return the end of a message about a representation that is not among those there."""
    base, mark, _ = name.partition("+")
    if mark and base in there:
        return f"; `semblance learn-metric` with --by {base} learns one"
    if name in installed():
        return f"; `semblance index` with --by {name} adds it, given the same folders"
    return did_you_mean(name, there)
