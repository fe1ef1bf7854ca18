"""Judgements: which pictures are right answers to which, by their labels, and how right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError

Gains = NDArray[np.int32]
_REMEMBERED = 64
"""Sets of labels whose gains are kept: queries of one class have the same."""


class Judgements:
    """Say how right every picture is as an answer to one of them.

    With plain labels a picture is right if it shares one; its gain is how many it shares. With codes in
    levels (``hierarchy``), such as ``chest/lung/nodule``, it is right if the first ``depth`` levels agree,
    and its gain grows by one with each further level that does.

    Parameters
    ----------
    labels : of each picture, by position; none if nothing is known: such a picture is right for no query.
    hierarchy : what separates the levels of a code, such as ``/``, or ``""`` if each character is a level;
        None: labels are plain.
    depth : how many levels must agree; all of the query's if None.

    Raises
    ------
    SettingError : a depth without a hierarchy, or below 1.
    """

    def __init__(
        self, labels: Sequence[tuple[str, ...]], hierarchy: str | None = None, depth: int | None = None
    ) -> None:
        if depth is not None and hierarchy is None:
            raise SettingError("depth: labels have no levels; say what separates them with hierarchy")
        if depth is not None and depth < 1:
            raise SettingError(f"depth: {depth} levels; give at least 1")
        # Labels have no order: a class is the same whichever of them a table names first.
        labels = [tuple(sorted(cell)) for cell in labels]
        self.labels, self._hierarchy, self._depth = labels, hierarchy, depth
        self.kinds = sorted({label for cell in labels for label in cell})
        numbers = {label: i for i, label in enumerate(self.kinds)}
        none = len(numbers)  # stands for no label at all, so that every picture has at least one number
        cells = [[numbers[label] for label in cell] or [none] for cell in labels]
        self._starts = np.cumsum([0, *(len(cell) for cell in cells)], dtype=np.int64)[:-1]
        self._numbers = np.array([number for cell in cells for number in cell], dtype=np.int64)
        self._levels = [self._parts(kind) for kind in self.kinds]
        self._known: dict[tuple[str, ...], Gains] = {}

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which pictures have a label, bool by position."""
        return np.array([bool(cell) for cell in self.labels], dtype=np.bool_)

    @property
    def classes(self) -> list[str]:
        """The class that each picture is counted under: all its labels together, joined by ``;``."""
        return [";".join(cell) for cell in self.labels]

    def gains(self, position: int) -> Gains:
        """Return the gain of every picture as an answer to one, by position; 0 is wrong. Do not change it."""
        own = self.labels[position]
        # By the set of labels, not by the picture: all queries of a class share one array.
        if own not in self._known:
            if len(self._known) == _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            # The gain of each label of each picture, one after the other, then combined picture by picture.
            gains = np.append(self._label_gains(own), np.int32(0))[self._numbers]
            combine = np.add if self._hierarchy is None else np.maximum
            self._known[own] = combine.reduceat(gains, self._starts) if len(self.labels) else gains
        return self._known[own]

    def is_right(self, position: int, label: str | None) -> bool:
        """Tell whether a label is a right answer to the query at a position."""
        own = self.labels[position]
        if label is None or self._hierarchy is None:
            return label in own
        return any(self._gain(self._parts(one), self._parts(label)) > 0 for one in own)

    def _label_gains(self, own: tuple[str, ...]) -> Gains:
        """Return the gain of each label for a query that has the labels ``own``, int32 (n_kinds,)."""
        if self._hierarchy is None:
            return np.array([kind in own for kind in self.kinds], dtype=np.int32)
        asked = [self._parts(label) for label in own]
        best = [max((self._gain(one, levels) for one in asked), default=0) for levels in self._levels]
        return np.array(best, dtype=np.int32)

    def _parts(self, label: str) -> tuple[str, ...]:
        return tuple(label.split(self._hierarchy)) if self._hierarchy else tuple(label)

    def _gain(self, asked: tuple[str, ...], found: tuple[str, ...]) -> int:
        wanted = len(asked) if self._depth is None else min(self._depth, len(asked))
        pairs = list(zip(asked, found, strict=False))
        # Levels after the first that differs do not count, even if they agree by chance.
        agree = next((i for i, (one, other) in enumerate(pairs) if one != other), len(pairs))
        return max(0, agree - wanted + 1)
