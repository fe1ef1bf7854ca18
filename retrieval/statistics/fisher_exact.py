"""The exact test: is a label commoner among some cases than drawing them at random would make it?

Of ``total`` cases, ``labelled`` carry a label; ``drawn`` of them were found, and ``found`` of those carry
it. Were they drawn without regard to labels, ``found`` would be hypergeometric: P(X = x) = C(labelled, x) ·
C(total − labelled, drawn − x) / C(total, drawn). The one-sided test is Fisher's (Fisher 1935), and the
correction for many labels Holm's (1979), which holds whatever the labels have to do with each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingError

# SciPy takes longer to import than a query takes to answer, so it is imported where a test is made.


def upper_tail(found: int, drawn: int, labelled: int, total: int) -> float:
    """Return P(X ≥ found), the p-value of enrichment. Raise SettingError if counts do not fit together."""
    _check(found, drawn, labelled, total)
    # Below the least possible count SciPy has a distribution without any case for an empty collection.
    if found <= max(0, drawn + labelled - total):
        return 1.0
    from scipy.stats import hypergeom

    return float(min(1.0, hypergeom.sf(found - 1, total, labelled, drawn)))  # sf(x) = P(X > x)


def upper_tails(found: ArrayLike, drawn: ArrayLike, labelled: ArrayLike, total: int) -> NDArray[np.float64]:
    """Return ``upper_tail`` of many counts at once, arrays that broadcast; they are taken to fit together."""
    from scipy.stats import hypergeom

    x, n, k = np.broadcast_arrays(*(np.asarray(part, dtype=np.int64) for part in (found, drawn, labelled)))
    p = np.minimum(1.0, hypergeom.sf(x - 1, total, k, n))
    return np.where(x <= np.maximum(0, n + k - total), 1.0, p)


def share_interval(found: int, drawn: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson (1934) for the share that ``found`` of ``drawn`` estimates.

    It covers the true share in at least ``level`` of all samples; (0, 1) if nothing was drawn.
    """
    _check(found, drawn, drawn, drawn)
    if not 0 < level < 1:
        raise SettingError(f"level: {level} is no coverage; give a number between 0 and 1, such as 0.95")
    if drawn == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    interval = binomtest(found, drawn).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values (n,) adjusted for n tests, in the same order: the i-th smallest, from 0, times n − i.

    Never falling along the order of the p-values, and 1 at most. SciPy has no correction of Holm's.
    """
    p = np.asarray(p_values, dtype=np.float64)
    rising = np.argsort(p, kind="stable")
    # The running maximum keeps a test from being adjusted below one with a smaller p (Holm 1979, section 2).
    steps = np.maximum.accumulate(p[rising] * np.arange(len(p), 0, -1)) if len(p) else p
    adjusted = np.empty_like(p)
    adjusted[rising] = np.minimum(steps, 1.0)
    return adjusted


def _check(found: int, drawn: int, labelled: int, total: int) -> None:
    if not (0 <= found <= drawn <= total and found <= labelled <= total):
        raise SettingError(
            f"counts: {found} of {drawn} drawn, {labelled} of {total} in all do not fit together; "
            "a part cannot exceed its whole"
        )
