"""The data sets of a comparison, and their indexes, which are kept and only brought up to date."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.shared.labelled_sets import Set, write_label_table
from retrieval.errors import IndexFolderError
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.registry import make

EQUAL: Mapping[str, Any] = {"points": 400, "words": 1000, "tone_words": 0}
"""Equal in the comparison of detectors; tone does not depend on the detector."""
RECIPES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "equal": dict.fromkeys(("sift", "dense", "superpixel"), EQUAL),
    "own": {
        "superpixel": {},
        "dense": {"foreground_only": True},
        "sift": {"descriptor": "opponentsift"},
        "vlad": {},
        "asmk": {},
        "deep": {},
    },
}
"""The two indexes of each set: detectors at equal budgets, and every representation at its best."""


@dataclass(frozen=True)
class Dataset:
    """A folder of pictures with a table of labels."""

    name: str
    folder: Path
    table: Path

    @property
    def labels(self) -> LabelTable:
        """The table, read."""
        return LabelTable.read(self.table)


def resolve(text: str, cache: Path, data: Path) -> Dataset:
    """Return a data set: a folder that holds ``labels.csv``, or the name of a set of the data folder."""
    folder = Path(text)
    if (folder / "labels.csv").is_file():
        return Dataset(folder.resolve().name, folder, folder / "labels.csv")
    found = Set.load(text, data)
    folder, table = data / found.folder, cache / f"{text}.csv"
    write_label_table(found, folder, table)
    return Dataset(text, folder, table)


def indexed(dataset: Dataset, recipe: str, cache: Path, jobs: int) -> Path:
    """Make the index of a recipe, or bring it up to date, and return where it is."""
    place = cache / f"{dataset.name}.{recipe}.index"
    try:
        _update(dataset, recipe, place, jobs)
    except IndexFolderError:  # an older recipe, or half an index
        shutil.rmtree(place)
        _update(dataset, recipe, place, jobs)
    return place


def _update(dataset: Dataset, recipe: str, place: Path, jobs: int) -> None:
    with IndexWriter.open(place) if place.exists() else IndexWriter.create(place) as index:
        for name, settings in RECIPES[recipe].items():
            index.add_representation(make(name, settings))
        index.update([dataset.folder], jobs=jobs, labels=dataset.labels)


def recipe_hashes(place: Path) -> dict[str, str]:
    """Return the recipe hash of every representation of an index."""
    with Index.open(place) as index:
        return {one["name"]: one["recipe"] for one in index.info()["representations"]}


def fingerprint(*parts: str | bytes | Path) -> str:
    """Return a hash of texts, bytes, and of what is in files and below folders (Python sources)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            files = sorted(part.rglob("*.py")) if part.is_dir() else [part]
            for file in files:
                digest.update(file.read_bytes())
        else:
            digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()
