"""Limits: what the reading of one file may take, so that no file can stop or fill a machine.

The numbers of pixels and frames are refused by the readers, before anything is decoded. Time and memory are
those of a process of its own, which ``guarded`` ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from numbers import Real

from ..errors import OptionError, PictureError

MAX_PIXELS = 100_000_000
"""The largest number of rows × cols of one frame, by default."""
MAX_FRAMES = 250_000
"""The largest number of frames of one file, by default; a long functional MR series has 109,200 slices."""

_SECONDS, _BY_THE_CLOCK = 10.0, 5
_COMPILING, _TIMES_READING = 300.0, 10
_MEGABYTE = 1_000_000
_MEMORY, _TIMES_PIXELS = 500 * _MEGABYTE, 4
_BYTES_OF_A_PIXEL = 12  # three colours of float32, as which every pixel is shown
_MOST_DECLARED = 20
"""Bytes a pixel that a header may declare at most: more memory is not lent to a header alone."""


class LimitError(PictureError):
    """The reading of a file was ended: it took more than it may, or its process died."""


class DiedError(LimitError):
    """The process that read a file died before it gave anything, which may be chance."""


@dataclass(frozen=True)
class Limits:
    """What the reading of one file may take; no honest file meets the defaults.

    Parameters
    ----------
    max_seconds : seconds of a processor, and five times as many by the clock; by default 10, and 1 more for
        each MB of the file and each million pixels that it has given. A worker process may encode an image
        for ten times as long, and 300 s more.
    max_memory : MB that are needed for the file; by default 500 and 4 times its declared pixels.
    max_pixels : rows × cols of one image.
    max_frames : images of one file.

    Raises
    ------
    OptionError : one of them is not above 0.
    """

    max_seconds: float | None = None
    max_memory: int | None = None
    max_pixels: int = MAX_PIXELS
    max_frames: int = MAX_FRAMES

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            is_number = isinstance(value, Real)
            if value is not None and not is_number:
                raise OptionError(f"{value!r} is no number", field.name)
            if value is not None and not value > 0:
                raise OptionError(f"{value} is not above 0", field.name)

    def seconds(self, n_bytes: int, n_pixels: int) -> float:
        """Return the seconds of a processor for a file of this size that gave this many pixels."""
        if self.max_seconds is not None:
            return self.max_seconds
        return _SECONDS + (n_bytes + n_pixels) / _MEGABYTE

    def clock_seconds(self, n_bytes: int, n_pixels: int) -> float:
        """Return the seconds by the clock: a busy machine or a slow disk is not the fault of a file."""
        return _BY_THE_CLOCK * self.seconds(n_bytes, n_pixels)

    def encoding_seconds(self, n_pixels: int) -> float:
        """Return the seconds of a processor for what is done with an image in a worker once it is read.

        No image takes a hundredth of that; kernels may have to be compiled meanwhile.
        """
        return _COMPILING + _TIMES_READING * self.seconds(0, n_pixels)

    def memory(self, n_declared: int) -> int:
        """Return the bytes for a file whose header declares this many bytes of pixels."""
        if self.max_memory is not None:
            return self.max_memory * _MEGABYTE
        return _MEMORY + _TIMES_PIXELS * min(n_declared, self.max_pixels * _MOST_DECLARED)


_LIMITS: ContextVar[Limits | None] = ContextVar("limits", default=None)

Declare = Callable[[int, int], None]
"""Takes the bytes of pixels that a header declares, and the bytes of a further file that it names."""

_DECLARE: ContextVar[Declare | None] = ContextVar("declare", default=None)


def current_limits() -> Limits:
    """Return the limits that are in force here."""
    return _LIMITS.get() or Limits()


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Put limits in force for all that is read within a block."""
    token = _LIMITS.set(limits)
    try:
        yield
    finally:
        _LIMITS.reset(token)


def declare_pixels(rows: int, cols: int) -> None:
    """Say how large a frame is that is about to be decoded."""
    declare(rows * cols * _BYTES_OF_A_PIXEL, 0)


def declare(n_declared: int, n_more: int) -> None:
    """Say how many bytes of pixels are declared, and how large a further file is that is read."""
    report = _DECLARE.get()
    if report is not None:
        report(n_declared, n_more)


@contextmanager
def declared_to(report: Declare) -> Iterator[None]:
    """Hand on what readers declare within a block."""
    token = _DECLARE.set(report)
    try:
        yield
    finally:
        _DECLARE.reset(token)
