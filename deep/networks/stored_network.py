"""A stored network: the bytes of its weight file, and the network itself once something is encoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, IndexFolderError

from ..settings import DeepSettings
from .registry import fetch, needs_torch, open_for_queries, open_network
from .weight_files import belong

if TYPE_CHECKING:
    from .runner import Runner


@dataclass(eq=False)
class StoredNetwork:
    """Hold a network as an index stores it; it is opened when it first runs.

    An index stores the weight file itself, so that it always answers with the network that it was made with.

    Parameters
    ----------
    chosen : the settings, the weights as the hash of their file.
    source : the path of the weight file; None if ``restore`` will bring it.
    owner : subject and verb of messages, such as ``deep has``.

    Attributes
    ----------
    weights_ : uint8 (n,), the weight file; None before ``load``.
    """

    chosen: DeepSettings
    source: str | None
    owner: str
    weights_: NDArray[np.uint8] | None = field(init=False, default=None, repr=False)
    _runner: Any = field(init=False, default=None, repr=False)
    _for_queries: Any = field(init=False, default=None, repr=False)

    def load(self) -> Self:
        """Read the weight file, or fetch it; nothing if it is there. Raise SettingError if that fails."""
        if self.weights_ is None:
            # A view of the bytes: the file is not copied.
            self.weights_ = np.frombuffer(fetch(self.chosen, self.source), dtype=np.uint8)
        return self

    def restore(self, weights: NDArray[np.uint8]) -> Self:
        """Take a stored weight file back. Raise IndexFolderError if it is not that of the settings."""
        if not belong(weights.tobytes(), self.chosen.model, self.chosen.weights):
            raise IndexFolderError("deep: its weights are not those of the settings; index again")
        self.weights_, self._runner, self._for_queries = weights, None, None  # runners of other weights go
        return self

    @property
    def runner(self) -> Runner:
        """The network, ready to run on many images. Raise FitError before ``load``."""
        if self._runner is None:
            # Where numpy runs it either way, it is opened once.
            by_torch = needs_torch(self.chosen)
            self._runner = open_network(self.chosen, self._data()) if by_torch else self.for_queries
        runner: Runner = self._runner
        return runner

    @property
    def for_queries(self) -> Runner:
        """The network, ready to run on a single image, as soon as can be. Raise FitError before ``load``."""
        if self._for_queries is None:
            self._for_queries = open_for_queries(self.chosen, self._data()) or self.runner
        runner: Runner = self._for_queries
        return runner

    def _data(self) -> bytes:
        if self.weights_ is None:
            raise FitError(f"{self.owner} no network yet; call fit first")
        return self.weights_.tobytes()
