"""The cells of a feature map, as local features that anything can aggregate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, IndexFolderError, SettingError
from retrieval.local_features import LocalDescriptors, LocalSettings
from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.representation import Arrays

from ..networks import weight_files
from ..networks.preprocessing import cut, prepare
from ..networks.registry import fetch, open_network
from ..settings import DEFAULT_SIDE, OWN, DeepSettings

if TYPE_CHECKING:
    from ..networks.inference import Runner

_BATCH = 32
_INSIDE = 0.5
"""A cell belongs to a region that covers so much of it."""


@dataclass(eq=False)
class CellFeatures:
    """Describe the cells of a feature map of the project's own network; see ``LocalFeatures``.

    Parameters
    ----------
    kept : the settings: the network, and which of the maps that it pools, from the finest, 0.
    source : where the weight file is; None where ``restore`` will bring it.

    Attributes
    ----------
    weights_ : uint8 (n,), the weight file; None before it is loaded.
    """

    kept: LocalSettings
    source: str | None = None
    weights_: NDArray[np.uint8] | None = field(init=False, default=None, repr=False)
    _runner: Any = field(init=False, default=None, repr=False)

    @property
    def side(self) -> int:
        """Rows and columns of the square that the network sees."""
        return self.kept.side or DEFAULT_SIDE

    @property
    def dimension(self) -> int:
        """The length of the descriptors: channels of the map."""
        if self.weights_ is None:
            raise FitError("deep features have no network yet; call fit first")
        return _channels(self.weights_.tobytes(), self.kept.level)

    def prepare(self, picture: Picture) -> NDArray[np.uint8]:
        """Return the square that the network is given, uint8 (3, side, side); needs no torch."""
        return prepare(picture, self.side)

    def extract_prepared(self, squares: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return the descriptors (n, d) of the cells of squares, row by row, at unit length."""
        if not squares:
            return []
        maps = self._running.maps(np.stack(squares), self.kept.level)
        return [_unit(found.reshape(-1, found.shape[-1])) for found in maps]

    def sample(self, picture: Picture) -> Arrays:
        """Return the square of a picture."""
        return {"square": self.prepare(picture)}

    def sampled(self, samples: Sequence[Arrays]) -> list[NDArray[np.floating]]:
        """Return the descriptors of the squares, computed in batches."""
        return list(self._in_batches([sample["square"] for sample in samples]))

    def extract(self, picture: Picture, region: Region | None = None) -> LocalDescriptors:
        """Return the cells of a picture, or of a region: of its box, those that it covers half.

        A region without a pixel has no cells; one that covers half of none has the one it covers most.
        """
        part = cut(picture, region, self.side)
        if part is None:
            return _placed(np.empty((0, self.dimension), np.float32), (0, 0, 1, 1), np.ones((1, 0), bool))
        square, weights = part
        (descriptors,) = self.extract_prepared([square])
        n = round(len(descriptors) ** 0.5)
        inside = np.ones((n, n), dtype=bool)
        if weights is not None:
            shares = _shares(weights, n)
            inside = shares >= min(_INSIDE, float(shares.max()))
        return _placed(descriptors[inside.reshape(-1)], _box(picture, region), inside)

    def load(self) -> Self:
        """Get the network; nothing where it is there. Raise SettingError where that is not possible."""
        if self.weights_ is None:
            self.weights_ = np.frombuffer(fetch(self._chosen, self.source), dtype=np.uint8)
        return self

    def learnt(self) -> Arrays:
        """Return the weight file."""
        self.load()
        assert self.weights_ is not None
        return {"weights": self.weights_}

    def restore(self, arrays: Arrays) -> Self:
        """Take the weight file back. Raise IndexFolderError where it is not that of the settings."""
        if set(arrays) != {"weights"} or not weight_files.belong(
            arrays["weights"].tobytes(), OWN, self.kept.weights
        ):
            raise IndexFolderError("deep: its weights are not those of the settings; index again")
        self.weights_, self._runner = arrays["weights"], None
        return self

    def _in_batches(self, squares: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        for first in range(0, len(squares), _BATCH):
            yield from self.extract_prepared(squares[first : first + _BATCH])

    @property
    def _chosen(self) -> DeepSettings:
        return DeepSettings(weights=self.kept.weights, side=self.kept.side)

    @property
    def _running(self) -> Runner:
        if self._runner is None:
            if self.weights_ is None:
                raise FitError("deep features have no network yet; call fit first")
            self._runner = open_network(self._chosen, self.weights_.tobytes())
        runner: Runner = self._runner
        return runner


def cells(settings: LocalSettings) -> CellFeatures:
    """Describe the cells of a feature map. Raise SettingError where there is no such weight file."""
    source = settings.weights or weight_files.BUNDLED
    if source.startswith(weight_files.PREFIX):
        return CellFeatures(settings)
    data = weight_files.read(source)
    _channels(data, settings.level)
    side = settings.side or weight_files.side(data, source)
    DeepSettings(side=side)
    return CellFeatures(replace(settings, weights=weight_files.fingerprint(data), side=side), source)


def _channels(data: bytes, level: int) -> int:
    """Return the channels of a map, as the header of a weight file says. SettingError without such a map."""
    try:
        told = json.loads(weight_files.header(data, "weights").get("architecture", ""))
        levels, widths = list(told["levels"]), list(told["widths"])
        if level < len(levels):
            return int(widths[levels[level]])
    except (TypeError, LookupError, ValueError) as error:
        if isinstance(error, SettingError):
            raise
        raise SettingError("weights: they are not of a network of Semblance; give others") from error
    raise SettingError(f"level: {level}; the network has maps from 0 to {len(levels) - 1}")


def _box(picture: Picture, region: Region | None) -> tuple[int, int, int, int]:
    """Return first row, first column, height and width of what a region covers, in whole pixels."""
    mask = np.ones(picture.shape, dtype=bool) if region is None else region.mask(picture.shape)
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(cols[0]), int(np.ptp(rows)) + 1, int(np.ptp(cols)) + 1


def _shares(weights: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return how much of each of n × n cells counts, from weights (side, side)."""
    ends = np.linspace(0, len(weights), n + 1).round().astype(np.intp)
    sums = np.add.reduceat(np.add.reduceat(weights, ends[:-1], axis=0), ends[:-1], axis=1)
    areas = np.diff(ends)
    return np.asarray(sums / (areas[:, None] * areas[None]), dtype=np.float32)


def _placed(
    descriptors: NDArray[np.float32], box: tuple[int, int, int, int], inside: NDArray[np.bool_]
) -> LocalDescriptors:
    """Put descriptors where the cells ``inside`` (n, n) of a box lie, in pixels."""
    row, col, height, width = box
    rows, cols = np.nonzero(inside)
    at_rows = row + (rows + 0.5) * height / len(inside) - 0.5
    at_cols = col + (cols + 0.5) * width / len(inside) - 0.5
    # A square of side s has the second moments of a disc of σ = s / √12.
    scale = np.sqrt(height * width / 12) / len(inside)
    flat = np.zeros(len(rows), dtype=np.float32)
    places = (at_rows.astype(np.float32), at_cols.astype(np.float32), flat + np.float32(scale), flat)
    return LocalDescriptors(*places, descriptors)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0), dtype=np.float32)
