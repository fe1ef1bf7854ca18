"""The groups of images: which columns say what an image belongs to, and which of them counts by default."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

NAMED_IN_FILES = ("patient", "study", "series")
"""The groups that files name, the widest first."""

PEOPLE = ("patient", "group")
"""What says, or may say, who an image is of."""

KEPT_TOGETHER = (*PEOPLE, "study", "series", "slide")
"""What is never on both sides of a trial, and is one case, by default: the first of these that an image has.

Slices of one volume, and tiles of one slide, are nearly the same image, whether or not its file names a
patient.
"""

Cells = Sequence[tuple[Hashable, ...]]
"""The values of each image in a column; () if it has none."""


def narrower(column: str | None) -> tuple[str, ...]:
    """Return the columns that keep together, in order, what has no value in a column: at last the file."""
    place = KEPT_TOGETHER.index(column) + 1 if column in KEPT_TOGETHER else 0
    return (*KEPT_TOGETHER[place:], "source")


def says_nothing(column: str, cells: Cells) -> bool:
    """Tell whether a column keeps none or all together: a study of all has no others to compare with."""
    if column in PEOPLE or not any(cells):
        return not any(cells)
    return len(found := set(cells)) == 1 or (column == "source" and len(found) == len(cells))


def keep_together(n: int, columns: Iterable[tuple[str, Cells]]) -> Iterator[Hashable | None]:
    """Yield the group of each of n images: its value in the first of some columns where it has one.

    An image without a patient whose study has images of one patient alone is that patient's. None if it has
    no value in any.
    """
    groups: list[Hashable | None] = [None] * n
    for column, cells in columns:
        wider: dict[Hashable, set[Hashable]] = {}
        for group, cell in zip(groups, cells, strict=True):
            if group is not None and cell:
                wider.setdefault(cell, set()).add(group)
        only = {cell: next(iter(found)) for cell, found in wider.items() if len(found) == 1}
        # The column keeps a value apart from one of another column that is spelt alike.
        groups = [
            only.get(cell, (column, cell)) if group is None and cell else group
            for group, cell in zip(groups, cells, strict=True)
        ]
        if None not in groups:
            break
    yield from groups
