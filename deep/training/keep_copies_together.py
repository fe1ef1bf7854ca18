"""Near-duplicates of a data set, kept on one side: what was learnt from must not be validated with again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retrieval.answers.duplicate_finder import DuplicateFinder, Structure, structure
from retrieval.answers.duplicate_groups import joined

from .dataset import Examples
from .splits import side_of


def keep_copies_together(examples: Examples) -> Examples:
    """Return images whose near-duplicates will not stand on both sides of a split, with a note on how many.

    If the sides are to be drawn, groups that share near-duplicates become one: they are most likely one
    patient by two names. If the table names images to validate with, near-duplicates of these are not learnt
    from.
    """
    squares, shapes = examples.squares, examples.shapes

    def structure_of(number: int) -> Structure:
        grey = squares[number].mean(axis=0, dtype=np.float32) / np.float32(255)
        return structure(grey, None if shapes is None else shapes[number])

    found = DuplicateFinder(structure_of, len(squares)).all_pairs
    pairs = [(pair.one, pair.other) for pair in found]
    sides = [side_of(each) for each in examples.splits or [""] * len(squares)]
    if "validation" in sides:
        return _without_copies(examples, sides, pairs)
    numbers = joined(examples.groups, pairs).tolist()
    n = len(set(examples.groups)) - len(set(numbers))
    if not n:
        return examples
    note = f"near-duplicates: {n:,} patients or groups share one with another, and stay on its side"
    # Named after the first of those that became one, since errors name groups.
    names = dict(zip(reversed(numbers), reversed(examples.groups), strict=True))
    groups = tuple(names[number] for number in numbers)
    return replace(examples, groups=groups, notes=(note, *examples.notes))


def _without_copies(examples: Examples, sides: list[str], pairs: list[tuple[int, int]]) -> Examples:
    """Return images of which no near-duplicate of a held-out one is learnt from."""
    held = [side == "validation" for side in sides]
    # Of many copies only pairs that link them are known, so that chains count.
    numbers = joined(range(len(held)), pairs).tolist()
    of_held = {number for number, is_held in zip(numbers, held, strict=True) if is_held}
    copies = {i for i, number in enumerate(numbers) if number in of_held and not held[i]}
    if not copies:
        return examples
    n = len(copies)
    note = f"not learnt from, as near-duplicates of images held out: {n:,} image{'s' * (n != 1)}"
    splits = tuple("test" if i in copies else side for i, side in enumerate(sides))
    return replace(examples, splits=splits, notes=(note, *examples.notes))
