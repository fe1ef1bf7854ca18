"""The window: which range of stored values becomes black to white."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from .fill_values import without_fill

Limits = tuple[float, float]
"""The values that become 0 and 1."""

PRESETS: dict[str, Limits] = {
    "abdomen": (50, 400),
    "bone": (400, 1800),
    "brain": (40, 80),
    "liver": (30, 150),
    "lung": (-600, 1500),
    "mediastinum": (50, 350),
}
"""Centre and width in Hounsfield units of the usual CT windows."""

ALIASES = {"soft-tissue": "abdomen"}
"""Other names of the presets."""

MEASURED = ("auto", "full")
"""The windows that are measured on the values of a file."""

_PERCENTILES = (0.5, 99.5)
_TAIL = 0.05
"""A tail shorter than this part of the range between the percentiles is no outlier and is kept."""
_SAMPLE = 1 << 20
_LOWEST_HU = -5000


@dataclass(frozen=True)
class Window:
    """Say how values become grey levels.

    Parameters
    ----------
    name : ``auto``, ``full``, a CT preset (``PRESETS``), or ``""`` where centre and width are given.
        ``auto``: the file's own window, else robust percentiles; ``full``: lowest to highest value.
    centre, width : in modality values (HU in CT, stored values of an ordinary file); 0 and 1 are reached at
        centre ± width / 2. Width is positive.

    Raises
    ------
    SettingError : an unknown name, or a centre and width that make no window.

    Examples
    --------
    >>> Window.parse("lung").limits(hounsfield=True)
    (-1350.0, 150.0)
    >>> Window.parse(" 40, 400.0").text
    '40,400'
    """

    name: str = "auto"
    centre: float | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        if self.name:
            if (self.name not in PRESETS and self.name not in MEASURED) or (self.centre, self.width) != (
                None,
                None,
            ):
                raise _refusal(self.name)
        elif self.centre is None or self.width is None or not _is_window(self.centre, self.width):
            raise _refusal(f"{self.centre},{self.width}")

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read a preset's name or ``centre,width``. Raise SettingError for anything else."""
        name = text.strip().lower()
        name = ALIASES.get(name, name)
        if name in PRESETS or name in MEASURED:
            return cls(name)
        try:
            centre, width = (float(part) for part in name.split(","))
        except ValueError:
            raise _refusal(text) from None
        return cls("", centre, width)

    @property
    def text(self) -> str:
        """Return what ``parse`` reads as this very window."""
        if self.name or self.centre is None or self.width is None:
            return self.name
        return f"{_number(self.centre)},{_number(self.width)}"

    def limits(self, hounsfield: bool) -> Limits | None:
        """Return the fixed limits, None where the window is measured on the picture.

        A named preset is in Hounsfield units and says nothing about other values: there it is None too.
        """
        if self.name in MEASURED or (self.name and not hounsfield):
            return None
        centre, width = PRESETS[self.name] if self.name else (self.centre or 0.0, self.width or 1.0)
        return centre - width / 2, centre + width / 2

    def measured(self, values: NDArray[Any]) -> Limits:
        """Return the limits for finite values of any shape: the extremes under ``full``, else robust."""
        return extremes(values) if self.name == "full" else robust(values)


def extremes(values: NDArray[Any]) -> Limits:
    """Return the lowest and highest value; (0, 0) of none."""
    if values.size == 0:
        return 0.0, 0.0
    return float(values.min()), float(values.max())


def robust(values: NDArray[Any]) -> Limits:
    """Return the range of values without outliers; (0, 0) of none.

    The percentiles 0.5 and 99.5, moved out to the extremes if these are within 5 % of the range, so that a
    plain ramp loses nothing; the extremes if both percentiles are equal (a small object on a flat ground).
    Fill values (see ``without_fill``) do not count. More than 2²⁰ values are thinned evenly.
    """
    flat = values.reshape(-1)
    # An odd step never stays in phase with the columns of an image.
    sample = flat[:: (flat.size // _SAMPLE) | 1]
    kept = without_fill(sample)
    low, high = extremes(flat if kept.size == sample.size else kept)
    if low == high:
        return low, high
    below, above = (float(v) for v in np.percentile(kept, _PERCENTILES))
    if not below < above:
        return low, high
    # A plain ramp has no outliers: its ends are as near as the percentiles.
    tail = _TAIL * (above - below)
    return (low if below - low <= tail else below), (high if high - above <= tail else above)


def stretch(values: NDArray[Any], limits: Limits) -> NDArray[np.float32]:
    """Map values linearly, the limits to 0 and 1, and clip.

    Returns float32 of the same shape, in [0, 1]. Limits that are equal make a step: 0 up to there, 1 above.
    """
    low, high = limits
    if not low < high:
        return np.asarray(values > low, dtype=np.float32)
    # float32 is enough for 16 bits; a range that is no normal number of float32 would become 0 there.
    narrow = values.dtype.itemsize <= 2 and max(abs(low), abs(high)) < 1e9 and high - low > 1e-30
    shares: NDArray[np.floating] = values.astype(np.float32 if narrow else np.float64)
    if not math.isfinite(high - low):
        shares, low, high = shares * 0.5, low / 2, high / 2
    # In place: each array of a photograph is 140 MB, and to get one takes longer than the arithmetic.
    np.clip(shares, low, high, out=shares)
    shares -= low
    shares /= high - low
    return np.asarray(np.clip(shares, 0, 1, out=shares), dtype=np.float32)


def looks_like_hounsfield(values: NDArray[Any]) -> bool:
    """Guess for values of a file that names no modality: HU go far below zero, where the air is."""
    # Fill values such as -32768 are no Hounsfield units, and say nothing of the others.
    kept = values[values > _LOWEST_HU]
    return kept.size > 0 and float(np.percentile(kept, _PERCENTILES[0])) < -500


def _is_window(centre: float, width: float) -> bool:
    return math.isfinite(centre) and math.isfinite(width) and width > 0


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _refusal(text: str) -> SettingError:
    names = ", ".join([*MEASURED, *PRESETS, *ALIASES])
    return SettingError(f"window: {text!r} is no window; give one of {names}, or centre,width such as 40,400")
