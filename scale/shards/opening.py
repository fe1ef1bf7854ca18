"""Opening: what a path names is an index in a folder, or one in shards."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from retrieval.index import Index

from .plan import lists_shards


def open_index(path: Path, must_be_whole: bool = False) -> Index:
    """Open an index for reading: a folder, or the shards that a ``.toml`` file lists.

    ``must_be_whole`` : see ``ShardedIndex.open``.
    """
    if not lists_shards(path):
        return Index.open(path)
    # Late: what asks other machines takes as long to load as the catalogue of a folder.
    from .sharded_index import ShardedIndex

    return ShardedIndex.open(path, must_be_whole=must_be_whole)


def whole(index: Index) -> AbstractContextManager[None]:
    """Return a block in which a question that meets a shard that is away is refused: IndexFolderError."""
    if type(index) is Index:
        return nullcontext()
    from .sharded_index import ShardedIndex

    return index.whole() if isinstance(index, ShardedIndex) else nullcontext()
