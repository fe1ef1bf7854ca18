"""The source: one file to be read, and what the caller wants of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import PictureError
from ..picture import Picture
from .limits import Limits, declare_pixels
from .reasons import reason_of
from .tiling import Frame, Tiling
from .window import Window

T = TypeVar("T")


class NotAPictureError(PictureError):
    """A file is no image and does not claim to be one: it is passed over without alarm."""


class PassedOverError(PictureError):
    """A file is left out on purpose; the message says what it is and how to bring it in."""


@dataclass(frozen=True)
class DamagedFrame:
    """A frame that could not be read, in a file whose others can: its number, from 0, and the reason.

    Of a slide it is the name of a tile, such as ``1.0um/3,2``, of a scale, ``1.0um``, or of another image of
    the file, ``image 1``.
    """

    number: int | str
    reason: str


@dataclass(frozen=True)
class Band:
    """One of several parts of the tiles of a slide, each of which can be read by another process.

    Parameters
    ----------
    number, of : which part, from 0, of how many. Together and in order they are all tiles, each once.
    """

    number: int
    of: int

    @property
    def is_last(self) -> bool:
        """Tell if no other comes after it."""
        return self.number == self.of - 1

    def part(self, items: Sequence[T]) -> Sequence[T]:
        """Return those of all items that belong to it; parts differ in length by one at most."""
        n = len(items)
        return items[n * self.number // self.of : n * (self.number + 1) // self.of]


Read = Picture | DamagedFrame
"""What a reader yields for each frame."""


@dataclass(frozen=True)
class Source:
    """A file to be read.

    Parameters
    ----------
    path, id : where it is, and what it is called.
    window : how values become grey levels.
    salt : keys the hashes of identifiers.
    frames : the frames wanted, counted from 0, or parts of a slide; None for all.
    limits : how many pixels and frames are decoded.
    also : kinds to be read besides images of patients (``kinds.ALSO``); None for all of them.
    as_mask : show 1 for each value that is not zero, else 0, instead of grey levels through a window.
    tiling : how slides are cut; None reads the first level of a slide as one image.
    band : which part of the tiles of a slide; None for all.
    """

    path: Path
    id: str
    window: Window
    salt: bytes
    frames: Collection[Frame] | None
    limits: Limits
    also: Collection[str] | None = None
    as_mask: bool = False
    tiling: Tiling | None = None
    band: Band | None = None

    def frame_id(self, frame: int, n_frames: int) -> str:
        """Return the id of a frame: that of the file if it holds one frame only."""
        return self.id if n_frames == 1 else f"{self.id}#{frame}"

    def wanted(self, n_frames: int) -> Iterator[int]:
        """Yield the frames that are wanted, rising.

        Raises PictureError for one that is not there, and if all of more than are allowed are wanted.
        """
        if self.frames is None:
            if n_frames > self.limits.max_frames:
                raise PictureError(
                    f"its header names {n_frames:,} images, more than the {self.limits.max_frames:,} "
                    "allowed; raise max_frames"
                )
            yield from range(n_frames)
            return
        numbers = [frame for frame in self.frames if isinstance(frame, int)]
        if others := [str(frame) for frame in self.frames if not isinstance(frame, int)]:
            raise PictureError(f"there is no {others[0]}: the file is no whole slide")
        # Rising: compressed files are read from front to back.
        for frame in sorted(set(numbers)):
            if not 0 <= frame < n_frames:
                raise PictureError(f"there is no frame {frame}; the file holds {n_frames}, counted from 0")
            yield frame

    def each(self, n_frames: int, read: Callable[[int], Picture]) -> Iterator[Read]:
        """Read the wanted frames one by one; a frame that fails costs no other frame."""
        for number in self.wanted(n_frames):
            try:
                yield read(number)
            except Exception as error:  # decoders fail in many ways
                yield DamagedFrame(number, reason_of(error))

    def check_size(self, rows: int, cols: int) -> None:
        """Raise PictureError if a frame has no pixels or more than are allowed.

        It is asked before anything of the frame is decoded; memory is then lent for what it declares.
        """
        if rows < 1 or cols < 1:
            raise PictureError(f"an image of {rows} × {cols} has no pixels")
        if rows * cols > self.limits.max_pixels:
            raise PictureError(
                f"{rows} × {cols} pixels are more than the {self.limits.max_pixels:,} allowed; cut it into "
                "tiles or raise max_pixels"
            )
        declare_pixels(rows, cols)
