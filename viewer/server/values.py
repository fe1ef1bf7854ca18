"""The values of an image as the page windows them: 16 bits a pixel, with what they mean.

Every reader shows its values through a window that is given. One that is much wider than all values makes of
them an exact scale, from which they are taken back: so the page sees what the readers see, of every format,
rescaled and with its padding, and nothing reads a file in a second way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.picture import Picture
from retrieval.readers.window import PRESETS, Window

Read = Callable[[Window], Picture]
"""What reads one image through a window."""
Floats = NDArray[np.float64]

_HALVES = (2.0**16, 2.0**24, 2.0**40)
"""Half the widths of windows that are tried, until no value is at their upper end. float32 holds values of
the first to 1/128."""
_EPSILON = 2.0**-23
"""Of float32, in which readers give their levels."""
_ROUNDS = 3
_LEVELS = 65535.0
_INT16, _UINT16 = np.iinfo(np.int16), np.iinfo(np.uint16)
_FULL = 255.0
_DICOM = {"modality", "photometric", "sop_class"}


@dataclass(frozen=True, eq=False)
class Values:
    """What is shown of one image.

    Parameters
    ----------
    stored : int16 or uint16 (rows, cols), or uint8 (rows, cols, 3) of a colour image.
    slope, intercept : a value is ``stored * slope + intercept``.
    unit : ``HU``, or None.
    lowest, highest : of the values, padding left out.
    low, high : the values that the index shows black and white.
    is_inverted : whether low values are to be shown white.
    """

    stored: NDArray[Any]
    slope: float = 1.0
    intercept: float = 0.0
    unit: str | None = None
    lowest: float = 0.0
    highest: float = _FULL
    low: float = 0.0
    high: float = _FULL
    is_inverted: bool = False

    def about(self, picture: Picture) -> dict[str, Any]:
        """Return what the page must know of the values, fit for JSON."""
        rows, cols = self.stored.shape[:2]
        return {
            "rows": rows,
            "cols": cols,
            "channels": 3 if self.stored.ndim == 3 else 1,
            "dtype": str(self.stored.dtype),
            "slope": self.slope,
            "intercept": self.intercept,
            "unit": self.unit,
            "min": self.lowest,
            "max": self.highest,
            "window": {"low": self.low, "high": self.high},
            "inverted": self.is_inverted,
            "spacing": None if picture.spacing is None else list(picture.spacing),
            "photometric": picture.metadata.get("photometric"),
            "presets": _presets() if self.unit == "HU" else [],
        }


def values_of(shown: Picture, read: Read, is_inverted: bool | None = None) -> Values:
    """Return the values of an image.

    Parameters
    ----------
    shown : the image as the index shows it.
    read : reads the same image again.
    is_inverted : whether low values are shown white; None if that is to be found out, by one reading more.
    """
    if shown.is_colour:
        return _of_colours(shown)
    is_dicom = not _DICOM.isdisjoint(shown.metadata)
    half, levels = _wide(read, is_dicom)
    if is_inverted is None:
        is_inverted = _is_inverted(read, half, levels)
    # Readers make padding black, whatever its value: 0, the lower end of any window.
    padding = levels <= 0
    padding &= not padding.all()
    values = _from_levels(levels, -half, half, is_inverted)
    kept = values[~padding]
    # Whole numbers are exact at this width; all others, and values that hardly differ, are looked at closer.
    if half > _HALVES[0] or (kept != np.round(kept)).any() or np.ptp(kept) < 1:
        values = _finer(read, values, padding, half, is_inverted)
    lowest, highest = float(values[~padding].min()), float(values[~padding].max())
    stored, slope, intercept = _packed(np.clip(values, lowest, highest), lowest, highest)
    shares = 1 - shown.pixels if is_inverted else shown.pixels
    low, high = _window(shares[~padding].astype(np.float64), values[~padding])
    unit = "HU" if _is_hounsfield(shown, lowest, highest) else None
    return Values(stored, slope, intercept, unit, lowest, highest, low, high, is_inverted)


def _of_colours(shown: Picture) -> Values:
    # Colours are never windowed: what the index shows is what there is.
    stored = np.round(np.clip(shown.pixels, 0, 1) * _FULL).astype(np.uint8)
    grey = stored[..., 0]
    if (stored != grey[..., None]).any():
        return Values(stored)
    # A radiograph that somebody saved as a photograph: grey in three channels, and windowed like any other.
    return Values(grey.astype("<i2"), lowest=float(grey.min()), highest=float(grey.max()))


def _wide(read: Read, is_dicom: bool) -> tuple[float, NDArray[np.float32]]:
    """Return half the width of a window that holds all values, and the image through it."""
    half, levels = 0.0, np.zeros((1, 1), np.float32)
    for half in _HALVES:
        levels = read(Window("", 0.0, 2 * half)).pixels
        # The padding of a DICOM file is at the lower end too, and stays there however wide the window is.
        if levels.max() < 1 and (is_dicom or levels.min() > 0):
            break
    return half, levels


def _is_inverted(read: Read, half: float, levels: NDArray[np.float32]) -> bool:
    """Tell whether low values are shown white, as some files want: a higher window makes them brighter then.

    So no tag of any format has to be known.
    """
    higher = read(Window("", half / 2, 2 * half)).pixels
    return bool(np.mean(higher - levels, dtype=np.float64) > 0)


def _finer(read: Read, values: Floats, padding: NDArray[np.bool_], half: float, is_inverted: bool) -> Floats:
    """Read values again through windows that fit them more and more closely, so as to round none."""
    rough = values[~padding]
    low, high, error = float(rough.min()), float(rough.max()), 2 * half * _EPSILON
    for _ in range(_ROUNDS):
        # Wider by what the last reading may have been wrong.
        edge = 0.01 * (high - low) + 4 * error
        centre, width = (low + high) / 2, high - low + 2 * edge
        ends = centre - width / 2, centre + width / 2
        # float64 tells no narrower windows apart.
        if not ends[0] < centre < ends[1]:
            break
        closer = _from_levels(read(Window("", centre, width)).pixels, *ends, is_inverted)
        inside = closer[(closer > ends[0]) & (closer < ends[1])]
        # A window as narrow as float32 tells apart may lose them all.
        if not inside.size:
            break
        values = closer
        low, high, error = float(inside.min()), float(inside.max()), width * _EPSILON
        if high - low > width / 4:
            break
    return values


def _from_levels(levels: NDArray[np.float32], low: float, high: float, is_inverted: bool) -> Floats:
    shares = levels.astype(np.float64)
    return np.asarray(low + (1 - shares if is_inverted else shares) * (high - low))


def _packed(values: Floats, lowest: float, highest: float) -> tuple[NDArray[Any], float, float]:
    """Return values in 16 bits, with the slope and the intercept that give them back."""
    if (values == np.round(values)).all():
        if _INT16.min <= lowest and highest <= _INT16.max:
            return values.astype("<i2"), 1.0, 0.0
        if highest - lowest <= _UINT16.max:
            return (values - lowest).astype("<u2"), 1.0, lowest
    slope = (highest - lowest) / _LEVELS or 1.0
    return np.round((values - lowest) / slope).astype("<u2"), slope, lowest


def _window(shares: Floats, values: Floats) -> tuple[float, float]:
    """Return the values that the index shows black and white, from what it shows: the line through both."""
    inside = (shares > 0.001) & (shares < 0.999)
    x, y = values[inside], shares[inside]
    if x.size >= 2 and np.ptp(x) > 0:
        slope, offset = np.polyfit(x, y, 1)
        # A table of a file may fall where values rise; no window does.
        if slope > 0 and (ends := _rounded(-offset / slope, (1 - offset) / slope))[0] < ends[1]:
            return ends
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _rounded(low: float, high: float) -> tuple[float, float]:
    # The line is as exact as the levels are, float32, by the range between its ends: one may be 0.
    if not low < high:  # so near that they are one number
        return low, high
    digits = 5 - math.floor(math.log10(high - low))
    return round(low, digits), round(high, digits)


def _is_hounsfield(shown: Picture, lowest: float, highest: float) -> bool:
    # A screenshot of a CT has the modality, but 8 bits.
    return shown.metadata.get("modality") == "CT" and not (lowest >= 0 and highest <= _FULL)


def _presets() -> list[dict[str, Any]]:
    return [
        {"name": name, "low": centre - width / 2, "high": centre + width / 2}
        for name, (centre, width) in PRESETS.items()
    ]
