"""The source: one file to be read, and what the caller wants of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import PictureError
from .window import Window

MAX_PIXELS = 100_000_000
"""The most rows × cols of one frame unless the caller says otherwise."""


class NotAPictureError(PictureError):
    """A file is no picture and does not claim to be one: to be passed over without alarm."""


@dataclass(frozen=True)
class Source:
    """What ``read_pictures`` was asked for."""

    path: Path
    id: str
    window: Window
    salt: bytes
    frames: Collection[int] | None
    max_pixels: int

    def frame_id(self, frame: int, n_frames: int) -> str:
        """Return the id of a frame: that of the file where it holds one frame only."""
        return self.id if n_frames == 1 else f"{self.id}#{frame}"

    def wanted(self, n_frames: int) -> Iterator[int]:
        """Yield the frames that are wanted, rising. Raise PictureError for one that is not there."""
        if self.frames is None:
            yield from range(n_frames)
            return
        for frame in sorted(set(self.frames)):
            if not 0 <= frame < n_frames:
                raise PictureError(f"there is no frame {frame}; the file holds {n_frames}, counted from 0")
            yield frame

    def check_size(self, rows: int, cols: int) -> None:
        """Raise PictureError where a frame has no pixels or more than are allowed."""
        if rows < 1 or cols < 1:
            raise PictureError(f"a picture of {rows} × {cols} has no pixels")
        if rows * cols > self.max_pixels:
            raise PictureError(
                f"{rows} × {cols} pixels are more than the {self.max_pixels:,} allowed; cut it into tiles "
                "or raise max_pixels"
            )
