"""The stacks: which slices of a series lie one above the other, and in which order.

A series may hold several stacks: of other directions (a localiser), of the same places again (echoes, phases,
volumes of a NIfTI file), or of places far apart. Slices are ordered by their position along the normal.
InstanceNumber is what a machine counted, and only says which of several slices of one place came first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..picture import Value, as_number

Normal = tuple[float, float, float]

_SAME_PLACE = 0.01
"""Millimetres: slices nearer than this are in one place."""

_PARALLEL = math.cos(math.radians(1.0))
_GAP = 3.5
"""A step of more than this many usual ones separates two stacks."""

_NORMALS: dict[str, Normal] = {"sagittal": (-1, 0, 0), "coronal": (0, -1, 0), "axial": (0, 0, 1)}


@dataclass(frozen=True)
class Slice:
    """An image as a part of a stack.

    Parameters
    ----------
    name : its id; decides the order if nothing else does.
    series : slices of other series are never of one stack.
    position : millimetres along the normal, None if it is not known.
    normal : the direction across the slice (unit length, towards the patient's left, back and head), None
        if it is not known.
    size : rows, columns; slices of another size are of another stack.
    frame, instance : places in the file and in the series, as they are counted there.
    """

    name: str
    series: str = ""
    position: float | None = None
    normal: Normal | None = None
    size: tuple[int, int] = (0, 0)
    frame: int = 0
    instance: int = 0

    @classmethod
    def of(
        cls,
        name: str,
        groups: Mapping[str, str],
        metadata: Mapping[str, Value],
        size: tuple[int, int] = (0, 0),
    ) -> Slice:
        """Return what the groups and tags of a picture say of its place."""
        # Fields of a label table are texts: plain images may have their places from one.
        position = as_number(metadata.get("position"))
        return cls(
            name,
            groups.get("series", ""),
            None if position is None else float(position),
            read_normal(metadata.get("normal"), metadata.get("plane")),
            size,
            _whole(metadata.get("frame")),
            _whole(metadata.get("instance_number")),
        )

    @property
    def height(self) -> float | None:
        """Return the position, signed so that it rises to the left, the front or the head; None: unknown.

        The sign follows the largest part of the normal, which may point the other way.
        """
        if self.position is None or self.normal is None:
            return self.position
        # Two series of one patient may have opposite normals; heights of both must rise the same way.
        largest = max(range(3), key=lambda axis: abs(self.normal[axis]) if self.normal else 0.0)
        upwards = self.normal[largest] * (-1 if largest == 1 else 1) > 0
        return self.position if upwards else -self.position

    @property
    def place(self) -> tuple[float, int, int, str]:
        """Return what slices of a stack are ordered by."""
        height = self.height
        return (math.inf if height is None else height, self.frame, self.instance, self.name)


def find_stacks(slices: Sequence[Slice]) -> list[list[int]]:
    """Return the stacks, the largest first, each as the places of its slices in ``slices``, in order.

    Every slice is in one stack. Those without a position make a stack of their own, by frame, then instance,
    then name.
    """
    found = [
        part for group in _alike(slices) for copy in _copies(slices, group) for part in _parted(slices, copy)
    ]
    return sorted(found, key=lambda stack: (-len(stack), slices[stack[0]].place))


def read_normal(text: Value | None, plane: Value | None = None) -> Normal | None:
    """Return the normal that a tag spells, three numbers with ``/`` between, else that of a plane."""
    try:
        x, y, z = (float(part) for part in str(text).split("/"))
    except ValueError:
        return _NORMALS.get(str(plane))
    length = math.hypot(x, y, z)
    return (x / length, y / length, z / length) if 0 < length < math.inf else _NORMALS.get(str(plane))


def spell_normal(normal: Normal) -> str:
    """Return a normal as ``read_normal`` reads it, with four digits."""
    return "/".join(f"{round(part, 4) + 0.0:g}" for part in normal)


def _alike(slices: Sequence[Slice]) -> Iterator[list[int]]:
    """Yield slices of one series, size and direction."""
    groups: dict[tuple[object, ...], list[tuple[Normal | None, list[int]]]] = {}
    for number, slice in enumerate(slices):
        key = (slice.series, slice.size, slice.position is None)
        directions = groups.setdefault(key, [])
        own = next((members for normal, members in directions if _parallel(normal, slice.normal)), None)
        if own is None:
            directions.append((slice.normal, own := []))
        own.append(number)
    for directions in groups.values():
        yield from (sorted(members, key=lambda i: slices[i].place) for _, members in directions)


def _copies(slices: Sequence[Slice], group: Sequence[int]) -> list[list[int]]:
    """Deal the slices of one place to different stacks, the first of each place to the first, and so on.

    Where most places have one for each stack, those of a place that lacks some go where their numbers fit.
    A place that is there twice in an otherwise single stack is one slice that was made again, and stays; and
    images that are all in one place, such as those of a beating heart, are one stack.
    """
    if slices[group[0]].position is None:
        return [list(group)]
    places: list[list[int]] = []
    for number in group:
        if (
            places
            and abs((slices[number].height or 0.0) - (slices[places[-1][0]].height or 0.0)) < _SAME_PLACE
        ):
            places[-1].append(number)
        else:
            places.append([number])
    # One place twice is a slice made again; twice as many slices as places are two stacks.
    if len(places) == 1 or round(len(group) / len(places)) < 2:
        return [list(group)]
    stacks: list[list[int]] = [[] for _ in range(max(map(len, places)))]
    for members in places:
        members.sort(key=lambda i: (slices[i].frame, slices[i].instance, slices[i].name))
    full = [at for at, members in enumerate(places) if len(members) == len(stacks)]
    for at, members in enumerate(places):
        is_whole = len(members) == len(stacks) or 2 * len(full) <= len(places)
        copies = range(len(stacks)) if is_whole else _fitting(slices, places, full, at)
        for copy, number in zip(copies, members, strict=False):
            stacks[copy].append(number)
    return stacks


def _fitting(
    slices: Sequence[Slice], places: Sequence[Sequence[int]], full: Sequence[int], at: int
) -> list[int]:
    """Return the stack of each slice of a place that lacks some, by what was counted at places that do not.

    Whether a machine counts place by place or stack by stack, a stack's numbers lie on a line nearby.
    """
    from scipy.optimize import linear_sum_assignment

    def counted(place: int) -> NDArray[np.float64]:
        # A file of several frames counts these; no two frames may seem nearer than two numbers of files.
        return np.array([(slices[i].frame * 1e6 + slices[i].instance) for i in places[place]], np.float64)

    near, far = sorted(full, key=lambda place: abs(place - at))[:2]
    expected = counted(near) + (counted(far) - counted(near)) * (at - near) / (far - near)
    _, copies = linear_sum_assignment(np.abs(counted(at)[:, None] - expected))
    return sorted(copies.tolist())


def _parted(slices: Sequence[Slice], stack: Sequence[int]) -> Iterator[list[int]]:
    """Cut a stack where a step is far longer than usual."""
    if len(stack) < 4 or slices[stack[0]].position is None:
        yield list(stack)
        return
    # The median step: a few missing slices do not change it.
    steps = np.diff([slices[number].height or 0.0 for number in stack])
    usual = float(np.median(steps[steps > _SAME_PLACE])) if (steps > _SAME_PLACE).any() else math.inf
    cuts = [0, *(np.flatnonzero(steps > _GAP * usual) + 1).tolist(), len(stack)]
    yield from (list(stack[a:b]) for a, b in pairwise(cuts))


def _parallel(a: Normal | None, b: Normal | None) -> bool:
    if a is None or b is None:
        return a is b
    return sum(x * y for x, y in zip(a, b, strict=True)) > _PARALLEL


def _whole(value: Value | None) -> int:
    return int(as_number(value) or 0)
