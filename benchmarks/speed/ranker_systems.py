"""What ``rankers.py`` measures: Semblance's rankers, and the bare libraries that people would pick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.index.storage.segments import add_sums
from retrieval.rankers import approximate
from retrieval.rankers.dense import ExactRanker
from retrieval.registry import RANKERS, load

K = 10
Vectors = NDArray[np.float32]
Answer = Callable[[Vectors], Any]
"""Returns the ids of the ten best for a query (d,)."""


@dataclass(frozen=True)
class System:
    """One contender.

    Parameters
    ----------
    build : writes vectors (n, d) of unit length into a folder, as they are opened later.
    open : opens the folder and returns what answers, given a setting.
    many : the same for what answers queries (64, d) at once; None: nothing of its own.
    settings : from quick to thorough; those of exact search are one.
    is_mapped : whether its files stay on the disk, mapped, rather than in private memory.
    """

    build: Callable[[Vectors, Path], None]
    open: Callable[[Path, Vectors], Callable[[int], Answer]]
    settings: Sequence[int] = (0,)
    is_mapped: bool = True
    many: Callable[[Path, Vectors], Answer] | None = None


BREADTHS = (10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
"""Candidates that a graph keeps while it is walked: ef."""
NODES = (400, 700, 1000, 1400, 2000, 2800, 4000, 5600, 8000, 16000, 32000)
"""Nodes of Annoy's trees that are looked at: search_k."""
LINKS, CONSTRUCTION, TREES = 16, 100, 20


def _semblance_build(name: str) -> Callable[[Vectors, Path], None]:
    def build(vectors: Vectors, folder: Path) -> None:
        ranker = load(name, RANKERS)(vectors.shape[1])
        ranker.add(np.arange(len(vectors)), vectors)
        ranker.save(folder / "segment")
        add_sums(folder / "segment")

    return build


def _semblance_open(name: str) -> Callable[[Path, Vectors], Callable[[int], Answer]]:
    def open_(folder: Path, vectors: Vectors) -> Callable[[int], Answer]:
        ranker = load(name, RANKERS).open([folder / "segment"], vectors.shape[1])

        def at(setting: int) -> Answer:
            approximate._LARGE = 2**62  # a setting is what others call ef, whatever the size
            if name == "annoy":
                module = __import__("retrieval.rankers.annoy_trees", fromlist=["x"])
                module._NODES, approximate._DEPTH = setting // 20, 20
            elif setting:
                approximate._DEPTH, approximate._PER_HIT = setting, 1
            return lambda query: ranker.rank(query, K).ids

        return at

    return open_


def _semblance_many(folder: Path, vectors: Vectors) -> Answer:
    ranker = ExactRanker.open([folder / "segment"], vectors.shape[1])
    return lambda queries: [one.ids for one in ranker.rank_many(queries, K)]


def _nothing(vectors: Vectors, folder: Path) -> None:
    """Search what is there."""


def _numpy_open(folder: Path, vectors: Vectors) -> Callable[[int], Answer]:
    return lambda _: lambda query: _best(vectors @ query)


def _numpy_many(folder: Path, vectors: Vectors) -> Answer:
    return lambda queries: [_best(scores) for scores in queries @ vectors.T]


def _best(scores: Vectors) -> NDArray[np.int64]:
    found = np.argpartition(-scores, K)[:K]
    return found[np.argsort(-scores[found])]


def _faiss_build(kind: str) -> Callable[[Vectors, Path], None]:
    def build(vectors: Vectors, folder: Path) -> None:
        import faiss

        index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        if hasattr(index, "hnsw"):
            index.hnsw.efConstruction = CONSTRUCTION
        index.add(vectors)
        faiss.write_index(index, str(folder / "index"))

    return build


def _faiss_open(folder: Path, vectors: Vectors) -> Callable[[int], Answer]:
    import faiss

    index = faiss.read_index(str(folder / "index"))

    def at(setting: int) -> Answer:
        if setting:
            index.hnsw.efSearch = setting
        return lambda query: index.search(query[None], K)[1][0]

    return at


def _faiss_many(folder: Path, vectors: Vectors) -> Answer:
    import faiss

    index = faiss.read_index(str(folder / "index"))
    return lambda queries: index.search(queries, K)[1]


def _hnswlib_build(vectors: Vectors, folder: Path) -> None:
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), M=LINKS, ef_construction=CONSTRUCTION)
    index.add_items(vectors, num_threads=1)
    index.save_index(str(folder / "index"))


def _hnswlib_open(folder: Path, vectors: Vectors) -> Callable[[int], Answer]:
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.load_index(str(folder / "index"))
    index.set_num_threads(1)

    def at(setting: int) -> Answer:
        index.set_ef(setting)
        return lambda query: index.knn_query(query, K)[0][0]

    return at


def _usearch(dtype: str) -> System:
    def new(vectors: Vectors) -> Any:
        from usearch.index import Index

        about = {"connectivity": LINKS, "expansion_add": CONSTRUCTION}
        return Index(ndim=vectors.shape[1], metric="ip", dtype=dtype, **about)

    def build(vectors: Vectors, folder: Path) -> None:
        index = new(vectors)
        index.add(np.arange(len(vectors)), vectors, threads=1)
        index.save(str(folder / "index"))

    def open_(folder: Path, vectors: Vectors) -> Callable[[int], Answer]:
        index = new(vectors)
        index.view(str(folder / "index"))

        def at(setting: int) -> Answer:
            index.expansion_search = setting
            return lambda query: index.search(query, K).keys

        return at

    return System(build, open_, BREADTHS)


def _annoy_build(vectors: Vectors, folder: Path) -> None:
    import annoy

    index = annoy.AnnoyIndex(vectors.shape[1], "angular")
    index.set_seed(1)
    index.on_disk_build(str(folder / "index"))
    for row, vector in enumerate(vectors):
        index.add_item(row, vector)
    index.build(TREES, n_jobs=1)


def _annoy_open(folder: Path, vectors: Vectors) -> Callable[[int], Answer]:
    import annoy

    index = annoy.AnnoyIndex(vectors.shape[1], "angular")
    index.load(str(folder / "index"))
    return lambda setting: lambda query: index.get_nns_by_vector(query, K, setting)


def _ours(name: str, settings: Sequence[int]) -> System:
    many = _semblance_many if name == "exact" else None
    return System(_semblance_build(name), _semblance_open(name), settings, True, many)


SYSTEMS = {
    "exact: numpy": System(_nothing, _numpy_open, many=_numpy_many),
    "exact: faiss": System(_faiss_build("Flat"), _faiss_open, is_mapped=False, many=_faiss_many),
    "exact: Semblance": _ours("exact", (0,)),
    "graph: hnswlib": System(_hnswlib_build, _hnswlib_open, BREADTHS, is_mapped=False),
    "graph: faiss": System(_faiss_build(f"HNSW{LINKS}"), _faiss_open, BREADTHS, is_mapped=False),
    "graph: usearch, 8 bits": _usearch("i8"),
    "graph: usearch, 16 bits": _usearch("bf16"),
    "graph: Semblance": _ours("hnsw", BREADTHS),
    "trees: Annoy": System(_annoy_build, _annoy_open, NODES),
    "trees: Semblance": _ours("annoy", NODES),
}
