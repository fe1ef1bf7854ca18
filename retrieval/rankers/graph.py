"""The graph: vectors linked with their neighbours in layers, which a query walks by their byte codes.

Y. A. Malkov, D. A. Yashunin, Efficient and robust approximate nearest neighbor search using hierarchical
navigable small world graphs, IEEE TPAMI 42 (2020). Faiss makes the links, and a kernel walks over files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError
from ..kernel import kernel
from .array_files import load_arrays, save_arrays
from .byte_codes import CodeArrays, CodedViews, code_view, coded_score

LINKS = 16
"""Links of a vector in each layer above the lowest, which has twice as many: M of the paper."""

_BREADTH = 100
"""Candidates that are looked at for the links of a new vector: efConstruction of the paper."""

_PIECE = 8192
"""Vectors that are added at a time."""


class Graph(NamedTuple):
    """A graph of n vectors.

    ``links`` int32 (n, 2 M), the neighbours of each in the lowest layer, −1 after the last; ``upper`` int32
    (m, M), those in the layers above; ``first`` int32 (n,), the row of ``upper`` for the second layer, after
    which those of the next ones follow, −1 for a vector of the lowest layer alone; ``entry`` int64 (2,), the
    vector to begin with, and the number of layers above the lowest.
    """

    links: NDArray[np.int32]
    upper: NDArray[np.int32]
    first: NDArray[np.int32]
    entry: NDArray[np.int64]


def build_graph(faiss: Any, vectors: NDArray[np.float32], lengths: NDArray[np.float32]) -> Graph:
    """Link vectors (n, d) with those of the largest cosine. Holds a copy of them meanwhile."""
    index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _BREADTH
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
    return _split(faiss.vector_to_array(made.neighbors), starts, np.array([made.entry_point, made.max_level]))


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
    if shapes != graph or not len(arrays["links"]) == len(arrays["first"]) == n or len(arrays["entry"]) != 2:
        raise IndexFolderError(f"{folder}: no graph of these vectors; {REPAIR}")
    return Graph(*(arrays[name] for name in Graph._fields))


def walk(graph: Graph, codes: CodeArrays, view: NDArray[np.float32], breadth: int) -> NDArray[np.int64]:
    """Return about the ``breadth`` rows nearest to a query float32 (d,), best first, int64 (≤ breadth,)."""
    return _enter(*graph, *codes, view, breadth)


@kernel()
def _enter(
    links: NDArray[np.int32],
    upper: NDArray[np.int32],
    first: NDArray[np.int32],
    entry: NDArray[np.int64],
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    errors: NDArray[np.float32],
    view: NDArray[np.float32],
    breadth: int,
) -> NDArray[np.int64]:
    """Walk; the arrays become records here, as numba takes long to take records from Python."""
    views = code_view(view)
    return _walk(Graph(links, upper, first, entry), CodeArrays(codes, scales, errors), views, breadth)


@kernel()
def _walk(graph: Graph, codes: CodeArrays, views: CodedViews, breadth: int) -> NDArray[np.int64]:
    """Return the rows nearest to a query, as ``walk`` does."""
    # The nearest so far in order: `rows` and their `scores`; `is_done` says whose neighbours were looked at.
    rows = np.empty(breadth, np.int64)
    scores = np.empty(breadth, np.float32)
    is_done = np.zeros(breadth, np.bool_)
    seen = np.zeros(len(graph.links) // 8 + 1, np.uint8)
    fresh = np.empty(graph.links.shape[1], np.int64)
    near = np.empty(graph.links.shape[1], np.float32)
    # Taken out of their records once: to do so for each neighbour takes longer than to read its code.
    links, coded, scales, values, steps = graph.links, codes.codes, codes.scales, views.values, views.steps
    rows[0] = _descend(graph, codes, views)
    scores[0] = coded_score(coded, scales, rows[0], values, steps)
    seen[rows[0] >> 3] |= np.uint8(1 << (rows[0] & 7))
    size, at = 1, 0
    while at < size:
        if is_done[at]:
            at += 1
            continue
        is_done[at] = True
        n = _unseen(links[rows[at]], seen, fresh)
        # One tight loop for all neighbours: so the processor waits for several of their codes at once.
        for i in range(n):
            near[i] = coded_score(coded, scales, fresh[i], values, steps)
        for i in range(n):
            if size == breadth and near[i] <= scores[size - 1]:
                continue
            size = min(size + 1, breadth)
            place = _insert(rows, scores, is_done, size, fresh[i], near[i])
            at = min(at, place)
    return rows[:size].copy()


@kernel()
def _unseen(links: NDArray[np.int32], seen: NDArray[np.uint8], fresh: NDArray[np.int64]) -> int:
    """Mark the neighbours that were not seen before, put them into ``fresh``, and return their number."""
    n = 0
    for link in links:
        if link < 0:
            break
        bit = np.uint8(1 << (link & 7))
        if not seen[link >> 3] & bit:
            seen[link >> 3] |= bit
            fresh[n] = link
            n += 1
    return n


@kernel()
def _insert(
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    is_done: NDArray[np.bool_],
    size: int,
    row: int,
    score: np.float32,
) -> int:
    """Put a row in its place among the first ``size``, of which the last falls out, and return the place."""
    low, high = 0, size - 1
    while low < high:
        middle = (low + high) // 2
        if scores[middle] >= score:
            low = middle + 1
        else:
            high = middle
    for i in range(size - 1, low, -1):
        rows[i], scores[i], is_done[i] = rows[i - 1], scores[i - 1], is_done[i - 1]
    rows[low], scores[low], is_done[low] = row, score, False
    return low


@kernel()
def _descend(graph: Graph, codes: CodeArrays, views: CodedViews) -> int:
    """Go from the entry to the nearest vector of each layer in turn, and return the last."""
    row, upper, first = graph.entry[0], graph.upper, graph.first
    coded, scales, values, steps = codes.codes, codes.scales, views.values, views.steps
    score = coded_score(coded, scales, row, values, steps)
    for layer in range(graph.entry[1], 0, -1):
        is_nearer = True
        while is_nearer:
            is_nearer = False
            for link in upper[first[row] + layer - 1]:
                if link < 0:
                    break
                other = coded_score(coded, scales, link, values, steps)
                if other > score:
                    row, score, is_nearer = np.int64(link), other, True
    return int(row)
