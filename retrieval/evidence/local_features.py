"""Local features: what is seen at many places of a picture, whoever sees it; the bridge between the families.

Points with descriptors and the cells of a network's feature map are both of this kind. They are found by name
under the entry point group ``semblance.local_features``, so that whoever aggregates them imports neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import NotInstalledError, SettingError
from ..picture import Picture
from ..region import Region
from ..registry import LOCAL_FEATURES, installed, load
from ..representation import Arrays


@dataclass(frozen=True)
class LocalSettings:
    """Say what is seen, and where. Each kind takes of this what concerns it, and passes over the rest.

    Parameters
    ----------
    points : how many points of a picture.
    longest_side : largest number of rows or columns, in pixels; larger images are shrunk first.
    descriptor : by name; what describes a point.
    level : which feature map of a network, from the finest, 0.
    weights : the weight file of a network, or its hash; empty for the bundled one.
    side : rows and columns of the square that a network sees; its own where it is None.
    """

    points: int = 400
    longest_side: int = 320
    descriptor: str = "fine"
    level: int = 0
    weights: str = ""
    side: int | None = None


@dataclass(frozen=True, eq=False)
class LocalDescriptors:
    """Hold what is seen at n places of one picture.

    Parameters
    ----------
    rows, cols : float32 (n,), in pixels of the original picture.
    scales : float32 (n,), σ of the place in these pixels.
    orientations : float32 (n,), radians in [0, 2π).
    descriptors : float32 (n, d).
    """

    rows: NDArray[np.float32]
    cols: NDArray[np.float32]
    scales: NDArray[np.float32]
    orientations: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)


@runtime_checkable
class LocalFeatures(Protocol):
    """What describes many places of a picture.

    ``sample`` is pure and runs in many processes; ``sampled`` finishes what it drew, where learning goes on.
    """

    @property
    def kept(self) -> LocalSettings:
        """The settings that make it again anywhere: of a weight file the hash, and what it says."""
        ...

    @property
    def dimension(self) -> int:
        """The length of the descriptors."""
        ...

    def sample(self, picture: Picture) -> Arrays:
        """Draw from one picture what descriptors can be made of, with a bound on its size."""
        ...

    def sampled(self, samples: Sequence[Arrays]) -> list[NDArray[np.floating]]:
        """Return the descriptors (n_i, d) of what was drawn."""
        ...

    def extract(self, picture: Picture, region: Region | None = None) -> LocalDescriptors:
        """Return what is seen in a picture, or in a region of it."""
        ...

    def load(self) -> Self:
        """Get what is needed besides pictures. Raise SettingError where that is not possible."""
        ...

    def learnt(self) -> Arrays:
        """Return what must be kept to see the same again, to be saved."""
        ...

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError if it does not fit."""
        ...


@runtime_checkable
class NetworkFeatures(Protocol):
    """Local features that one process may better compute for many pictures at once: see ``BatchEncoder``."""

    @property
    def in_batches(self) -> bool:
        """Whether it does."""
        ...

    def prepare(self, picture: Picture) -> NDArray[Any]:
        """Return what the network is given of a picture."""
        ...

    def extract_prepared(self, prepared: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Return the descriptors (n, d) of prepared pictures."""
        ...


def make_local_features(name: str, settings: LocalSettings) -> LocalFeatures:
    """Make local features by name. Raise SettingError if there are none of it, or a setting is refused."""
    try:
        made: LocalFeatures = load(name, LOCAL_FEATURES)(settings)
    except NotInstalledError as error:
        if error.package is None:
            others = ", ".join(installed(LOCAL_FEATURES))
            raise SettingError(f"features: {name!r} are not installed; give one of {others}") from None
        raise SettingError(f"features: {error}") from error
    return made
