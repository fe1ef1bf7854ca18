"""DICOM frames: from the bytes of a file to the stored values of its frames, one at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..reasons import reason_of
from ..source import DamagedFrame
from .bits import stored_values
from .codec import decode_frame
from .fragments import Fragment, fragments_of_frames, read_fragments
from .ybr import rgb_of

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)


@dataclass(frozen=True, eq=False)
class Frame:
    """Stored values of one frame.

    Parameters
    ----------
    number : counted from 0.
    values : (rows, cols) or (rows, cols, samples), as decoded; YBR is RGB already.
    photometric : the photometric interpretation of these values.
    """

    number: int
    values: NDArray[Any]
    photometric: str


@dataclass(frozen=True, eq=False)
class Stored:
    """The frames of a DICOM file that are still in the file.

    Parameters
    ----------
    dataset : the header, a pydicom Dataset without pixel data.
    syntax : the transfer syntax, a pydicom UID.
    options : what pydicom's decoders want to know; ``rows``, ``columns``, ``number_of_frames`` among it.
    file, offset : where the value of the pixel data element begins; the file is open.
    length : how many bytes it says that it has; None if it does not say.
    """

    dataset: Any
    syntax: Any
    options: dict[str, Any]
    file: IO[bytes]
    offset: int
    length: int | None = None

    @property
    def n_frames(self) -> int:
        """Return how many frames the header names."""
        return int(self.options["number_of_frames"])

    @property
    def little_endian(self) -> bool:
        """Return whether tables in the header have their lowest byte first."""
        return bool(self.syntax != BIG_ENDIAN)

    def frames(self, wanted: Iterable[int]) -> Iterator[Frame | DamagedFrame]:
        """Decode the wanted frames (rising); memory holds one at a time, and a damaged one costs no other."""
        wanted = list(wanted)
        if not wanted:
            return
        yield from self._native(wanted) if self.syntax in NATIVE else self._encapsulated(wanted)

    def _native(self, wanted: list[int]) -> Iterator[Frame | DamagedFrame]:
        from pydicom.pixels import get_decoder

        there, frame_bits = self._n_bytes(), self._frame_bits
        whole = [number for number in wanted if (number + 1) * frame_bits <= 8 * there]
        # The bits are put right here: pydicom takes HighBit for BitsStored - 1.
        options = {**self.options, "correct_unused_bits": False}
        if self._is_packed:
            yield from self._bits(whole)
        elif whole:
            decoder = get_decoder(self.syntax)
            for number in whole:
                yield _tried(number, partial(self._by_pydicom, decoder, number, options))
        needed = (self.n_frames * frame_bits + 7) // 8
        for number in wanted[len(whole) :]:
            yield DamagedFrame(number, f"the file is truncated: {there:,} of {needed:,} bytes of pixels")

    def _by_pydicom(self, decoder: Any, number: int, options: dict[str, Any]) -> Frame:
        """Read one native frame. A decoder that goes on to the next takes YBR for the RGB that it made."""
        is_deep = options["bits_allocated"] > 8  # pydicom converts 8 bits alone
        self.file.seek(self.offset)
        words, properties = decoder.as_array(self.file, index=number, as_rgb=not is_deep, **options)
        photometric = str(properties["photometric_interpretation"])
        values = stored_values(words, self.options)
        if is_deep:
            values, photometric = rgb_of(values, photometric, options["bits_stored"])
        return Frame(number, values, photometric)

    @property
    def _is_packed(self) -> bool:
        """Whether frames of single bits begin within bytes, which pydicom cannot read one at a time."""
        options = self.options
        is_single = options["bits_allocated"] == 1 and options["samples_per_pixel"] == 1
        return bool(is_single and self._frame_bits % 8 and self.little_endian)

    def _bits(self, wanted: Iterable[int]) -> Iterator[Frame]:
        """Read frames of single bits, the first in the lowest bit of a byte; PS3.5 section 8.1.1 and D.1."""
        rows, cols, n = self.options["rows"], self.options["columns"], self._frame_bits
        for number in wanted:
            first, spare = divmod(number * n, 8)
            self.file.seek(self.offset + first)
            data = np.frombuffer(self.file.read((spare + n + 7) // 8), dtype=np.uint8)
            bits = np.unpackbits(data, count=spare + n, bitorder="little")[spare:]
            yield Frame(number, bits.reshape(rows, cols), self.options["photometric_interpretation"])

    @property
    def _frame_bits(self) -> int:
        options = self.options
        n_bits = (
            options["rows"] * options["columns"] * options["samples_per_pixel"] * options["bits_allocated"]
        )
        # PS3.3 C.7.6.3.1.2: two pixels of YBR_FULL_422 share their colour differences.
        is_subsampled = options.get("photometric_interpretation") == "YBR_FULL_422"
        return int(n_bits * 2 // 3 if is_subsampled else n_bits)

    def _n_bytes(self) -> int:
        there = self.file.seek(0, io.SEEK_END) - self.offset
        # What follows the pixels, such as padding, must not be shown in the place of frames that are lacking.
        return there if self.length is None else min(there, self.length)

    def _encapsulated(self, wanted: list[int]) -> Iterator[Frame | DamagedFrame]:
        # A handle of its own: a window may be measured on other frames while this one waits.
        with Path(self.file.name).open("rb") as file:
            frames = self._fragments
            for number in wanted:
                if number < len(frames):
                    yield _tried(number, partial(self._decoded, file, number))
                else:
                    reason = f"the file is truncated: a frame of {self.n_frames} is missing"
                    yield DamagedFrame(number, reason)

    @cached_property
    def _fragments(self) -> list[list[Fragment]]:
        """The fragments of each frame that is there."""
        extended = self.options.get("extended_offsets")
        return fragments_of_frames(self.file, self.offset, self.n_frames, extended[0] if extended else None)

    def _decoded(self, file: IO[bytes], number: int) -> Frame:
        options = {key: value for key, value in self.options.items() if key != "extended_offsets"}
        data = read_fragments(file, self._fragments[number])
        return Frame(number, *decode_frame(data, self.syntax, options))


def _tried(number: int, decode: Callable[[], Frame]) -> Frame | DamagedFrame:
    """Decode a frame; one that fails costs no other."""
    try:
        return decode()
    except Exception as error:  # decoders fail in many ways
        return DamagedFrame(number, reason_of(error))
