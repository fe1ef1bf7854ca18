"""Sampling: the values on which one window for a whole file is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .window import Window, extremes

_FRAMES = 16
_VALUES = 1 << 17


def sample_frames(
    n_frames: int, read: Callable[[int], NDArray[np.generic]], window: Window
) -> NDArray[np.generic]:
    """Return values of up to 16 frames, spread evenly over a file, (n,); the same whichever are wanted.

    They are thinned evenly; under ``full`` the lowest and highest value of each frame are all that count.

    Parameters
    ----------
    read : returns the values of a frame, of any shape. A frame that it cannot read is left out.
    window : what the values are for.

    Raises
    ------
    PictureError : none of them can be read.
    """
    chosen = np.unique(np.linspace(0, n_frames - 1, _FRAMES).astype(int)).tolist()
    parts = list(_parts(chosen, read))
    if not parts:
        raise PictureError("damaged: none of its frames can be decoded")
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([thinned(part, _VALUES, window) for part in parts])


def thinned(values: NDArray[np.generic], n: int, window: Window) -> NDArray[np.generic]:
    """Return about n of the values of a frame, (m,), or its extremes if these are what a window measures."""
    if window.name == "full":
        kept = values[np.isfinite(values)]
        return np.array(extremes(kept) if kept.size else ())
    # An odd step never stays in phase with the columns of a frame.
    return values[:: (values.size // n) | 1]


def _parts(chosen: list[int], read: Callable[[int], NDArray[np.generic]]) -> Iterator[NDArray[np.generic]]:
    for number in chosen:
        try:
            yield read(number).reshape(-1)
        except Exception:  # the frame itself is reported when its turn comes
            continue
