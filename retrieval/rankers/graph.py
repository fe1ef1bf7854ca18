"""The graph: vectors linked with their neighbours in layers, as it is made, saved and opened.

Y. A. Malkov, D. A. Yashunin, Efficient and robust approximate nearest neighbor search using hierarchical
navigable small world graphs, IEEE TPAMI 42 (2020). Faiss makes the links; graph_walk.py follows them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError
from .approximate import GROWTH, growth_factor
from .array_files import load_arrays, save_arrays

LINKS = 16
"""Links of a vector in each layer above the lowest, which has twice as many: M of the paper."""

_BREADTH = 100
"""Candidates that are looked at for the links of a new vector: efConstruction of the paper. Of many vectors
more: it takes longer to build, and a query then needs fewer candidates (benchmarks/speed/growth.py)."""

_PIECE = 8192
"""Vectors that are added at a time."""


class Graph(NamedTuple):
    """A graph of n vectors.

    ``links`` int32 (n, 2 M), the neighbours of each in the lowest layer, −1 after the last; ``upper`` int32
    (m, M), those in the layers above; ``first`` int32 (n,), the row of ``upper`` for the second layer, after
    which those of the next ones follow, −1 for a vector of the lowest layer alone; ``entry`` int64 (3,), the
    vector to begin with, the number of layers above the lowest, and how many candidates the links of a vector
    were chosen among (older graphs have two numbers: that was 100, whatever their size).
    """

    links: NDArray[np.int32]
    upper: NDArray[np.int32]
    first: NDArray[np.int32]
    entry: NDArray[np.int64]

    @property
    def is_wide(self) -> bool:
        """Whether more candidates were looked at for the links the more vectors there are."""
        return len(self.entry) > 2


def build_graph(faiss: Any, vectors: NDArray[np.float32], lengths: NDArray[np.float32]) -> Graph:
    """Link vectors (n, d) with those of the largest cosine. Holds a copy of them meanwhile."""
    index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    breadth = index.hnsw.efConstruction = round(_BREADTH * growth_factor(len(vectors), GROWTH))
    threads = faiss.omp_get_max_threads()
    # Several threads would link in the order in which they happen to run: other bytes from the same images.
    faiss.omp_set_num_threads(1)
    try:
        for first in range(0, len(vectors), _PIECE):
            rows = slice(first, first + _PIECE)
            index.add(vectors[rows] / np.maximum(lengths[rows], np.finfo(np.float32).tiny)[:, None])
    finally:
        faiss.omp_set_num_threads(threads)
    made = index.hnsw
    starts = faiss.vector_to_array(made.offsets).astype(np.int64)
    entry = np.array([made.entry_point, made.max_level, breadth])
    return _split(faiss.vector_to_array(made.neighbors), starts, entry)


def _split(neighbours: NDArray[np.int32], starts: NDArray[np.int64], entry: NDArray[np.int64]) -> Graph:
    """Part the links of the lowest layer, the first 2 M of each vector, from those of the others."""
    lowest = starts[:-1, None] + np.arange(2 * LINKS)
    is_upper = np.ones(len(neighbours), dtype=bool)
    is_upper[lowest] = False
    n_upper = np.diff(starts) // LINKS - 2
    first = np.where(n_upper > 0, np.cumsum(n_upper) - n_upper, -1)
    upper = neighbours[is_upper].reshape(-1, LINKS)
    return Graph(neighbours[lowest], upper, first.astype(np.int32), entry.astype(np.int64))


def save_graph(folder: Path, graph: Graph) -> None:
    """Write a graph into a new folder."""
    save_arrays(folder, graph._asdict())


def open_graph(folder: Path, n: int) -> Graph:
    """Open the graph of n vectors, mapped. IndexFolderError if it is damaged or of others."""
    arrays = load_arrays(folder)
    shapes = {name: (array.dtype.str, array.shape[1:]) for name, array in arrays.items()}
    graph = {
        "links": ("<i4", (2 * LINKS,)),
        "upper": ("<i4", (LINKS,)),
        "first": ("<i4", ()),
        "entry": ("<i8", ()),
    }
    is_known = shapes == graph and len(arrays["entry"]) in (2, 3)
    if not is_known or not len(arrays["links"]) == len(arrays["first"]) == n:
        raise IndexFolderError(f"{folder}: no graph of these vectors; {REPAIR}")
    return Graph(*(arrays[name] for name in Graph._fields))
