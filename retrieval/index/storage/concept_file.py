"""The concepts of an index, in ``INDEX.concepts.json`` beside it: directions by representation, no names.

An index without the file has no concepts. Each change is written at once, whole or not at all.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...answers.concept import Direction
from ...errors import IndexFolderError
from ...rankers.atomic_write import write_atomically
from ...representation import SparseVector, Vector

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Concept:
    """A concept that was learnt.

    Parameters
    ----------
    name : what it is called.
    n_liked, n_unliked : how many examples showed it, and did not.
    directions : by representation.
    recipes : hashes of the recipes of these: vectors of another recipe have other directions.
    """

    name: str
    n_liked: int
    n_unliked: int
    directions: Mapping[str, Direction]
    recipes: Mapping[str, str]


def concept_file(folder: Path) -> Path:
    """Return where the concepts of an index are."""
    place = folder.resolve()
    return place.with_name(f"{place.name}.concepts.json")


def read_concepts(folder: Path) -> dict[str, Concept]:
    """Return the concepts of an index by name. Raise IndexFolderError if their file is damaged or newer."""
    path = concept_file(folder)
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] > _FORMAT:
            raise IndexFolderError(f"{path}: written by a newer Semblance; update this one")
        found = [_concept(name, one) for name, one in data["concepts"].items()]
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise IndexFolderError(f"{path}: damaged; delete it and learn the concepts again") from error
    return {concept.name: concept for concept in found}


def change_concepts(folder: Path, change: Callable[[dict[str, Concept]], Mapping[str, Concept]]) -> None:
    """Read the concepts of an index, and write what a change makes of them, before anybody else changes them.

    Raises IndexFolderError as reading and writing do, and what ``change`` raises.
    """
    with _turn(folder):
        write_concepts(folder, change(read_concepts(folder)))


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until no other process changes the concepts of an index."""
    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network drives lock no folder
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def write_concepts(folder: Path, concepts: Mapping[str, Concept]) -> None:
    """Write the concepts of an index. Raise IndexFolderError if that cannot be done."""
    data = {"format": _FORMAT, "concepts": {name: _data(one) for name, one in sorted(concepts.items())}}
    path = concept_file(folder)
    try:
        write_atomically(json.dumps(data).encode(), path)
    except OSError as error:
        raise IndexFolderError(f"{path}: cannot be written ({error.strerror})") from error


def _data(concept: Concept) -> dict[str, Any]:
    directions = {
        by: {"recipe": concept.recipes[by], "auc": one.auc, **_vector_data(one.vector)}
        for by, one in concept.directions.items()
    }
    return {"like": concept.n_liked, "unlike": concept.n_unliked, "by": directions}


def _concept(name: str, data: Mapping[str, Any]) -> Concept:
    by = data["by"]
    directions = {key: Direction(_vector(one), one["auc"]) for key, one in by.items()}
    recipes = {key: str(one["recipe"]) for key, one in by.items()}
    return Concept(name, int(data["like"]), int(data["unlike"]), directions, recipes)


def _vector_data(vector: Vector) -> dict[str, Any]:
    # Nine digits bring a float32 back to the last bit.
    if isinstance(vector, SparseVector):
        values = [float(f"{v:.9g}") for v in vector.values.tolist()]
        return {"words": vector.indices.tolist(), "values": values, "size": vector.size}
    return {"values": [float(f"{v:.9g}") for v in vector.tolist()]}


def _vector(data: Mapping[str, Any]) -> Vector:
    values = np.array(data["values"], dtype=np.float32)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("no vector")
    if "words" not in data:
        return values
    words, size = np.array(data["words"], dtype=np.uint32), int(data["size"])
    if len(words) != len(values) or (np.diff(words.astype(np.int64)) <= 0).any() or (words >= size).any():
        raise ValueError("no bag of words")
    return SparseVector(words, values, size)
