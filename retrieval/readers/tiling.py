"""Tiling: how slides are cut into images, and how a tile or a field of a slide is named.

``s.svs#1.0um/12,7`` is the tile in column 12 and row 7 of the grid at 1 µm a pixel;
``s.svs#1.0um/4000,3000,512,512`` is a field: x, y, width and height in pixels of the slide's finest level.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from ..errors import SettingError

FINEST, COARSEST = 0.05, 1000.0
"""Micrometres a pixel that a scale may have; light resolves no finer."""
SMALLEST, LARGEST = 16, 4096
"""Pixels of the side of a tile."""
NORMALISATIONS = ("none", "reinhard", "macenko")
"""How the stain of slides may be made alike, see ``slides.stain``."""

_PLACE = r"(\d+(?:\.\d+)?(?:e-?\d+)?)um/"
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_TILE = re.compile(rf"{_PLACE}(\d+),(\d+)")
_FIELD = re.compile(_PLACE + ",".join([_NUMBER] * 4))


@dataclass(frozen=True, order=True)
class Tile:
    """A tile of the grid at a scale, by its column and row, counted from 0."""

    um_per_px: float
    row: int
    col: int

    def __str__(self) -> str:
        """Return it as ids have it: ``1.0um/12,7``, the column first."""
        return f"{self.um_per_px}um/{self.col},{self.row}"


@dataclass(frozen=True, order=True)
class Field:
    """A part of a slide at a scale: its box in pixels of the finest level, from the upper left corner."""

    um_per_px: float
    x: float
    y: float
    width: float
    height: float

    def __str__(self) -> str:
        """Return it as a name has it: ``1.0um/4000,3000,512,512``."""
        return f"{self.um_per_px}um/" + ",".join(
            f"{v:.6f}".rstrip("0").rstrip(".") for v in (self.x, self.y, self.width, self.height)
        )


Frame = int | Tile | Field
"""Which image of a file is meant: a frame by its number from 0, or a part of a slide."""


def frame_of(text: str) -> Frame | None:
    """Return what stands behind the ``#`` of a name; None if it is no frame, tile or field."""
    # isdigit alone takes digits of other scripts, such as ², which int does not read.
    if text.isascii() and text.isdigit():
        return int(text)
    if match := _TILE.fullmatch(text):
        return Tile(float(match[1]), int(match[3]), int(match[2]))
    if match := _FIELD.fullmatch(text):
        return Field(*map(float, match.groups()))
    return None


def frames_of(name: str, source: str) -> list[Frame] | None:
    """Return which frame of its file, the source, an image is; None if it is the only one."""
    frame = frame_of(name.removeprefix(f"{source}#")) if name != source else None
    return None if frame is None else [frame]


@dataclass(frozen=True)
class Tissue:
    """Which tiles are on tissue.

    Parameters
    ----------
    share : of a tile that must be tissue, 0 to 1; 0 takes all tiles, blank ones as well.
    saturation : from which a pixel of the overview is tissue, 0 to 255; None finds it for each slide.
    sharpness : below which a tile is out of focus, see ``slides.tissue.sharpness``; 0 takes all.
    """

    share: float = 0.25
    saturation: int | None = None
    sharpness: float = 0.008

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise SettingError(f"tissue: a share of {self.share:g}; give 0 to 1, or off")
        if self.saturation is not None and not 0 <= self.saturation <= 255:
            raise SettingError(f"tissue: a saturation of {self.saturation}; give 0 to 255")
        if not 0 <= self.sharpness < 1:
            raise SettingError(f"tissue: a sharpness of {self.sharpness:g}; give 0 to 1")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``off``, ``SHARE`` or ``SHARE,SATURATION``. Raise SettingError for anything else."""
        if text == "off":
            return cls(0.0, None, 0.0)
        share, comma, saturation = text.partition(",")
        try:
            return cls(float(share), int(saturation) if comma else None)
        except ValueError:
            raise SettingError(f"tissue: {text!r}; give a share such as 0.5, 0.5,25, or off") from None


@dataclass(frozen=True)
class Tiling:
    """How slides are cut into tiles.

    Parameters
    ----------
    um_per_px : the scales, in micrometres a pixel, each once, the finest first.
    tile : pixels of the side of a tile, at its scale.
    overlap : pixels that neighbours share.
    tissue : which tiles are taken.
    assumed : micrometres a pixel of the finest level of slides that do not say; None refuses these.
    stain : of ``NORMALISATIONS``.

    Raises
    ------
    SettingError : a value that makes no sense.
    """

    um_per_px: tuple[float, ...]
    tile: int = 256
    overlap: int = 0
    tissue: Tissue = field(default_factory=Tissue)
    assumed: float | None = None
    stain: str = "none"

    def __post_init__(self) -> None:
        for scale in (*self.um_per_px, *([] if self.assumed is None else [self.assumed])):
            if not FINEST <= scale <= COARSEST:
                raise SettingError(f"um_per_px: {scale:g}; give {FINEST:g} to {COARSEST:g}")
        object.__setattr__(self, "um_per_px", tuple(sorted({float(scale) for scale in self.um_per_px})))
        if not self.um_per_px:
            raise SettingError("um_per_px: no scale is given; name one, such as 1.0")
        if not SMALLEST <= self.tile <= LARGEST:
            raise SettingError(f"tile: {self.tile} pixels; give {SMALLEST} to {LARGEST}")
        if not 0 <= self.overlap < self.tile:
            raise SettingError(f"overlap: {self.overlap} pixels; give 0 to {self.tile - 1}")
        if self.stain not in NORMALISATIONS:
            raise SettingError(f"stain: {self.stain!r} is none of {', '.join(NORMALISATIONS)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``text`` wrote. Raise SettingError for anything else."""
        try:
            # What a later version has added is left out: it must have meant the same without.
            values = json.loads(text)
            known = {f.name for f in fields(cls)}
            kept = {key: value for key, value in values.items() if key in known}
            tissue = Tissue(**kept.pop("tissue"))
            return cls(tuple(kept.pop("um_per_px")), tissue=tissue, **kept)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SettingError("tiling: damaged in the catalogue; run `semblance repair`") from error

    @property
    def text(self) -> str:
        """Return it as the catalogue of an index keeps it."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def shown(self) -> str:
        """Return it in words."""
        scales = ", ".join(f"{scale:g}" for scale in self.um_per_px)
        tissue = f"tissue {self.tissue.share:g}" if self.tissue.share else "tissue off"
        more = [f"{self.assumed:g} µm a pixel assumed"] if self.assumed is not None else []
        more += [f"stain {self.stain}"] if self.stain != "none" else []
        return ", ".join(
            [f"{scales} µm a pixel, tiles of {self.tile}, overlap {self.overlap}, {tissue}", *more]
        )

    @property
    def step(self) -> int:
        """Return the pixels from one tile to the next."""
        return self.tile - self.overlap

    def grid(self, extent: tuple[float, float], um_per_px: float) -> tuple[int, int]:
        """Return the (columns, rows) of tiles of a slide at a scale.

        A tile at the right or lower edge ends there; it is left out if less than half of a side remains, but
        never the only one.

        Parameters
        ----------
        extent : (width, height) of the slide, in micrometres.
        """
        width, height = (self._count(length / um_per_px) for length in extent)
        return width, height

    def _count(self, length: float) -> int:
        # A millionth of a pixel: lengths are micrometres over micrometres, and seldom whole.
        full = max(0, math.floor((length + 1e-6 - self.tile) / self.step) + 1) if length >= self.tile else 0
        rest = length - full * self.step
        # With an overlap the rest may have been seen whole by the tile before it.
        return max(1, full + (rest >= max(self.tile / 2, self.overlap + 1)))

    def field(self, tile: Tile, spacing: tuple[float, float], size: tuple[int, int]) -> Field:
        """Return the part of a slide that a tile is.

        Parameters
        ----------
        spacing : micrometres a pixel of its finest level, along (x, y).
        size : (width, height) of that, in pixels.
        """
        box = []
        # Each axis by its own micrometres: some scanners have pixels that are not square.
        for place, um, length in zip((tile.col, tile.row), spacing, size, strict=True):
            start = place * self.step * tile.um_per_px / um
            box.append((start, min(self.tile * tile.um_per_px / um, length - start)))
        (x, width), (y, height) = box
        return Field(tile.um_per_px, x, y, width, height)


def tiles_of(grid: tuple[int, int], um_per_px: float) -> Iterator[Tile]:
    """Yield the tiles of a grid of (columns, rows), row by row."""
    return (Tile(um_per_px, row, col) for row in range(grid[1]) for col in range(grid[0]))


def box_of(metadata: Mapping[str, Any]) -> Field | None:
    """Return the field that an indexed image is, by its metadata; None if it is of no slide."""
    try:
        return Field(*(float(metadata[key]) for key in ("um_per_px", "x", "y", "width", "height")))
    except (KeyError, TypeError, ValueError):
        return None
