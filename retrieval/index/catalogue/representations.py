"""Stored representations: what an index is encoded with, what each has learnt, and its segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .database import Catalogue
from .recipe import canonical
from .schema import SUMMED
from .stored_json import parse


@dataclass(frozen=True)
class StoredRepresentation:
    """A representation as the catalogue knows it.

    Parameters
    ----------
    id : its number in the catalogue.
    name : what it is asked by; of a learned metric ``base+name``.
    is_next : fitted again: it replaces the present one of its name when it has encoded every file.
    settings : its keywords.
    recipe : the hash of its recipe; None until it is fitted.
    model : the folder of what it learnt; None if it learns nothing.
    n_fitted : the number of images it learnt from.
    n_sources : the number of files in the index when it was fitted.
    report : what it says of its fit.
    """

    id: int
    name: str
    is_next: bool
    settings: Mapping[str, Any]
    recipe: str | None
    model: str | None
    n_fitted: int
    n_sources: int
    report: Mapping[str, Any]

    @property
    def is_fitted(self) -> bool:
        """Tell if it can encode."""
        return self.recipe is not None

    @property
    def base(self) -> str | None:
        """The name, before the ``+``, of the one whose vectors it projects; None if it encodes images."""
        name, mark, _ = self.name.partition("+")
        return name if mark else None

    @property
    def base_recipe(self) -> str | None:
        """The recipe of the vectors that it was learnt on; None if it encodes images."""
        found = self.settings.get("base_recipe")
        return None if found is None else str(found)


@dataclass(frozen=True)
class Segment:
    """A folder of arrays of ``n`` images, ``size`` bytes; ``representation`` is None for thumbnails.

    ``is_summed`` is 1 if its blocks have checksums; those of older formats have none.
    """

    id: int
    representation: int | None
    folder: str
    n: int
    size: int
    checksum: str
    is_summed: int = 0


def stored_representations(catalogue: Catalogue) -> list[StoredRepresentation]:
    """Return all representations but those set aside, in the order in which they were added."""
    return _stored(catalogue, "is_next >= 0")


def set_aside(catalogue: Catalogue) -> list[StoredRepresentation]:
    """Return the representations that are set aside: their settings were changed, and they may come back."""
    return _stored(catalogue, "is_next < 0")


def put_aside(catalogue: Catalogue, id: int) -> None:
    """Set a representation aside, with its vectors, and the marks of what it has encoded."""
    # Its number, so that any number of one name can be aside.
    catalogue.run("UPDATE representation SET is_next = -id WHERE id = ?", id)


def bring_back(catalogue: Catalogue, id: int, is_next: bool) -> None:
    """Take back what was set aside: as the present one of its name, or as the next."""
    catalogue.run("UPDATE representation SET is_next = ? WHERE id = ?", is_next, id)


def drop_set_aside(catalogue: Catalogue) -> None:
    """Delete all that is set aside, in one commit; its folders are swept later."""
    if found := set_aside(catalogue):
        with catalogue.transaction():
            for stored in found:
                drop_representation(catalogue, stored.id)


def _stored(catalogue: Catalogue, which: str) -> list[StoredRepresentation]:
    rows = catalogue.rows(
        "SELECT id, name, is_next, settings, recipe, model, n_fitted, n_sources, report "
        f"FROM representation WHERE {which} ORDER BY id"
    )
    # JSON columns are the 4th and the last; all others are plain.
    return [
        StoredRepresentation(
            r[0],
            r[1],
            bool(r[2]),
            parse(r[3], dict, f"the settings of {r[1]}"),
            r[4],
            r[5],
            r[6],
            r[7],
            parse(r[8], dict, f"the report of {r[1]}"),
        )
        for r in rows
    ]


def add_representation(
    catalogue: Catalogue, name: str, settings: Mapping[str, Any], is_next: bool = False
) -> int:
    """Add a representation that is not fitted yet, and return its number."""
    return catalogue.run(
        "INSERT INTO representation (name, is_next, settings) VALUES (?, ?, ?)",
        *(name, is_next, canonical(dict(settings))),
    )


def reset_representation(catalogue: Catalogue, id: int, settings: Mapping[str, Any]) -> None:
    """Change the settings of a representation; what it learnt with its old ones is forgotten."""
    catalogue.run("UPDATE representation SET settings = ? WHERE id = ?", canonical(dict(settings)), id)
    note_recipe(catalogue, id, None)


def note_recipe(catalogue: Catalogue, id: int, recipe: str | None) -> None:
    """Set the recipe of a representation; None if it is to be fitted."""
    catalogue.run("UPDATE representation SET recipe = ? WHERE id = ?", recipe, id)
    if recipe is None:
        catalogue.run(
            "UPDATE representation SET model = NULL, n_fitted = 0, n_sources = 0, report = '{}' WHERE id = ?",
            id,
        )


def note_fit(
    catalogue: Catalogue, id: int, *, recipe: str, model: str | None, n_fitted: int, report: Mapping[str, Any]
) -> None:
    """Record what a representation learnt: its recipe, its folder, and the number of images."""
    # The number of files now is what a later update compares with, to say that the index has outgrown the
    # fit.
    catalogue.run(
        """UPDATE representation SET recipe = ?, model = ?, n_fitted = ?, report = ?,
        n_sources = (SELECT count(*) FROM source WHERE state IN ('pending', 'failed', 'read')) WHERE id =
        ?""",
        *(recipe, model, n_fitted, canonical(dict(report)), id),
    )


def take_over_fit(catalogue: Catalogue, old: int, new: int) -> None:
    """Let the present representation stay, as what was fitted again is the same; the new one is deleted."""
    # The index has not outgrown a fit that came out as it was.
    catalogue.run(
        """UPDATE representation SET (n_fitted, n_sources, report) =
        (SELECT n_fitted, n_sources, report FROM representation WHERE id = ?) WHERE id = ?""",
        *(new, old),
    )
    drop_representation(catalogue, new)


def drop_representation(catalogue: Catalogue, id: int) -> None:
    """Delete a representation; its folders are swept later."""
    # Not here: after a rollback they would be missing.
    # Files lose the mark that this one has encoded them: one of the same name must encode them again.
    for table in ("encoded", "segment"):
        catalogue.run(f"DELETE FROM {table} WHERE representation = ?", id)
    catalogue.run("DELETE FROM representation WHERE id = ?", id)


def segments(catalogue: Catalogue) -> list[Segment]:
    """Return all segments, oldest first."""
    is_summed = "is_summed" if catalogue.format >= SUMMED else "0"
    rows = catalogue.rows(
        f"SELECT id, representation, folder, n, size, checksum, {is_summed} FROM segment ORDER BY id"
    )
    return [Segment(*row) for row in rows]


def add_segment(catalogue: Catalogue, segment: Segment) -> None:
    """Make a segment that is on disk part of the index; the catalogue gives the ``id``."""
    catalogue.run(
        """INSERT INTO segment (representation, folder, n, size, checksum, is_summed)
        VALUES (?, ?, ?, ?, ?, ?)""",
        *(segment.representation, segment.folder, segment.n, segment.size, segment.checksum),
        segment.is_summed,
    )


def note_summed(catalogue: Catalogue, id: int) -> None:
    """Record that the blocks of a segment have checksums."""
    catalogue.run("UPDATE segment SET is_summed = 1 WHERE id = ?", id)


def drop_segment(catalogue: Catalogue, id: int) -> None:
    """Delete a segment; its folder is deleted after the commit."""
    catalogue.run("DELETE FROM segment WHERE id = ?", id)
