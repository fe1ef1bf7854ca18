"""Groups: numbers instead of names, such as pseudonyms of patients."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray


def numbered(names: Sequence[Hashable]) -> NDArray[np.int64]:
    """Return the number of each group, int64 (n,), from 0 by first appearance.

    Not by name: pseudonyms are hashes with a salt of the index, and what is drawn at random group by group
    (folds, bootstrap, signs of a test) would differ between two indexes of the same pictures.
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
