"""Marked fields that a concept is learnt from: tables of labels, annotations of QuPath, or labels known."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import OptionError, SettingError

from .geojson import Shape, is_geojson, read_shapes, stem_of
from .query import indexed_name, slide_path
from .slide_field import slide_fields

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.index.search.concepts import Example

MOST = 400
"""Examples of a side: more are drawn from, always the same ones."""
_LIKE = "like"
"""A label that shows the concept, whatever that is called."""


@dataclass(frozen=True)
class Fields:
    """The examples of a concept: those that show it, and those that do not."""

    like: tuple[Example, ...]
    unlike: tuple[Example, ...]


def concept_fields(
    index: Index, name: str, files: Sequence[Path], slide: str | None = None, um_per_px: float | None = None
) -> Fields:
    """Return the examples of a concept.

    What is labelled with its name, or ``like``, shows it; what has another label does not.

    Parameters
    ----------
    files : tables of labels (path, label), whose paths are images of the index or fields of slides, such as
        ``s.svs#1.0um/4000,3000,512,512``; GeoJSON files; none stands for the labels of the index.
    slide : that of GeoJSON files; None takes it from their names, ``s.svs.geojson``.
    um_per_px : the scale of annotations; None for the one of the index that is nearest to the size of a tile.

    Raises
    ------
    OptionError : a GeoJSON file of no slide of the index. PictureError : one that is none, or a field that
        cannot be read. SettingError : a damaged table, or one that names what is not there; nothing shows the
        concept.
    """
    found: list[tuple[bool, Example]] = []
    for file in files:
        if is_geojson(file.name):
            found += _annotated(index, name, file, slide, um_per_px)
        else:
            found += _listed(index, name, file)
    if not files:
        found += _labelled(index, name)
    if not any(is_liked for is_liked, _ in found):
        raise SettingError(
            f"concept: nothing is labelled {name!r}, or 'like', so that nothing shows it; mark five fields "
            "or more, or name a label of the index"
        )
    sides = [[example for is_liked, example in found if is_liked is side] for side in (True, False)]
    return Fields(*(tuple(_drawn(side)) for side in sides))


def _drawn(examples: list[Example]) -> list[Example]:
    return examples if len(examples) <= MOST else random.Random(0).sample(examples, MOST)


def _labelled(index: Index, name: str) -> Iterator[tuple[bool, Example]]:
    # Others are unlabelled, and may well show it: they are not counted as what it is not.
    for entry in index.pictures():
        if entry.labels:
            yield _is_like(name, entry.labels), _indexed(index, entry.name)


def _listed(index: Index, name: str, table: Path) -> Iterator[tuple[bool, Example]]:
    from retrieval.metadata.label_table import LabelTable

    for path, row in LabelTable.read(table).rows.items():
        if row.labels:
            yield _is_like(name, row.labels), _named(index, table, path)


def _annotated(
    index: Index, name: str, file: Path, slide: str | None, um_per_px: float | None
) -> Iterator[tuple[bool, Example]]:
    from retrieval.index.search.concepts import Example

    of = slide or stem_of(file.name).replace("__", "/")
    path = slide_path(index, of)
    if path is None:
        raise OptionError(f"{file}: {of} is no slide of this index; name it", "slide")
    facts = index.slide_facts(path)
    assert facts is not None  # else ``slide_path`` has found no slide
    shapes = [shape.from_file(facts.origin) for shape in read_shapes(file)]
    for field in slide_fields(index, of, path, shapes, False, um_per_px):
        picture = field.query.picture
        assert picture is not None  # a field is read
        group = picture.groups.get("patient") or field.slide
        yield _is_like(name, _classes(field.shape)), Example(picture, field.region, group)


def _classes(shape: Shape) -> list[str]:
    """Return the class of an annotation and its name, either of which may say what it shows."""
    # One that is derived from another, Tumor: Positive, is of both.
    classified = shape.classified
    return [text for text in (classified, *classified.split(": "), shape.name) if text]


def _is_like(name: str, labels: Sequence[str]) -> bool:
    return name in labels or _LIKE in labels


def _named(index: Index, table: Path, name: str) -> Example:
    """Return what a row of a table names: an image of the index, or a field of a slide."""
    from retrieval.index.search.concepts import Example
    from retrieval.readers.tiling import frame_of

    if (known := indexed_name(index, name)) in index:
        return _indexed(index, known)
    source, _, part = name.partition("#")
    frame, path = frame_of(part), slide_path(index, source)
    if frame is None or path is None:
        raise SettingError(f"{table}: {name} is no image of this index, and no field of a slide")
    picture = next(iter(index.read_query(path, [frame])))
    tiles = index.names_at(path)
    groups = index.picture(tiles[0]).groups if tiles else picture.groups
    return Example(picture, None, groups.get("patient") or groups.get("slide") or source)


def _indexed(index: Index, name: str) -> Example:
    from retrieval.index.search.concepts import Example, group_of

    return Example(name, None, index.ask(lambda snapshot: group_of(snapshot, name)))
