"""Descriptors of a feature map's places, as local features that anything can aggregate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, IndexFolderError, SettingError
from retrieval.evidence.local_features import LocalDescriptors, LocalSettings
from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.representation import Arrays

from ..networks import weight_files
from ..networks.preprocessing import cut, prepare
from ..networks.registry import needs_torch
from ..networks.runner import Runner
from ..networks.stored_network import StoredNetwork
from ..normalisation import unit
from ..settings import DEFAULT_SIDE, OWN, DeepSettings

_BATCH = 32
_INSIDE = 0.5
"""A place belongs to a region that covers at least this share of it."""


@dataclass(eq=False)
class FeatureMapDescriptors:
    """Describe the places of a feature map of the project's own network; see ``LocalFeatures``.

    Parameters
    ----------
    kept : the settings: the network, and which of the maps that it pools, from the finest, 0.
    source : the path of the weight file; None if ``restore`` will bring it.

    Attributes
    ----------
    network_ : the weight file, and the network once it runs.
    """

    kept: LocalSettings
    source: str | None = None
    network_: StoredNetwork = field(init=False, repr=False)

    def __post_init__(self) -> None:
        chosen = DeepSettings(model=OWN, weights=self.kept.weights, side=self.kept.side)
        self.network_ = StoredNetwork(chosen, self.source, "deep features have")

    @property
    def side(self) -> int:
        """Rows and columns of the square that the network sees."""
        return self.kept.side or DEFAULT_SIDE

    @property
    def dimension(self) -> int:
        """The length of the descriptors: channels of the map."""
        if self.network_.weights_ is None:
            raise FitError("deep features have no network yet; call fit first")
        return _channels(self.network_.weights_.tobytes(), self.kept.level)

    @property
    def in_batches(self) -> bool:
        """Whether torch computes."""
        return needs_torch(self.network_.chosen)

    def prepare(self, picture: Picture) -> NDArray[np.uint8]:
        """Return the square that the network sees, uint8 (3, side, side); needs no torch."""
        return prepare(picture, self.side)

    def extract_prepared(self, squares: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return the descriptors (n, d) of each square's places, row by row, of unit length."""
        if not squares:
            return []
        return self._descriptors(self.network_.runner, squares)

    def _descriptors(
        self, network: Runner, squares: Sequence[NDArray[np.uint8]]
    ) -> list[NDArray[np.float32]]:
        maps = network.maps(np.stack(squares), self.kept.level)  # (n, rows, cols, d)
        return [unit(found.reshape(-1, found.shape[-1])) for found in maps]

    def sample(self, picture: Picture) -> Arrays:
        """Return the square of an image."""
        return {"square": self.prepare(picture)}

    def sampled(self, samples: Sequence[Arrays]) -> list[NDArray[np.floating]]:
        """Return the descriptors of the squares, computed in batches."""
        return list(self._in_batches([sample["square"] for sample in samples]))

    def extract(self, picture: Picture, region: Region | None = None) -> LocalDescriptors:
        """Return the descriptors of an image, or of a region: of its box, those of places half covered.

        A region without a pixel has none; one that covers half of no place has that which it covers most.
        """
        part = cut(picture, region, self.side)
        if part is None:
            return _at_pixels(np.empty((0, self.dimension), np.float32), (0, 0, 1, 1), np.ones((1, 0), bool))
        square, weights = part
        (descriptors,) = self._descriptors(self.network_.for_queries, [square])
        n = round(len(descriptors) ** 0.5)  # a square has a square map, n × n
        inside = np.ones((n, n), dtype=bool)
        if weights is not None:
            shares = covered_shares(weights, n)
            inside = shares >= min(_INSIDE, float(shares.max()))
        return _at_pixels(descriptors[inside.reshape(-1)], _box(picture, region), inside)

    def load(self) -> Self:
        """Get the weight file; nothing if it is there. Raise SettingError if that fails."""
        self.network_.load()
        return self

    def learnt(self) -> Arrays:
        """Return the weight file."""
        self.load()
        assert self.network_.weights_ is not None
        return {"weights": self.network_.weights_}

    def restore(self, arrays: Arrays) -> Self:
        """Take the weight file back. Raise IndexFolderError if it is not that of the settings."""
        if set(arrays) != {"weights"}:
            raise IndexFolderError("deep: its weights are not those of the settings; index again")
        self.network_.restore(arrays["weights"])
        return self

    def _in_batches(self, squares: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        for first in range(0, len(squares), _BATCH):
            yield from self.extract_prepared(squares[first : first + _BATCH])


def feature_map_descriptors(settings: LocalSettings) -> FeatureMapDescriptors:
    """Make local features of a feature map. Raise SettingError if there is no such weight file or map."""
    source = settings.weights or weight_files.BUNDLED
    if source.startswith(weight_files.PREFIX):  # settings of an index: ``restore`` brings the file
        return FeatureMapDescriptors(settings)
    data = weight_files.read(source)
    _channels(data, settings.level)  # refuses a level that the network lacks
    side = settings.side or weight_files.side(data, source)
    DeepSettings(side=side)  # refuses a side out of range
    kept = replace(settings, weights=weight_files.fingerprint(data), side=side)
    return FeatureMapDescriptors(kept, source)


cells = feature_map_descriptors


def _channels(data: bytes, level: int) -> int:
    """Return the channels of a map, as a weight file's header says. Raise SettingError without such a map."""
    try:
        architecture = json.loads(weight_files.header(data, "weights").get("architecture", ""))
        levels, widths = list(architecture["levels"]), list(architecture["widths"])
        if level < len(levels):
            return int(widths[levels[level]])
    except (TypeError, LookupError, ValueError) as error:
        if isinstance(error, SettingError):  # a ValueError, too: it already says more
            raise
        raise SettingError("weights: they are not of a network of Semblance; give others") from error
    raise SettingError(f"level: {level}; the network has maps from 0 to {len(levels) - 1}")


def _box(picture: Picture, region: Region | None) -> tuple[int, int, int, int]:
    """Return first row, first column, height and width of what a region covers, in whole pixels."""
    mask = np.ones(picture.shape, dtype=bool) if region is None else region.mask(picture.shape)
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(cols[0]), int(np.ptp(rows)) + 1, int(np.ptp(cols)) + 1


def covered_shares(weights: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return the mean of weights (side, side) over each of n × n equal places, float32 (n, n)."""
    # A side that n does not divide has places of unequal size: their ends are rounded.
    ends = np.linspace(0, len(weights), n + 1).round().astype(np.intp)
    sums = np.add.reduceat(np.add.reduceat(weights, ends[:-1], axis=0), ends[:-1], axis=1)  # (n, n)
    areas = np.diff(ends)
    return np.asarray(sums / (areas[:, None] * areas[None]), dtype=np.float32)


def _at_pixels(
    descriptors: NDArray[np.float32], box: tuple[int, int, int, int], inside: NDArray[np.bool_]
) -> LocalDescriptors:
    """Return descriptors with the centres, in pixels, of the places ``inside`` (n, n) of a box."""
    row, col, height, width = box
    rows, cols = np.nonzero(inside)
    # Place i of n spans [i, i + 1) · height / n of the box; pixel centres are whole numbers, hence − ½.
    at_rows = row + (rows + 0.5) * height / len(inside) - 0.5
    at_cols = col + (cols + 0.5) * width / len(inside) - 0.5
    # A square of side s has the second moments of a disc of σ = s / √12.
    scale = np.sqrt(height * width / 12) / len(inside)
    flat = np.zeros(len(rows), dtype=np.float32)
    geometry = (at_rows.astype(np.float32), at_cols.astype(np.float32), flat + np.float32(scale), flat)
    return LocalDescriptors(*geometry, descriptors)
