"""The graph: vectors linked with their neighbours in layers, as it is made, saved and opened.

Y. A. Malkov, D. A. Yashunin, Efficient and robust approximate nearest neighbor search using hierarchical
navigable small world graphs, IEEE TPAMI 42 (2020). Faiss makes the links; graph_walk.py follows them.
"""

from __future__ import annotations

from hashlib import blake2b
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


class Families(NamedTuple):
    """The rows of equal vectors, of which the graph links the first alone.

    If all were linked, each would have none but its equals for neighbours, and no walk would find them.
    ``heads`` int32 (f,), the first row of each family, rising; ``twins`` int32 (t,), the other rows of all
    families, one after the other, rising in each; ``ends`` int32 (f,), where those of each end.
    """

    heads: NDArray[np.int32]
    ends: NDArray[np.int32]
    twins: NDArray[np.int32]

    @classmethod
    def of(cls, first: NDArray[np.int64]) -> Families:
        """Return the families of rows, of each of which the first equal row is given, (n,)."""
        twins = np.flatnonzero(first != np.arange(len(first)))
        twins = twins[np.argsort(first[twins], kind="stable")]
        heads, sizes = np.unique(first[twins], return_counts=True)
        return cls(*(array.astype(np.int32) for array in (heads, np.cumsum(sizes), twins)))

    def joined(self, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """Return rows with the other rows of their families behind each, at most ``most`` of a family."""
        if not len(self.heads):
            return rows
        places = np.minimum(np.searchsorted(self.heads, rows), len(self.heads) - 1)
        parts = []
        for row, place in zip(rows.tolist(), places.tolist(), strict=True):
            parts.append(np.array([row]))
            if self.heads[place] == row:
                start = self.ends[place - 1] if place else 0
                parts.append(self.twins[start : min(self.ends[place], start + most - 1)])
        return np.concatenate(parts).astype(np.int64)


def build_graph(
    faiss: Any, vectors: NDArray[np.float32], lengths: NDArray[np.float32]
) -> tuple[Graph, Families]:
    """Link vectors (n, d) with those of the largest cosine. Holds a copy of them meanwhile."""
    first = _first_equal(vectors, lengths)
    families = Families.of(first)
    distinct = np.flatnonzero(first == np.arange(len(first)))
    index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    breadth = index.hnsw.efConstruction = round(_BREADTH * growth_factor(len(distinct), GROWTH))
    threads = faiss.omp_get_max_threads()
    # Several threads would link in the order in which they happen to run: other bytes from the same images.
    faiss.omp_set_num_threads(1)
    try:
        for start in range(0, len(distinct), _PIECE):
            index.add(_unit(vectors, lengths, distinct[start : start + _PIECE]))
    finally:
        faiss.omp_set_num_threads(threads)
    made = index.hnsw
    starts = faiss.vector_to_array(made.offsets).astype(np.int64)
    entry = np.array([made.entry_point, made.max_level, breadth])
    graph = _split(faiss.vector_to_array(made.neighbors), starts, entry)
    return (_among_all(graph, distinct, len(first)) if len(families.heads) else graph), families


def _unit(
    vectors: NDArray[np.float32], lengths: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return some vectors at unit length; those of zeros stay zeros."""
    tiny = np.finfo(np.float32).tiny
    return np.asarray(vectors[rows] / np.maximum(lengths[rows], tiny)[:, None], dtype=np.float32)


def _first_equal(vectors: NDArray[np.float32], lengths: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return for each vector the first row that is equal to it at unit length, (n,)."""
    found: dict[bytes, int] = {}
    first = np.empty(len(vectors), dtype=np.int64)
    for start in range(0, len(vectors), _PIECE):
        rows = np.arange(start, min(start + _PIECE, len(vectors)))
        # Hashes, as a table of the vectors themselves would be as large as all of them.
        for row, unit in zip(rows.tolist(), _unit(vectors, lengths, rows), strict=True):
            first[row] = found.setdefault(blake2b(unit.data, digest_size=16).digest(), row)
    return first


def _among_all(graph: Graph, rows: NDArray[np.int64], n: int) -> Graph:
    """Return a graph of some rows as one of all n, of which no link leads to the others."""

    def renumbered(links: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(links >= 0, rows[links], -1).astype(np.int32)

    links = np.full((n, graph.links.shape[1]), -1, dtype=np.int32)
    first = np.full(n, -1, dtype=np.int32)
    links[rows], first[rows] = renumbered(graph.links), graph.first
    entry = graph.entry.copy()
    entry[0] = rows[entry[0]]
    return Graph(links, renumbered(graph.upper), first, entry)


def _split(neighbours: NDArray[np.int32], starts: NDArray[np.int64], entry: NDArray[np.int64]) -> Graph:
    """Part the links of the lowest layer, the first 2 M of each vector, from those of the others."""
    lowest = starts[:-1, None] + np.arange(2 * LINKS)
    is_upper = np.ones(len(neighbours), dtype=bool)
    is_upper[lowest] = False
    n_upper = np.diff(starts) // LINKS - 2
    first = np.where(n_upper > 0, np.cumsum(n_upper) - n_upper, -1)
    upper = neighbours[is_upper].reshape(-1, LINKS)
    return Graph(neighbours[lowest], upper, first.astype(np.int32), entry.astype(np.int64))


def save_graph(folder: Path, graph: Graph, families: Families) -> None:
    """Write a graph into a new folder, with the families of equal vectors if there are any."""
    save_arrays(folder, {**graph._asdict(), **(families._asdict() if len(families.heads) else {})})


def open_graph(folder: Path, n: int) -> tuple[Graph, Families]:
    """Open the graph of n vectors, mapped. IndexFolderError if it is damaged or of others.

    Graphs of earlier versions have no families: they link equal vectors like any others.
    """
    arrays = load_arrays(folder)
    shapes = {name: (array.dtype.str, array.shape[1:]) for name, array in arrays.items()}
    numbers = dict.fromkeys(Families._fields, ("<i4", ()))
    graph = {
        "links": ("<i4", (2 * LINKS,)),
        "upper": ("<i4", (LINKS,)),
        "first": ("<i4", ()),
        "entry": ("<i8", ()),
    }
    is_known = shapes in (graph, graph | numbers) and len(arrays["entry"]) in (2, 3)
    if not is_known or not len(arrays["links"]) == len(arrays["first"]) == n:
        raise IndexFolderError(f"{folder}: no graph of these vectors; {REPAIR}")
    families = Families.of(np.arange(0))
    if len(shapes) > len(graph):
        families = Families(*(arrays[name] for name in Families._fields))
        if len(families.heads) != len(families.ends) or families.ends[-1:].tolist() != [len(families.twins)]:
            raise IndexFolderError(f"{folder}: no graph of these vectors; {REPAIR}")
    return Graph(*(arrays[name] for name in Graph._fields)), families
