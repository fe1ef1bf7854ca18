"""Colours for labels: seven that everybody can tell apart, then others around the circle."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Sequence

_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442")
"""The colours of Okabe and Ito, which people with any colour vision tell apart."""

_GREY = "#8a9096"
_GOLDEN_ANGLE = 0.38196601125
"""As a share of the circle, 1 − 1 / φ: however many are taken, no two hues are close."""


def palette(kinds: Sequence[str]) -> Iterator[str]:
    """Yield a colour for each kind, as ``#rrggbb``; grey for the empty one."""
    named = 0
    for kind in kinds:
        if not kind:
            yield _GREY
            continue
        # The grey of "none" takes no colour away from a label.
        yield _COLOURS[named] if named < len(_COLOURS) else _further(named)
        named += 1


def _further(number: int) -> str:
    """Return colours around the circle, by the golden angle, in three lightnesses."""
    # Neighbours in the list also differ in lightness, which survives grey print.
    hue = number * _GOLDEN_ANGLE % 1
    parts = colorsys.hls_to_rgb(hue, (0.42, 0.58, 0.72)[number % 3], 0.6)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
