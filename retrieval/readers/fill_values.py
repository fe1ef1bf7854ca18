"""Fill values: constants that converters write where there was nothing to measure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_PERCENTILES = (0.5, 99.5)
_FAR = 2.0
"""How many ranges of the other values a constant must be away from the nearest of them."""
_FEWEST = 0.01
"""The part of all values that the others must be at least."""
_DISTINCT = 16
_AIR = (-1100.0, -900.0)
"""Hounsfield units of air with its noise; scanners write -2000 or -3024 outside the field of view."""
_NEAR_AIR = -500.0


def without_fill(values: NDArray[Any]) -> NDArray[Any]:
    """Return finite values, (n,), without a lowest and a highest constant that are far outside all others.

    A constant is far outside if it is further than twice the robust range of the others (percentiles 0.5 to
    99.5) from the nearest of them; or if it is below -1100 and the others reach down to air, as in CT. Air
    itself (-1000) is measured and stays, however even it is; a mask or a small object on a flat ground has
    too few other values and stays whole.
    """
    # Twice: a file may hold one constant for "outside" and another for "not measured".
    for _ in range(2):
        kept = _without_extremes(values)
        if kept.size == values.size:
            break
        values = kept
    return values


def _without_extremes(values: NDArray[Any]) -> NDArray[Any]:
    if values.size == 0:
        return values
    low, high = values.min(), values.max()
    body = values[(values > low) & (values < high)]
    if body.size < max(_DISTINCT, _FEWEST * values.size):
        return values
    # float64: the distance of -3.4e38 and 3.4e38 overflows float32, that of -32768 and 32767 int16.
    near_low, near_high = float(body.min()), float(body.max())
    below, above = (float(v) for v in np.percentile(body, _PERCENTILES))
    reach = _FAR * (above - below)
    outside_view = float(low) < _AIR[0] <= near_low < _NEAR_AIR
    is_air = _AIR[0] <= float(low) <= _AIR[1]
    drop_low = (near_low - float(low) > reach and not is_air) or outside_view
    drop_high = float(high) - near_high > reach
    if not (drop_low or drop_high) or np.unique(body).size < _DISTINCT:
        return values
    kept = values[values > low] if drop_low else values
    return kept[kept < high] if drop_high else kept
