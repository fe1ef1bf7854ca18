"""TIFF colours: the samples of a page become grey levels or RGB; section numbers are those of TIFF 6.0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..picture import Pixels
from .codestream import codestream
from .sampling import sample_frames
from .source import Source
from .values import SWAPPED, as_mask, colour, grey, upright
from .window import stretch

_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR = range(7)
_N_COLOURS = {_RGB: 3, _YCBCR: 3, _SEPARATED: 4}
_APERIO_YCBCR, _APERIO_RGB = 33003, 33005
JPEG_CODECS = (6, 7, _APERIO_YCBCR, 33004, _APERIO_RGB, 34712)
"""Compressions whose tiles state a size of their own: JPEG and JPEG 2000."""
_GIVES_RGB = (6, 7, 50001, 50002, 52546)  # JPEG, WebP, JPEG XL: their decoders make RGB of YCbCr
_ASSOCIATED_ALPHA, _ALPHA = 1, 2  # ExtraSamples, section 18
_ORIENTATION = 274
_HEAD = 1 << 14  # bytes of a codestream with its header


@dataclass(frozen=True, eq=False)
class Plane:
    """An image of a TIFF file: a tifffile page, or one channel of it (from 0; None for its colours)."""

    page: Any
    channel: int | None = None


def channels_of(page: Any) -> Iterator[Plane]:
    """Yield the images of a page: one, or one for each sample that is neither a colour nor alpha."""
    n_samples, n_colours = int(page.samplesperpixel), _n_colours(page)
    extra = [int(kind) for kind in page.extrasamples]
    n_alpha = sum(kind in (_ASSOCIATED_ALPHA, _ALPHA) for kind in extra)
    if n_samples < n_colours or (n_colours == 1 and n_samples - n_alpha > 1):
        # Fluorescence: grey samples side by side, or "RGB" with two of them.
        yield from (Plane(page, n) for n in range(n_samples - n_alpha))
        return
    yield Plane(page)
    # One unspecified sample behind RGB is alpha of an old writer; two and more are channels.
    if n_colours == 3 and n_alpha == 0 and n_samples > n_colours + 1:
        yield from (Plane(page, n) for n in range(n_colours, n_samples))


@dataclass(eq=False)
class PlaneWindow:
    """Show the planes of one file through one window, measured on a sample of those of one type.

    Parameters
    ----------
    check : raises PictureError for a plane that must not be decoded.
    """

    planes: Sequence[Plane]
    source: Source
    check: Callable[[Plane], None]
    _samples: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The channels of a page are decoded together; the last page is kept for the next channel.
        self._decoded = lru_cache(maxsize=1)(_samples_last)

    def show(self, plane: Plane) -> Pixels:
        """Return float32 (rows, cols) or (rows, cols, 3) in [0, 1], C-contiguous."""
        values, alpha = self._values(plane), self._alpha(plane)
        pixels = as_mask(values) if self.source.as_mask else self._shown(values, plane)
        if alpha is None:
            return np.ascontiguousarray(pixels)
        if self.source.as_mask:
            return np.asarray(pixels * (alpha > 0), dtype=np.float32)
        # Laid on black as it is shown: 0 is white, full ink or green in other colours than RGB.
        return np.asarray(pixels * (alpha if pixels.ndim == 2 else alpha[..., None]), dtype=np.float32)

    def _shown(self, values: NDArray[Any], plane: Plane) -> Pixels:
        photometric = int(plane.page.photometric)
        if values.ndim == 3 or photometric == _PALETTE:
            return _in_colour(values, plane.page)
        pixels = grey(values, self.source.window, self._sample(values))
        return 1 - pixels if photometric == _MINISWHITE else pixels

    def _sample(self, values: NDArray[Any]) -> NDArray[Any] | None:
        """Return values of all planes of one type, None if the plane's own are all, or none are needed."""
        plain = values.dtype in (np.uint8, bool) and self.source.window.name != "full"
        if len(self.planes) == 1 or plain:
            return None
        kind = values.dtype.str
        if kind not in self._samples:
            alike = [p for p in self.planes if not _is_colour(p) and np.dtype(p.page.dtype).str == kind]
            self._samples[kind] = (
                sample_frames(len(alike), lambda n: self._values(alike[n]), self.source.window)
                if alike
                else values
            )
        return self._samples[kind]

    def _alpha(self, plane: Plane) -> NDArray[np.float32] | None:
        """Return how opaque a plane is, (rows, cols) in [0, 1], upright; None if its page does not say."""
        # Section 18: colours with associated alpha are multiplied by it already, which lays them on black.
        extra = [int(kind) for kind in plane.page.extrasamples]
        samples = self._decoded(plane.page)
        if plane.channel is not None or _ALPHA not in extra or samples.ndim == 2:
            return None
        alpha = samples[..., _n_colours(plane.page) + extra.index(_ALPHA)]
        full = float((1 << int(plane.page.bitspersample)) - 1) if alpha.dtype.kind == "u" else 1.0
        return stretch(upright(alpha, orientation_of(plane.page)), (0.0, full))

    def _values(self, plane: Plane) -> NDArray[Any]:
        """Decode a plane: (rows, cols) or (rows, cols, colours), upright."""
        self.check(plane)
        page, values = plane.page, self._decoded(plane.page)
        if int(page.photometric) not in range(7):
            raise PictureError(
                f"TIFF colours of the kind {page.photometric!s} are not supported; convert it to RGB"
            )
        if values.ndim == 3:
            n_colours = _n_colours(page)
            colours = values[..., :n_colours] if n_colours > 1 else values[..., 0]
            values = colours if plane.channel is None else values[..., plane.channel]
        if values.dtype.kind == "c":
            values = np.abs(values)
        if values.dtype == np.uint8 and page.bitspersample < 8 and int(page.photometric) != _PALETTE:
            values = np.rint(values.astype(np.float32) * (255 / ((1 << page.bitspersample) - 1)))
            values = values.astype(np.uint8)
        return upright(values, orientation_of(page))


def _is_colour(plane: Plane) -> bool:
    photometric = int(plane.page.photometric)
    return plane.channel is None and (photometric in _N_COLOURS or photometric == _PALETTE)


def _n_colours(page: Any) -> int:
    return _N_COLOURS.get(int(page.photometric), 1)


def _in_colour(values: NDArray[Any], page: Any) -> Pixels:
    photometric, codec = int(page.photometric), int(page.compression)
    if photometric == _PALETTE and page.colormap is not None and values.ndim == 2:
        # Section 5: 65535 is full, whatever the palette holds; old writers wrote 8 bits.
        bits = 8 if page.colormap.max(initial=0) <= 255 else 16
        return colour(page.colormap[:, values.astype(np.int64)].transpose(1, 2, 0), bits)
    # Fewer than 8 bits fill the range of 8 by now.
    depth = max(8, int(page.bitspersample)) if values.dtype.kind == "u" else None
    if photometric == _SEPARATED:  # section 16: cyan, magenta, yellow and black ink
        inks = colour(values, depth)
        return np.asarray((1 - inks[..., :3]) * (1 - inks[..., 3:]), dtype=np.float32)
    is_ycbcr = photometric == _YCBCR and codec not in (*_GIVES_RGB, _APERIO_RGB, _APERIO_YCBCR)
    if (is_ycbcr or holds_ycbcr(page)) and values.shape[-1] == 3:
        return _from_ycbcr(values)
    return colour(values, depth)


def holds_ycbcr(page: Any) -> bool:
    """Whether a page is JPEG 2000 that is decoded to YCbCr, whatever its photometric tag says.

    Aperio's 33003 is, without a transformation of its components; Bio-Formats writes RGB with one under that
    number. 33005 is RGB.
    """
    if int(page.compression) != _APERIO_YCBCR:
        return False
    places = zip(page.dataoffsets, page.databytecounts, strict=False)
    offset, n_bytes = next((place for place in places if place[1]), (0, 0))
    file = page.parent.filehandle
    file.seek(offset)
    stated = codestream(file.read(min(n_bytes, _HEAD)))
    return stated is None or not stated.is_mixed


def _samples_last(page: Any) -> NDArray[Any]:
    """Decode a page to (rows, cols) or (rows, cols, samples), whatever order the file keeps them in."""
    values = np.asarray(page.asarray())
    axes = page.axes
    if "Z" in axes:
        raise PictureError("TIFF volumes within one page are not supported; save the slices as pages")
    if axes == "SYX":  # section 7, PlanarConfiguration 2
        return np.moveaxis(values, 0, 2)
    if axes not in ("YX", "YXS"):
        raise PictureError(f"a TIFF page with axes {axes} is not supported")
    return values


def is_turned(page: Any) -> bool:
    """Whether the rows of a page are shown as columns: TIFF orientations 5 to 8."""
    return orientation_of(page) in SWAPPED


def orientation_of(page: Any) -> int:
    """Return the orientation, 1 to 8; 1 (upright) for a tag that cannot be read."""
    tag = page.tags.get(_ORIENTATION)
    try:
        return int(tag.value) if tag else 1
    except (TypeError, ValueError):
        return 1


def _from_ycbcr(values: NDArray[Any]) -> Pixels:
    """ITU-R BT.601, full range, as section 21 has it by default; any number of bits."""
    full = float(np.iinfo(values.dtype).max)
    luma, blue, red = np.moveaxis(values.astype(np.float32), 2, 0)
    # Colour differences of 8 bits are centred at 128.
    blue, red = blue - (full + 1) / 2, red - (full + 1) / 2
    rgb = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2)
    return stretch(rgb, (0.0, full))
