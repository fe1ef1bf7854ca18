"""What is done to an index while faults are injected, and what must hold after each of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.drawings import draw_grey, draw_numbered

from retrieval.baselines import Thumbnail
from retrieval.index import Index
from retrieval.index.catalogue.connection import FILE
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelTable
from retrieval.metric_learning.metric_learner import MetricLearner

from .flips import flip
from .flips import make_index as make_format_2

UNFINISHED = ("not fitted yet", "not encoded yet")
"""What ``verify`` may say of an index after a fault; nothing is damaged or lost."""


def factories() -> Mapping[str, Any]:
    """Return the stand-ins by name."""
    kinds = importlib.import_module("support.stand_ins")
    return {"mean": kinds.Mean, "words": kinds.Words}


@dataclass(frozen=True)
class Operation:
    """Something that is done to an index.

    Parameters
    ----------
    prepare : makes the index before, in a folder that holds ``images`` beside it; none for a new one.
    act : does it; doing it again finishes what a fault cut short.
    """

    prepare: Callable[[Path], None]
    act: Callable[[Path], None]


def labels(place: Path) -> LabelTable:
    """Return a table of labels of all images."""
    path = place.parent / "labels.csv"
    path.write_text("path,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(20)))
    return LabelTable.read(path)


def index(place: Path) -> None:
    """Make an index, or bring it up to date."""
    if Catalogue.is_born(place):
        opened = IndexWriter.open(place, factories=factories())
    else:
        opened = IndexWriter.create(place, factories=factories())
    with opened:
        for representation in (Thumbnail(), *(make() for make in factories().values())):
            opened.add_representation(representation)
        opened.update([place.parent / "images"], jobs=1, labels=labels(place), commit_every=4)


def indexed(place: Path) -> None:
    """Make an index of eight images."""
    draw_numbered(place.parent / "images", 8)
    index(place)


def grown(place: Path) -> None:
    """Make an index of eight images, of which one then changes, one goes, and two are new."""
    indexed(place)
    images = place.parent / "images"
    (images / "0.png").unlink()
    for number in (1, 8, 9):
        draw_grey(images / f"{number}.png", number + 20)


def not_indexed(place: Path) -> None:
    """Make images alone."""
    draw_numbered(place.parent / "images", 8)


def up_to_date(place: Path) -> None:
    """Make an index that has learnt from less than it holds."""
    grown(place)
    index(place)


def refit(place: Path) -> None:
    """Let everything learn again."""
    with IndexWriter.open(place, factories=factories()) as opened:
        opened.update([place.parent / "images"], jobs=1, refit=True, commit_every=4)


def learn_metric(place: Path) -> None:
    """Learn a metric on stored vectors."""
    with IndexWriter.open(place, factories=factories()) as opened:
        learner = MetricLearner(method="lda", components=3)
        opened.learn_metric(MetricOptions(by="thumbnail", learner=learner, has_trial=False))


def remove(place: Path) -> None:
    """Take an image out, and rewrite the index."""
    with IndexWriter.open(place, factories=factories()) as opened:
        if "3.png" in opened:
            opened.remove(["3.png"])
        opened.compact()


def damaged(place: Path) -> None:
    """Make an index with one page of the catalogue and one segment damaged."""
    up_to_date(place)
    flip(place / FILE, 5000, 3)
    path = max((place / "segments").rglob("*.npy"), key=lambda path: path.stat().st_size)
    flip(path, path.stat().st_size - 1, 3)


def repair(place: Path) -> None:
    """Repair an index."""
    report = IndexWriter.repair(place, jobs=1, factories=factories())
    assert not report.lost, report.lost


def of_format_2(place: Path) -> None:
    """Copy the golden index of format 2, which nothing has opened for writing yet."""
    make_format_2(place.parent / "made", migrated=False).rename(place)


def migrate(place: Path) -> None:
    """Bring an index to the format of today."""
    with IndexWriter.open(place) as opened:
        opened.update([place.parent / "made" / "images"], jobs=1)


OPERATIONS = {
    "index": Operation(not_indexed, index),
    "update": Operation(grown, index),
    "refit": Operation(up_to_date, refit),
    "learn-metric": Operation(up_to_date, learn_metric),
    "remove, compact": Operation(up_to_date, remove),
    "repair": Operation(damaged, repair),
    "migrate": Operation(of_format_2, migrate),
}


def state(place: Path) -> dict[str, dict[str, Any]]:
    """Return what an index holds of each image: labels, thumbnail, and its vector in each representation."""
    with Index.open(place, factories=factories()) as opened:
        damage = [line for line in opened.verify() if not any(words in line for words in UNFINISHED)]
        assert damage == [], damage
        return {
            name: {
                "labels": opened.picture(name).labels,
                "thumbnail": opened.thumbnail(name),
                **{by: _vector(opened, name, by) for by in opened.representations},
            }
            for name in opened.names
        }


def _vector(opened: Index, name: str, by: str) -> bytes | None:
    if by not in opened.representations or not opened.ask(lambda s: s.stored[by].is_fitted):
        return None
    try:
        vector = opened.vector(name, by)
    except KeyError:  # not encoded yet
        return None
    return bytes(vector.dense().tobytes() if hasattr(vector, "dense") else vector.tobytes())


def lost(found: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what of an index after a fault is neither what it was before nor what it was to become.

    A file that holds something else has no labels until those are given again at the end.
    """
    missing = [name for name in set(before) & set(after) if name not in found]
    right = {
        (name, key): (None, (), before.get(name, {}).get(key), after.get(name, {}).get(key))
        for name, own in found.items()
        for key in own
    }
    wrong = [f"{name}: {key}" for (name, key), values in right.items() if found[name][key] not in values]
    return [*missing, *wrong]
