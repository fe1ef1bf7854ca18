"""Splits: which pictures are learnt from, and which are held out to stop at the right time."""

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
"""What may stand in a column ``split``; an empty field leaves the picture to chance."""


ENOUGH = 4
"""Groups that a class must have before any is held out: two to learn from, two to ask one for the other."""


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the pictures to learn from and to validate with, and what is to be said of them."""

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
    """Divide pictures so that no group stands on both sides.

    Parameters
    ----------
    labels : the class of each picture.
    groups : the patient of each, or whatever must stay together.
    given : the column ``split`` of each: ``train``, ``val``, ``test`` or empty; None where there is none.
        Pictures of the test are on neither side. Where none is given for validation, it is drawn from
        the training, in shares of each class as equal as the groups allow.
    share : of the pictures that is drawn for validation.
    seed : of the draw.

    Raises
    ------
    SettingError : an unknown side, or a group that is given both sides.
    FitError : too few classes or groups to learn from, or to validate with.
    """
    names, classes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    owners = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    sides = np.array([_side(each) for each in given or [""] * len(labels)])
    kept = sides != "test"
    validates = sides == "validation"
    if validates.any():
        _refuse_both(groups, owners, validates, sides == "train")
        validates |= (sides == "") & np.isin(owners, owners[validates])
    else:
        validates = kept & np.isin(owners, _drawn(classes[kept], owners[kept], share, seed))
    alone = np.bincount(classes[kept & ~validates], minlength=len(names))[classes] == 1
    trains = kept & ~validates & ~alone
    notes = _lonely(names[classes[kept & ~validates & alone]])
    _check(classes, owners, trains, validates)
    notes += _unasked(names, classes, owners, validates)
    return Split(np.flatnonzero(trains), np.flatnonzero(validates), tuple(notes))


def _side(text: str) -> str:
    known = SIDES.get(str(text).strip().lower())
    if known is None:
        raise SettingError(f"labels: split {str(text)!r} is unknown; write train, val or test")
    return known


def _drawn(classes: Positions, owners: Positions, share: float, seed: int) -> Positions:
    """Draw groups at random, and take those that bring the classes nearer to their shares of pictures.

    Every class of enough groups gets two at least, and keeps two to be learnt from.
    """
    counts = np.zeros((owners.max(initial=0) + 1, classes.max(initial=0) + 1), dtype=np.int64)
    np.add.at(counts, (owners, classes), 1)
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
            f"labels: split: {groups[both[0]]!r} stands in train and in val; put all pictures of a patient "
            "or group on one side"
        )


def _check(
    classes: Positions, owners: Positions, trains: NDArray[np.bool_], validates: NDArray[np.bool_]
) -> None:
    """Refuse what cannot be learnt from, or not be validated with."""
    if len(np.unique(classes[trains])) < 2:
        raise FitError(
            f"labels: {len(np.unique(classes))} classes, of which {len(np.unique(classes[trains]))} can be "
            "learnt from; give at least two classes of two pictures each, besides those held out"
        )
    asked = _asked(classes, owners, validates)
    if len(np.unique(classes[validates])) < 2 or not asked:
        raise FitError(
            f"labels: nothing to validate with: that takes two classes, each in {ENOUGH} patients or groups; "
            "give more pictures, or say which with a column split (train, val)"
        )


def _asked(classes: Positions, owners: Positions, validates: NDArray[np.bool_]) -> set[int]:
    """Return the classes that have an answer among the held-out pictures: those of two groups."""
    pairs = {(int(c), int(o)) for c, o in zip(classes[validates], owners[validates], strict=True)}
    held = [c for c, _ in pairs]
    return {c for c in held if held.count(c) > 1}


def _unasked(
    names: NDArray[np.str_], classes: Positions, owners: Positions, validates: NDArray[np.bool_]
) -> list[str]:
    missing = set(range(len(names))) - _asked(classes, owners, validates)
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
    return [f"not learnt from, with one picture in the class: {shown}"]
