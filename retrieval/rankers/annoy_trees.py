"""The tree ranker: forests of random splits by Annoy, in files that are mapped.

E. Bernhardsson, Annoy: approximate nearest neighbors in C++ (2013), https://github.com/spotify/annoy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError, NotInstalledError
from .approximate import GROWTH, ApproximateRanker, Finder
from .array_files import sync_folder
from .block_sums import check_file
from .dense_block import DenseBlock

_TREES = 20
_NODES = 70
"""Nodes of the trees that are looked at for each candidate."""

_SEED = 1
_FILE = "trees.annoy"


@dataclass(frozen=True)
class _Forest:
    trees: Any
    growth: float = GROWTH

    def find(self, view: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
        found = self.trees.get_nns_by_vector(view.tolist(), depth, depth * _NODES)
        return np.array(found, dtype=np.int64)


class AnnoyRanker(ApproximateRanker):
    """Rank dense vectors through trees by Annoy, which hold a second copy of the vectors."""

    name = "annoy"

    @classmethod
    def check_installed(cls) -> None:
        """Raise NotInstalledError if Annoy is not installed."""
        _annoy()

    def _open_finder(self, folder: Path, block: DenseBlock) -> Finder:
        path = folder / _FILE
        check_file(path)
        trees = _annoy().AnnoyIndex(self.dimension, "angular")
        try:
            trees.load(str(path))
        except OSError as error:
            raise IndexFolderError(f"{path}: damaged ({error}); {REPAIR}") from error
        if trees.get_n_items() != block.n:
            raise IndexFolderError(f"{path}: no trees of these vectors; {REPAIR}")
        return _Forest(trees)

    @classmethod
    def _write_finder(cls, folder: Path, block: DenseBlock) -> None:
        trees = _annoy().AnnoyIndex(block.vectors.shape[1], "angular")
        folder.mkdir()
        trees.set_seed(_SEED)
        trees.on_disk_build(str(folder / _FILE))
        # Of unit length: Annoy multiplies float32, and the squares of very short vectors would be zero.
        for row in range(block.n):
            trees.add_item(row, block.vectors[row] / max(block.lengths[row], np.finfo(np.float32).tiny))
        trees.build(_TREES, n_jobs=1)  # more would share out the trees as they happen to run
        trees.unload()
        with (folder / _FILE).open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(folder)


def _annoy() -> Any:
    try:
        import annoy
    except ImportError as error:
        raise NotInstalledError(
            "annoy",
            f"is not installed ({error})",
            "pip install 'semblance[annoy]', which needs a C++ compiler",
            "annoy",
        ) from error
    return annoy
