"""What is said of a file some of whose frames are damaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...readers import DamagedFrame

_NAMED = 10  # frames of a file
_SENTENCES = {
    "frame": "frame {} cannot be read, the others are: {}",
    "tile": "tile {} cannot be read, the others are: {}",
    "image": "image {} is left out: {}",
    "scale": "nothing is read at {}: {}",
}


@dataclass(frozen=True)
class _Frames:
    """Damaged frames of one kind: the names of the first, how many there are, why the first one is."""

    names: tuple[str, ...]
    n: int
    reason: str


@dataclass(frozen=True)
class Damage:
    """What of a file, or of a part of it, could not be read: a few words, however much it is."""

    kinds: Mapping[str, _Frames] = field(default_factory=dict)

    @classmethod
    def of(cls, damaged: Iterable[DamagedFrame]) -> Damage:
        """Sum up damaged frames."""
        found: dict[str, list[DamagedFrame]] = {}
        for frame in damaged:
            found.setdefault(_kind(frame), []).append(frame)
        return cls({kind: _summary(kind, frames) for kind, frames in found.items()})

    def __add__(self, later: Damage) -> Damage:
        """Return the damage of both, that of an earlier part of the file first."""
        kinds = dict(self.kinds)
        for kind, more in later.kinds.items():
            one = kinds.get(kind, _Frames((), 0, more.reason))
            kinds[kind] = _Frames((one.names + more.names)[:_NAMED], one.n + more.n, one.reason)
        return Damage(kinds)

    @property
    def first_reason(self) -> str:
        """Return why the first frame cannot be read; empty if all can."""
        return next((frames.reason for frames in self.kinds.values()), "")

    def __str__(self) -> str:
        """Say which frames of a file are missing and why the first one is; nothing if none is."""
        return "; ".join(
            _SENTENCES[kind].format(_listed(frames), frames.reason) for kind, frames in self.kinds.items()
        )


def _kind(frame: DamagedFrame) -> str:
    if isinstance(frame.number, int):
        return "frame"
    if frame.number.startswith("image "):
        return "image"
    return "tile" if "/" in frame.number else "scale"


def _summary(kind: str, frames: list[DamagedFrame]) -> _Frames:
    sign = "#" if kind == "frame" else ""
    names = tuple(f"{sign}{frame.number}".removeprefix("image ") for frame in frames[:_NAMED])
    return _Frames(names, len(frames), frames[0].reason)


def _listed(frames: _Frames) -> str:
    more = frames.n - len(frames.names)
    return ", ".join(frames.names) + (f" and {more:,} more" if more else "")
