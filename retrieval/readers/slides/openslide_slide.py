"""Slides by OpenSlide: Aperio, Hamamatsu, Leica, MIRAX, Philips, Ventana, Trestle, Sakura, Zeiss."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...errors import PictureError
from ...picture import Value
from .slide import RGB, About, Level

_CACHE = 192 << 20
"""Bytes of decoded tiles that OpenSlide keeps."""

_SYSTEM = sorted({os.strerror(number) for number in errno.errorcode})


def format_of(path: Path) -> str | None:
    """Return OpenSlide's name of the format of a file; None if it is no slide, or not installed."""
    try:
        import openslide
    except ImportError:
        return None
    return str(found) if (found := openslide.OpenSlide.detect_format(str(path))) else None


class OpenSlideSlide:
    """A slide that OpenSlide reads. Raises PictureError for one that it refuses, with its reason."""

    def __init__(self, path: Path) -> None:
        import openslide

        # Absolute: the names of further files in its messages are known by the folder before them.
        self._path, self._error = path.absolute(), openslide.OpenSlideError
        self._cache = openslide.OpenSlideCache(_CACHE)
        self._open()
        self.levels: Sequence[Level] = [Level(rows, cols) for cols, rows in self._slide.level_dimensions]
        self._ground = _colour(self._slide.properties.get("openslide.background-color", "ffffff"))

    def _open(self) -> None:
        import openslide

        try:
            self._slide = openslide.OpenSlide(str(self._path))
        except openslide.OpenSlideError as error:
            raise PictureError(f"OpenSlide refuses it: {_reason(error, self._path)}") from error
        self._slide.set_cache(self._cache)

    @property
    def about(self) -> About:
        """Return what is known of it: only these properties, for others may name a patient."""
        properties = self._slide.properties
        spacing = tuple(_number(properties.get(f"openslide.mpp-{axis}")) for axis in "xy")
        metadata: dict[str, Value] = {"slide_format": str(properties.get("openslide.vendor", ""))}
        if power := _number(properties.get("openslide.objective-power")):
            metadata["objective"] = power
        um = spacing if all(spacing) else None
        return About(um, {}, metadata, origin=_origin(properties))  # type: ignore[arg-type]

    def read(self, level: int, box: tuple[int, int, int, int]) -> RGB:
        """Return the pixels of a box (row, col, rows, cols) of a level."""
        top, left, rows, cols = box
        size, finest = self.levels[level], self.levels[0]
        # OpenSlide takes the corner in pixels of the finest level, and the size in those of the level.
        corner = round(left * finest.cols / size.cols), round(top * finest.rows / size.rows)
        try:
            values = np.asarray(self._slide.read_region(corner, level, (cols, rows)))
        except self._error as error:
            self._open()  # after an error OpenSlide reads nothing more by the same handle
            raise PictureError(f"damaged: {_reason(error, self._path)}") from error
        # A pixel as one number, whose highest byte is its alpha: a tenth of the time of each fourth byte.
        if int(values.view("<u4").min()) >> 24 == 255:
            return np.asarray(cv2.cvtColor(values, cv2.COLOR_RGBA2RGB), dtype=np.uint8)
        # Where a scanner has seen nothing, its own background is shown.
        weight = values[..., 3:].astype(np.float32) / 255
        return np.rint(values[..., :3] * weight + self._ground * (1 - weight)).astype(np.uint8)

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


def _reason(error: Exception, path: Path) -> str:
    """Return its message without what may name a patient: paths, names of files, text out of a file."""
    said = str(error)
    system = next((f": {text}" for text in _SYSTEM if said.endswith(f": {text}")), "")
    said = said.replace(str(path), "it")
    # A name may hold spaces and colons: only what the system says is kept of what follows it.
    if str(path.parent) in said:
        said = re.sub(re.escape(str(path.parent)) + ".*", f"a file of it{system}", said, flags=re.DOTALL)
    return re.sub('“.*”|".*"', "…", said, flags=re.DOTALL)


def _origin(properties: Mapping[str, str]) -> tuple[int, int]:
    """Return where the part that was scanned begins: some formats count from elsewhere on the glass."""
    found = [properties.get(f"openslide.bounds-{side}", "") for side in ("x", "y", "width", "height")]
    x, y, *_ = [int(text) if text.isdigit() else -1 for text in found]
    return (x, y) if all(text.isdigit() for text in found) else (0, 0)


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if 0 < value < float("inf") else None


def _colour(text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)], dtype=np.float32)
