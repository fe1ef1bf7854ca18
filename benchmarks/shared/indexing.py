"""Indexes of the labelled sets, made for a benchmark as a user would make them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.shared.labelled_sets import DATA, Set
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.registry import make

WORDS = ("superpixel", "dense")
"""The words that an index gets where nothing is said."""

RECIPES: dict[str, tuple[str, ...]] = {"words": WORDS, "deep": ("deep",)}
"""What is compared: names of representations, fused where they are several."""


def index_set(name: str, scratch: Path, by: Sequence[str], data: Path = DATA, jobs: int = 2) -> Index:
    """Index one set in a scratch folder; ``group`` is the patient, lesion or set of near-duplicates."""
    found = Set.load(name, data)
    folder = data / found.items[0].name.partition("/")[0]
    table = scratch / f"{name}.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group"])
        writer.writerows([item.path.relative_to(folder).as_posix(), item.label, item.group] for item in found)
    index = IndexWriter.create(scratch / f"{name}.index")
    for representation in by:
        index.add_representation(make(representation))
    index.update([folder], jobs=jobs, labels=LabelTable.read(table))
    return index


def labelled(index: Index) -> list[str]:
    """Return the names of the pictures of the set; its folder may hold others."""
    return [entry.name for entry in index.pictures() if entry.labels]
