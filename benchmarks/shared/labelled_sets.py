"""The sets of labelled images that benchmarks measure on: a folder with a ``manifest.csv``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.picture import Picture
from retrieval.readers import read_pictures

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table of the data folder; exit with one line if it is not there."""
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise SystemExit(
            f"{path}: cannot be read ({error.strerror}); say where the labelled sets are with --data"
        ) from None


@dataclass(frozen=True)
class Item:
    """One labelled file: where it is, its class, and the patient, lesion or group of near-duplicates."""

    path: Path
    name: str
    label: str
    group: str

    def read(self) -> Picture:
        """Read the file's only picture, or its first."""
        return next(iter(read_pictures(self.path, self.name)))


@dataclass(frozen=True)
class Set:
    """A named set of labelled files."""

    name: str
    items: tuple[Item, ...]

    @classmethod
    def load(cls, name: str, data: Path = DATA) -> Set:
        """Load the rows of one set from the manifest of a folder."""
        rows = [row for row in read_table(data / "manifest.csv") if row["set"] == name]
        if not rows:
            raise SystemExit(f"{data / 'manifest.csv'}: there is no set {name!r}")
        items = (
            Item(data / row["file"], row["file"], row["cls"], row["patient"] or row["group"] or row["file"])
            for row in rows
        )
        # In the order of names, so that ties between positions are ties between names.
        return cls(name, tuple(sorted(items, key=lambda item: item.name)))

    @property
    def labels(self) -> NDArray[np.str_]:
        """Return the class of each item."""
        return np.array([item.label for item in self.items])

    @property
    def groups(self) -> NDArray[np.str_]:
        """Return the group of each item."""
        return np.array([item.group for item in self.items])

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def folder(self) -> str:
        """The folder of the data that holds the set's files."""
        return self.items[0].name.partition("/")[0]


def drawn(data: Set, most: int, seed: int = 0) -> Set:
    """Return a set of at most ``most`` images, drawn at random, in their old order; 0 keeps them all."""
    if not most or len(data) <= most:
        return data
    kept = np.sort(np.random.default_rng(seed).permutation(len(data))[:most])
    return replace(data, items=tuple(data.items[i] for i in kept))


def write_label_table(found: Set, folder: Path, table: Path) -> None:
    """Write the label table of a set, with paths relative to a folder, as ``semblance index`` reads it."""
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group"])
        writer.writerows([item.path.relative_to(folder).as_posix(), item.label, item.group] for item in found)
