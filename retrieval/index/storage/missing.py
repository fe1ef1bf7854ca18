"""What a message says of an image or a representation that is missing: how to add it, or what is meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...errors import SettingError, did_you_mean
from ...registry import installed


def remedy(name: str, there: Collection[str]) -> str:
    """Return the end of a message about a representation that is not among those there."""
    base, mark, _ = name.partition("+")
    if mark and base in there:
        return f"; `semblance learn-metric` with --by {base} learns one"
    if name in installed():
        return f"; `semblance index` with --by {name} adds it, given the same folders"
    return did_you_mean(name, there)


def no_image(name: str, names: Sequence[str]) -> SettingError:
    """Return the error that says that an index has no image of a name."""
    # Most often a file of several frames was named without one.
    frames = [other for other in names if other.startswith(f"{name}#")]
    # One of its own as an example: no command lists the names of a large index.
    example = f", such as {names[0]}" if len(names) else ""
    hint = f"an image is named by its path in the indexed folder{example}"
    if frames:
        hint = f"it has {len(frames):,} frames, name one as {frames[0]}"
    return SettingError(f"{name}: no such image in this index; {hint}")
