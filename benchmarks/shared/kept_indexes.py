"""The indexes that benchmarks ask: made of chosen pictures, kept if that is wanted, and used again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.shared.labelled_sets import Item
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.representation import Representation


def opened(items: Sequence[Item], made: Sequence[Representation], folder: Path, jobs: int) -> Index:
    """Open the index of these pictures by these representations in a folder; make it if there is none.

    Pictures are copied into the folder, and are in the index under the names of the items.
    """
    recipe = repr([(it.name, it.settings) for it in made]) + repr([item.name for item in items])
    key = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    place, pictures = folder / f"{key}.index", folder / f"{key}.pictures"
    if not place.exists():
        for item in items:
            copy = pictures / item.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(item.path, copy)
        shutil.rmtree(folder / f"{key}.new", ignore_errors=True)  # of a run that was cut short
        with IndexWriter.create(folder / f"{key}.new") as index:
            for representation in made:
                index.add_representation(representation)
            index.update([pictures], jobs=jobs)
        (folder / f"{key}.new").rename(place)
    return Index.open(place)
