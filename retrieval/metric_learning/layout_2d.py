"""The layout: vectors of many dimensions in two, for a map; nothing should be ranked by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..errors import FitError, SettingError
from ..representation import Vector
from .large_margin import squared_distances
from .matrix import lengths, stack, unit
from .principal_axes import principal_axes

Points = NDArray[np.float64]

METHODS = {
    "pca": "principal components: the two directions of the largest variance",
    "kernel-pca": "kernel principal components, a Gaussian kernel as wide as the median distance",
    "tsne": "t-SNE: neighbours stay neighbours, distances mean little",
}
"""The methods, and what each does."""

_AXES = 50
"""Principal axes that are kept, as van der Maaten and Hinton do before t-SNE."""
_PERPLEXITY = 30.0


def lay_out(vectors: Sequence[Vector], method: str, seed: int = 0) -> Points:
    """Return a place in the plane for each of n vectors, float64 (n, 2), within [−1, 1] in both directions.

    Vectors are reduced to at most 50 principal axes first; ``kernel-pca`` and ``tsne`` look at all pairs.

    Raises
    ------
    SettingError : the method is unknown.
    FitError : fewer than three vectors, or values that are not finite.
    """
    if method not in METHODS:
        raise SettingError(f"method: {method!r} is unknown; one of {', '.join(METHODS)}")
    if len(vectors) < 3:
        raise FitError(f"{len(vectors)} images make no map; give three or more")
    with threadpool_limits(1):  # the same sums on every machine
        rows = stack(vectors)
        if not np.isfinite(lengths(rows)).all():
            raise FitError("a vector is not finite; `semblance verify` says where the index is damaged")
        reduced = principal_axes(rows, _AXES, seed).reduce(rows)
        if method == "kernel-pca":
            reduced = kernel_components(reduced, 2, seed)
        elif method == "tsne" and reduced.shape[1]:
            reduced = neighbour_embedding(reduced, seed)
    return _framed(reduced)


def kernel_components(rows: Points, k: int, seed: int = 0) -> Points:
    """Return the first k kernel principal components of rows (n, d) at unit length, (n, k), scikit-learn's.

    Kernel exp(−d²/m), m the median squared distance. Source: Schölkopf, Smola and Müller, 1998.
    """
    alike = unit(rows)
    distances = squared_distances(alike)
    # As wide as the median distance: the kernel then tells near from far whatever the representation.
    median = float(np.median(distances[np.triu_indices(len(rows), 1)]))
    kernel = np.exp(-distances / max(median, 1e-12))
    from sklearn.decomposition import KernelPCA

    analysis = KernelPCA(k, kernel="precomputed", random_state=seed, eigen_solver="auto")
    found = analysis.fit_transform(kernel)
    return np.asarray(found, dtype=np.float64)


def neighbour_embedding(rows: Points, seed: int = 0) -> Points:
    """Return the t-SNE of rows (n, d) at unit length, (n, 2), scikit-learn's, begun with principal axes.

    Source: van der Maaten and Hinton, JMLR 2008. It knows no map: new rows have no place in it.
    """
    perplexity = min(_PERPLEXITY, (len(rows) - 1) / 3)
    start = unit(rows)[:, :2] if rows.shape[1] > 1 else np.column_stack([rows[:, 0], np.zeros(len(rows))])
    # Begun with principal axes of a standard deviation of 1e-4, as scikit-learn's init="pca" does (Kobak and
    # Berens 2019): a random start would shuffle where the clusters are.
    start = start / max(float(start[:, 0].std()), 1e-12) * 1e-4
    from sklearn.manifold import TSNE

    made = TSNE(2, perplexity=perplexity, init=start.astype(np.float32), random_state=seed, n_jobs=1)
    return np.asarray(made.fit_transform(unit(rows).astype(np.float32)), dtype=np.float64)


def _framed(rows: Points) -> Points:
    """Return the first two columns about 0, the larger extent from −1 to 1; missing columns are 0."""
    places = np.zeros((len(rows), 2))
    shown = rows[:, :2]
    places[:, : shown.shape[1]] = shown
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    extent = float(np.abs(places - middle).max())
    return (places - middle) / extent if extent > 0 else places * 0
