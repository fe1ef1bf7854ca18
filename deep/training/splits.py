"""Splits: which images are learnt from, and which are held out to stop at the right time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, SettingError

Positions = NDArray[np.int64]

SIDES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "": "",
}
"""The values of a column ``split``; with an empty field the side is drawn."""

ENOUGH = 4
"""Groups that a class must have before any is held out: two to learn from, two to answer each other."""


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the images to learn from and to validate with, and notes on what is left out."""

    training: Positions
    validation: Positions
    notes: tuple[str, ...] = ()


def split(
    labels: Sequence[str],
    groups: Sequence[str],
    given: Sequence[str] | None = None,
    share: float = 0.2,
    seed: int = 0,
) -> Split:
    """Divide images so that no group is on both sides.

    Parameters
    ----------
    labels : the class of each image.
    groups : the patient of each, or whatever must stay together.
    given : the column ``split`` of each: ``train``, ``val``, ``test`` or empty; None if there is none.
        Images of the test are on neither side. If none is given for validation, it is drawn from the
        training, in shares of each class as equal as the groups allow.
    share : of the images that is drawn for validation.
    seed : of the draw.

    Raises
    ------
    SettingError : an unknown side, or a group that is given both sides.
    FitError : too few classes or groups to learn from, or to validate with.
    """
    names, classes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    owners = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]  # the group of each, a number
    sides = np.array([side_of(str(each)) for each in given or [""] * len(labels)])
    kept = sides != "test"
    validates = sides == "validation"
    if validates.any():
        _refuse_both(groups, owners, validates, sides == "train")
        # An image without a side goes where its group is.
        validates |= (sides == "") & np.isin(owners, owners[validates])
    else:
        validates = kept & np.isin(owners, _drawn(classes[kept], owners[kept], share, seed))
    # A class of one image makes no pair to learn from.
    alone = np.bincount(classes[kept & ~validates], minlength=len(names))[classes] == 1
    trains = kept & ~validates & ~alone
    notes = _lonely(names[classes[kept & ~validates & alone]])
    _check(classes, owners, trains, validates)
    notes += _unvalidated(names, classes, owners, validates)
    return Split(np.flatnonzero(trains), np.flatnonzero(validates), tuple(notes))


def side_of(text: str, place: str = "labels") -> str:
    """Return the side that a field of the column ``split`` names, empty if it is empty.

    Raise SettingError, which begins with ``place``, for anything else.
    """
    side = SIDES.get(text.strip().lower())
    if side is None:
        raise SettingError(f"{place}: split {text!r} is unknown; write train, val or test")
    return side


def _drawn(classes: Positions, owners: Positions, share: float, seed: int) -> Positions:
    """Draw groups at random, and take those that bring the classes nearer to their shares of images.

    Greedy: to choose groups with given sums is a knapsack problem. Every class of enough groups gets two at
    least, and keeps two to be learnt from.
    """
    counts = np.zeros((owners.max(initial=0) + 1, classes.max(initial=0) + 1), dtype=np.int64)
    np.add.at(counts, (owners, classes), 1)  # (groups, classes)
    # Images wanted of each class, and the groups that it has left.
    wanted, left = share * counts.sum(axis=0), (counts > 0).sum(axis=0)
    divisible = left >= ENOUGH
    taken, n_taken, chosen = np.zeros_like(counts[0]), np.zeros_like(left), []
    for group in np.random.default_rng(seed).permutation(np.unique(owners)):
        has = counts[group] > 0
        after = taken + counts[group]
        is_nearer = np.abs(wanted - after).sum() < np.abs(wanted - taken).sum()
        is_needed = (n_taken[has & divisible] < 2).any()
        if (is_nearer or is_needed) and divisible[has].all() and (left[has] > 2).all():
            chosen.append(group)
            taken, n_taken, left = after, n_taken + has, left - has
    return np.array(chosen, dtype=np.int64)


def _refuse_both(
    groups: Sequence[str], owners: Positions, validates: NDArray[np.bool_], trains: NDArray[np.bool_]
) -> None:
    both = np.flatnonzero(validates & np.isin(owners, owners[trains]))
    if len(both):
        raise SettingError(
            f"labels: split: {groups[both[0]]!r} is in train and in val; put all images of a patient "
            "or group on one side"
        )


def _check(
    classes: Positions, owners: Positions, trains: NDArray[np.bool_], validates: NDArray[np.bool_]
) -> None:
    """Raise FitError for what cannot be learnt from, or cannot be validated with."""
    if len(np.unique(classes[trains])) < 2:
        raise FitError(
            f"labels: {len(np.unique(classes))} classes, of which {len(np.unique(classes[trains]))} can be "
            "learnt from; give at least two classes of two images each, besides those held out"
        )
    answered = _answered(classes, owners, validates)
    if len(np.unique(classes[validates])) < 2 or not answered:
        raise FitError(
            f"labels: nothing to validate with: that takes two classes, each in {ENOUGH} patients or groups; "
            "give more images, or say which with a column split (train, val)"
        )


def _answered(classes: Positions, owners: Positions, validates: NDArray[np.bool_]) -> set[int]:
    """Return the classes that have an answer among the held-out images: those of two groups.

    A query's own group is left out of its answers.
    """
    pairs = {(int(c), int(o)) for c, o in zip(classes[validates], owners[validates], strict=True)}
    held = [c for c, _ in pairs]
    return {c for c in held if held.count(c) > 1}


def _unvalidated(
    names: NDArray[np.str_], classes: Positions, owners: Positions, validates: NDArray[np.bool_]
) -> list[str]:
    missing = set(range(len(names))) - _answered(classes, owners, validates)
    if not missing:
        return []
    shown = ", ".join(str(names[i]) for i in sorted(missing)[:5])
    return [
        f"not validated, for want of patients or groups held out: {shown}{', …' if len(missing) > 5 else ''}"
    ]


def _lonely(names: NDArray[np.str_]) -> list[str]:
    if not len(names):
        return []
    shown = ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")
    return [f"not learnt from, with one image in the class: {shown}"]
