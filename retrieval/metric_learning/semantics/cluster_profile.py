"""The profile of an image: what the reports of the clusters that it is near speak of more than others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import IndexFolderError
from ...representation import Arrays, Vector
from ..projection import Projection

_TEMPERATURE = 0.1
"""Of the softmax over clusters: an image counts for those within about 0.1 of its best cosine."""


@dataclass(frozen=True, eq=False)
class ClusterProfile:
    """Map a vector to its terms: the mean log-odds of the clusters that it is near.

    Parameters
    ----------
    axes : brings vectors to p principal axes at unit length.
    centres : of the clusters, float32 (r, k, p) at unit length: r clusterings of k.
    log_odds : of each term in each cluster against all images, shrunk, float32 (r, k, n_terms).
    """

    axes: Projection
    centres: NDArray[np.float32]
    log_odds: NDArray[np.float32]

    @classmethod
    def restore(cls, arrays: Arrays) -> ClusterProfile:
        """Take back what ``arrays`` returned. Raise IndexFolderError if it is something else."""
        own = {name: arrays[name] for name in ("centres", "log_odds") if name in arrays}
        axes = Projection.restore({name: array for name, array in arrays.items() if name not in own})
        shapes = [array.shape for array in own.values()]
        fits = len(own) == 2 and all(len(shape) == 3 for shape in shapes) and shapes[0][:2] == shapes[1][:2]
        if not fits or shapes[0][2] != axes.dimension or any(a.dtype != np.float32 for a in own.values()):
            raise IndexFolderError("the clusters of a semantic profile are damaged; index again")
        return cls(axes, own["centres"], own["log_odds"])

    @property
    def dimension(self) -> int:
        """The number of terms."""
        return int(self.log_odds.shape[2])

    def arrays(self) -> Arrays:
        """Return what is saved."""
        return {**self.axes.arrays(), "centres": self.centres, "log_odds": self.log_odds}

    def project(self, vector: Vector) -> NDArray[np.float32]:
        """Return the log-odds of each term, float32 (n_terms,); an empty vector has none.

        Several views (n, d) of one thing become (n, n_terms).
        """
        if isinstance(vector, np.ndarray) and vector.ndim == 2:
            return np.stack([self.project(view) for view in vector])
        place = self.axes.project(vector)
        # A black image is near to no cluster; the softmax would make it the mean of all.
        if not place.any():
            return np.zeros(self.dimension, dtype=np.float32)
        # Sums in one order, whatever the BLAS, as in a projection.
        likeness = (self.centres.astype(np.float64) * place).sum(axis=2)  # (r, k)
        share = _softmax(likeness)
        return np.asarray((share[:, :, None] * self.log_odds).sum(axis=1).mean(axis=0), dtype=np.float32)

    def project_all(self, vectors: Sequence[Vector]) -> NDArray[np.float32]:
        """Return the profiles of many vectors, float32 (n, n_terms)."""
        if not vectors:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self.project(vector) for vector in vectors])


def _softmax(likeness: NDArray[np.float64]) -> NDArray[np.float64]:
    risen = np.exp((likeness - likeness.max(axis=1, keepdims=True)) / _TEMPERATURE)
    return np.asarray(risen / risen.sum(axis=1, keepdims=True))
