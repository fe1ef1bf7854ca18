"""The graph ranker: HNSW graphs made by faiss, walked by a kernel over mapped files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NotInstalledError
from .approximate import GROWTH, ApproximateRanker, Finder
from .byte_codes import ByteCodes
from .dense_block import DenseBlock
from .graph import Families, Graph, build_graph, open_graph, save_graph
from .graph_walk import walk

_WIDE_GROWTH = GROWTH / 2
"""``GROWTH`` of graphs whose links were chosen among more candidates the more vectors there are."""


@dataclass(frozen=True)
class _Walker:
    graph: Graph
    families: Families
    codes: ByteCodes

    @property
    def growth(self) -> float:
        return _WIDE_GROWTH if self.graph.is_wide else GROWTH

    def find(self, view: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
        self.codes.check()
        # Half of what is looked for: as many as are asked for at least, and not all of one family.
        return self.families.joined(walk(self.graph, self.codes.arrays, view, depth), depth // 2)


class HnswRanker(ApproximateRanker):
    """Rank dense vectors through graphs of neighbours, which faiss makes; asking does not need it."""

    name = "hnsw"

    @classmethod
    def check_installed(cls) -> None:
        """Raise NotInstalledError if graphs cannot be made here."""
        _faiss()

    def _open_finder(self, folder: Path, block: DenseBlock) -> Finder:
        assert block.codes is not None  # a segment that has a graph is large enough for codes
        return _Walker(*open_graph(folder, block.n), block.codes)

    @classmethod
    def _write_finder(cls, folder: Path, block: DenseBlock) -> None:
        save_graph(folder, *build_graph(_faiss(), block.vectors, block.lengths))


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise NotInstalledError(
            "hnsw", f"needs faiss to make its graphs ({error})", "pip install 'semblance[hnsw]'", "hnsw"
        ) from error
    return faiss
