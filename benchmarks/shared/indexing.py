"""Indexes of the labelled sets, made for a benchmark as a user would make them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.shared.labelled_sets import DATA, Set, write_label_table
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.registry import make

WORDS = ("superpixel", "dense")
"""The words that an index gets by default."""

RECIPES: dict[str, tuple[str, ...]] = {"words": WORDS, "deep": ("deep",)}
"""What is compared: names of representations, fused if they are several."""


def index_set(name: str, scratch: Path, by: Sequence[str], data: Path = DATA, jobs: int = 2) -> Index:
    """Index one set in a scratch folder; ``group`` is the patient, lesion or set of near-duplicates."""
    found = Set.load(name, data)
    folder, table = data / found.folder, scratch / f"{name}.csv"
    write_label_table(found, folder, table)
    index = IndexWriter.create(scratch / f"{name}.index")
    for representation in by:
        index.add_representation(make(representation))
    index.update([folder], jobs=jobs, labels=LabelTable.read(table))
    return index


def labelled(index: Index) -> list[str]:
    """Return the names of the pictures of the set; its folder may hold others."""
    return [entry.name for entry in index.pictures() if entry.labels]
