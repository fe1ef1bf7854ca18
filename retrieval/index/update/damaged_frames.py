"""What is said of a file some of whose frames are damaged."""

from __future__ import annotations

from collections.abc import Sequence

from ...readers import DamagedFrame

_NAMED = 10  # frames of a file


def about_damaged(damaged: Sequence[DamagedFrame]) -> str:
    """Say which frames of a file are missing and why the first one is; nothing if none is."""
    if not damaged:
        return ""
    first = ", ".join(f"#{frame.number}" for frame in damaged[:_NAMED])
    more = f" and {len(damaged) - _NAMED:,} more" if len(damaged) > _NAMED else ""
    return f"frame {first}{more} cannot be read, the others are: {damaged[0].reason}"
