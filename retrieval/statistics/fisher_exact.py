"""The exact test: is a label commoner among some cases than drawing them at random would make it?

Of ``total`` cases, ``labelled`` carry a label; ``drawn`` of them were found, and ``found`` of those carry
it. Were they drawn without regard to labels, ``found`` would be hypergeometric: P(X = x) = C(labelled, x) ·
C(total − labelled, drawn − x) / C(total, drawn). The one-sided test is Fisher's (Fisher 1935), and the
correction for many labels Holm's (1979), which holds whatever the labels have to do with each other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingError

_HALVINGS = 60


def probability(found: int, drawn: int, labelled: int, total: int) -> float:
    """Return P(X = found). Raise SettingError where the counts do not fit together."""
    _check(found, drawn, labelled, total)
    if not max(0, drawn + labelled - total) <= found <= min(drawn, labelled):
        return 0.0
    return math.exp(_log_probability(found, drawn, labelled, total))


def upper_tail(found: int, drawn: int, labelled: int, total: int) -> float:
    """Return P(X ≥ found), the p-value of enrichment. Raise SettingError where counts do not fit together."""
    _check(found, drawn, labelled, total)
    low, high = max(0, drawn + labelled - total), min(drawn, labelled)
    if found <= low:
        return 1.0
    if found > high:
        return 0.0
    x = np.arange(found, high, dtype=np.float64)  # from each x to x + 1
    rising = np.log((labelled - x) * (drawn - x)) - np.log((x + 1) * (total - labelled - drawn + x + 1))
    terms = _log_probability(found, drawn, labelled, total) + np.concatenate([[0.0], np.cumsum(rising)])
    return float(min(1.0, np.exp(terms).sum()))


def share_interval(found: int, drawn: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson (1934) for the share that ``found`` of ``drawn`` estimates.

    It covers the true share in at least ``level`` of all samples; (0, 1) where nothing was drawn.
    """
    _check(found, drawn, drawn, drawn)
    if not 0 < level < 1:
        raise SettingError(f"level: {level} is no coverage; give a number between 0 and 1, such as 0.95")
    tail = (1 - level) / 2
    low = 0.0 if found == 0 else _share_at(found, drawn, tail)
    high = 1.0 if found == drawn else 1 - _share_at(drawn - found, drawn, tail)
    return low, high


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values (n,) adjusted for n tests, in the same order: the i-th smallest, from 0, times n − i.

    Never falling along the order of the p-values, and 1 at most.
    """
    p = np.asarray(p_values, dtype=np.float64)
    rising = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[rising] * np.arange(len(p), 0, -1)) if len(p) else p
    adjusted = np.empty_like(p)
    adjusted[rising] = np.minimum(steps, 1.0)
    return adjusted


def _share_at(found: int, drawn: int, tail: float) -> float:
    """Return the share at which ``found`` or more of ``drawn`` have the probability ``tail``."""
    x = np.arange(found, drawn + 1)
    ways = np.array([_log_ways(drawn, int(i)) for i in x])
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        probability = np.exp(ways + x * math.log(share) + (drawn - x) * math.log1p(-share)).sum()
        low, high = (share, high) if probability < tail else (low, share)
    return (low + high) / 2


def _log_probability(found: int, drawn: int, labelled: int, total: int) -> float:
    ways = _log_ways(labelled, found) + _log_ways(total - labelled, drawn - found)
    return ways - _log_ways(total, drawn)


def _log_ways(n: int, k: int) -> float:
    """Return log C(n, k)."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _check(found: int, drawn: int, labelled: int, total: int) -> None:
    if not (0 <= found <= drawn <= total and found <= labelled <= total):
        raise SettingError(
            f"counts: {found} of {drawn} drawn, {labelled} of {total} in all do not fit together; "
            "a part cannot exceed its whole"
        )
