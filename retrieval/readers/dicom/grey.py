"""DICOM grey levels: stored values become what a reading room shows; PS3.3 C.7.6.3, C.11 and PS3.4 N.2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...picture import Pixels
from ..sampling import thinned
from ..source import DamagedFrame
from ..values import finite
from ..window import Limits, Window, stretch
from .frames import Frame, Stored
from .geometry import macro, numbers
from .header import element, text_of
from .lookup_table import LookupTable, table_of
from .mosaic import Mosaic

_SAMPLED_FRAMES = 8
_SAMPLED_VALUES = 1 << 18
_X_RAY = ("1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2", "1.2.840.10008.5.1.4.1.1.12.3")
"""Angiography, fluoroscopy, and angiography in two planes: those of the X-Ray Image module."""
_ONE_GREY = 100
"""Ratio of a window's width to the range of possible values above which all of them are shown as one grey."""
_HOUNSFIELD_TYPES = ("", "HU", "HU_MOD", "US", "UNSPECIFIED")


@dataclass(frozen=True, eq=False)
class GreyScale:
    """Show the grey frames of one file through one window.

    The order is: modality table or rescale (of the frame, if it has its own), window, inversion for
    an inverse presentation or MONOCHROME1, padding black. Under ``auto`` the file's VOI table comes first,
    then its first window, then, for plain values of up to 8 bits, their full range, then the robust range
    of all frames.
    """

    stored: Stored | Mosaic
    window: Window

    def __call__(self, frame: Frame) -> Pixels:
        """Return float32 (rows, cols) in [0, 1] for the stored values of a frame."""
        values = self._modality(frame)
        pixels = self._windowed(values, frame.number)
        if self._inverted:
            pixels = 1 - pixels
        padding = self._padding(frame.values)
        if padding is not None:
            pixels[padding] = 0
        return np.ascontiguousarray(pixels, dtype=np.float32)

    def _windowed(self, values: NDArray[Any], number: int) -> Pixels:
        # A window that the user asks for comes before that of the file, in modality values as well.
        fixed = self.window.limits(self._is_hounsfield(number))
        if fixed is None and self.window.name != "full":
            shown = self._voi(values, number)
            if shown is not None:
                return shown
            if self._is_plain:
                fixed = 0.0, float((1 << self._bits) - 1)
        return stretch(values, self._measured if fixed is None else fixed)

    def _modality(self, frame: Frame) -> NDArray[Any]:
        """Apply the Modality LUT or the rescale; PS3.3 C.11.1."""
        values = frame.values
        if values.dtype.kind == "f":
            values = finite(values)
        if self._table is not None:
            return self._table(values)
        slope, intercept = self._rescale(frame.number)
        if (slope, intercept) == (1, 0):
            return values
        # A slope such as 1e308 makes infinities of ordinary values: no picture was meant by it.
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = values * slope + intercept
        return scaled if np.isfinite(scaled).all() else values

    @cached_property
    def _table(self) -> LookupTable | None:
        """The Modality LUT; a sequence whose item is empty counts as none. PS3.3 C.11.1.1."""
        if self._is_for_display:
            return None
        items = element(self.stored.dataset, "ModalityLUTSequence")
        return table_of(items[0], self._signed, self.stored.little_endian) if items else None

    def _rescale(self, number: int) -> tuple[float, float]:
        if self._is_for_display:
            return 1.0, 0.0
        # PS3.3 C.7.6.16.2.9: enhanced objects have it in a functional group, others (C.11.1) at the top.
        holder = macro(self.stored.dataset, number, "PixelValueTransformationSequence")
        # A slope of 0 would make all values one; some writers leave it so.
        slope = (numbers(holder, "RescaleSlope") or [1.0])[0] or 1.0
        return slope, (numbers(holder, "RescaleIntercept") or [0.0])[0]

    @cached_property
    def _is_for_display(self) -> bool:
        """Whether values are shown as they are stored, and a table leads back to intensity; C.8.7.1.1.2."""
        dataset = self.stored.dataset
        is_logarithmic = text_of(dataset, "PixelIntensityRelationship").upper() in ("LOG", "DISP")
        return is_logarithmic and text_of(dataset, "SOPClassUID") in _X_RAY

    def _voi(self, values: NDArray[Any], number: int) -> Pixels | None:
        """Apply the first VOI table or window; None if there is none that makes sense. PS3.3 C.11.2."""
        holder = macro(self.stored.dataset, number, "FrameVOILUTSequence")
        items = element(holder, "VOILUTSequence")
        if items:
            table = table_of(items[0], self._can_be_negative(number), self.stored.little_endian)
            if table is not None:
                return table(values) / np.float32(table.top)
        windows = zip(numbers(holder, "WindowCenter"), numbers(holder, "WindowWidth"), strict=False)
        centre, width = next((window for window in windows if window[1] > 0), (0.0, 0.0))
        if not width:
            return None
        # C.11.2.1.2.1 counts whole numbers, which values of floating point pixel data (C.7.6.24) are not.
        is_exact = "Float" in self.stored.options["pixel_keyword"]
        low, high = self._range(number)
        if width > _ONE_GREY * (high - low) and self._table is None and not is_exact:
            # As some write with PET in standardized uptake values, the window is one of stored values.
            slope, intercept = self._rescale(number)
            centre, width, is_exact = centre * slope + intercept, width * abs(slope), True
        function = text_of(holder, "VOILUTFunction").upper()
        if function != "SIGMOID" and is_exact:
            function = "LINEAR_EXACT"
        return _through(values, centre, width, function)

    def _can_be_negative(self, number: int) -> bool:
        """Whether modality values, by which a VOI table is looked up, may be negative; PS3.3 C.11.2.1.1."""
        return self._table is None and self._range(number)[0] < 0

    def _range(self, number: int) -> Limits:
        """The lowest and highest modality value that there can be, by a rescale of whole numbers."""
        low = -(1 << self._bits - 1) if self._signed else 0
        slope, intercept = self._rescale(number)
        ends = [stored * slope + intercept for stored in (low, low + (1 << self._bits) - 1)]
        return min(ends), max(ends)

    @cached_property
    def _measured(self) -> Limits:
        """The window of the whole file, measured on a few frames, the same whichever are wanted."""
        n_frames = self.stored.n_frames
        chosen = sorted({i * (n_frames - 1) // max(_SAMPLED_FRAMES - 1, 1) for i in range(_SAMPLED_FRAMES)})
        parts = []
        for frame in self.stored.frames(i for i in chosen if i < n_frames):
            # A frame that is damaged, or holds no number, is reported when its turn comes.
            if isinstance(frame, DamagedFrame) or not np.isfinite(frame.values).any():
                continue
            values, padding = self._modality(frame), self._padding(frame.values)
            values = values.reshape(-1) if padding is None else values[~padding]
            parts.append(thinned(values, _SAMPLED_VALUES, self.window) if n_frames > 1 else values)
        return self.window.measured(np.concatenate(parts)) if parts else (0.0, 1.0)

    def _padding(self, values: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Return which stored values are padding; PS3.3 C.7.5.1.1.2, and C.7.6.24 and 25 of floats."""
        dataset = self.stored.dataset
        is_float = values.dtype.kind == "f"
        for kind in ("Float", "DoubleFloat") if is_float else ("",):
            if value := numbers(dataset, f"{kind}PixelPaddingValue"):
                limit = numbers(dataset, f"{kind}PixelPaddingRangeLimit") or value
                break
        else:
            return None
        # Floats in the type of the pixels: a padding of 0.1 is not the nearest float32.
        low, high = sorted(
            values.dtype.type(end) if is_float else self._as_stored(end) for end in (value[0], limit[0])
        )
        padding: NDArray[np.bool_] = (values >= low) & (values <= high)
        return padding

    def _as_stored(self, value: float) -> int:
        """Undo the ambiguity between US and SS."""
        if self._signed:
            return int(value) - 0x10000 if 0x7FFF < value <= 0xFFFF else int(value)
        return int(value) + 0x10000 if value < 0 else int(value)

    @property
    def _signed(self) -> bool:
        return bool(self.stored.options.get("pixel_representation") == 1)

    @property
    def _bits(self) -> int:
        return int(self.stored.options["bits_stored"])

    @property
    def _is_plain(self) -> bool:
        """Whether stored values are display values already: up to 8 bits, unsigned, not rescaled."""
        plain = self._bits <= 8 and not self._signed and self._table is None
        return plain and self._rescale(0) == (1, 0)

    def _is_hounsfield(self, number: int) -> bool:
        dataset = self.stored.dataset
        holder = macro(dataset, number, "PixelValueTransformationSequence")
        # C.11.1.1.2: CT values are Hounsfield units unless the type says otherwise; 8 bits are a screenshot.
        kind = text_of(holder, "RescaleType").upper()
        return text_of(dataset, "Modality") == "CT" and self._bits > 8 and kind in _HOUNSFIELD_TYPES

    @cached_property
    def _inverted(self) -> bool:
        """Whether low values are white: the shape of the presentation says it, else MONOCHROME1.

        PS3.3 C.11.6: behind IDENTITY values are as they are shown, whatever the pixels are called.
        """
        shape = text_of(self.stored.dataset, "PresentationLUTShape").upper()
        if shape in ("IDENTITY", "INVERSE"):
            return shape == "INVERSE"
        return bool(self.stored.options["photometric_interpretation"] == "MONOCHROME1")


def _through(values: NDArray[Any], centre: float, width: float, function: str) -> Pixels:
    """Apply a window; PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID) and C.11.2.1.3.2 (LINEAR_EXACT).

    LINEAR counts whole numbers and forbids widths below 1; if a width is, LINEAR_EXACT is meant.
    """
    if function == "SIGMOID":
        # Beyond ±500 the result is 0 or 1 in any precision, and exp would overflow.
        exponent = np.clip(-4 * (values.astype(np.float64) - centre) / width, -500, 500)
        return np.asarray(1 / (1 + np.exp(exponent)), dtype=np.float32)
    if function == "LINEAR_EXACT" or width < 1:
        return stretch(values, (centre - width / 2, centre + width / 2))
    half = (width - 1) / 2
    return stretch(values, (centre - 0.5 - half, centre - 0.5 + half))
