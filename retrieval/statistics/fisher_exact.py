"""The exact test: is a label commoner among some cases than drawing them at random would make it?

Of ``total`` cases, ``labelled`` carry a label; ``drawn`` of them were found, and ``found`` of those carry
it. Were they drawn without regard to labels, ``found`` would be hypergeometric: P(X = x) = C(labelled, x) ·
C(total − labelled, drawn − x) / C(total, drawn). The one-sided test is Fisher's (Fisher 1935), and the
correction for many labels Holm's (1979), which holds whatever the labels have to do with each other.

A case of many images is drawn more easily, and carries more labels, than a case of one: over all cases, the
test would find what only the numbers of images make. Cases are compared within strata of about as many
images, and the number found in all is a sum of hypergeometric ones: the exact conditional test of stratified
2 × 2 tables (Gart 1970, "Point and interval estimation of the common odds ratio in the combination of 2 × 2
tables with fixed marginals", Biometrika 57; Mehta, Patel and Gray 1985, J. Am. Stat. Assoc. 80).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingError

_AT_ONCE = 512
"""Labels whose distributions are in memory at once."""

# SciPy takes longer to import than a query takes to answer, so it is imported where a test is made.


def upper_tails(found: ArrayLike, drawn: ArrayLike, labelled: ArrayLike, total: int) -> NDArray[np.float64]:
    """Return P(X ≥ found), the p-values of enrichment, for counts that broadcast.

    The counts are taken to fit together.
    """
    from scipy.stats import hypergeom

    x, n, k = np.broadcast_arrays(*(np.asarray(part, dtype=np.int64) for part in (found, drawn, labelled)))
    p = np.minimum(1.0, hypergeom.sf(x - 1, total, k, n))  # sf(x) = P(X > x)
    # Below the least possible count SciPy has a distribution without any case for an empty collection.
    return np.where(x <= np.maximum(0, n + k - total), 1.0, p)


def size_strata(n_images: ArrayLike) -> NDArray[np.int64]:
    """Return the stratum of cases by their numbers of images, int64 (n,): 1, 2 to 3, 4 to 7, and so on."""
    # frexp gives m · 2^e with m in [1/2, 1), so that a power of two begins a stratum exactly.
    return np.frexp(np.maximum(np.asarray(n_images, dtype=np.float64), 1))[1].astype(np.int64) - 1


def stratified_upper_tails(
    found: ArrayLike, drawn: ArrayLike, labelled: ArrayLike, totals: ArrayLike
) -> NDArray[np.float64]:
    """Return P(X ≥ found) of n labels, float64 (n,), X being the sum over strata of what is found in each.

    One stratum makes it ``upper_tails``. The counts are taken to fit together.

    Parameters
    ----------
    found : int (n,), matching cases with each label, of all strata.
    drawn, totals : int (n_strata,), matching cases and all cases of each stratum.
    labelled : int (n, n_strata), cases of each stratum with each label.
    """
    x, n, total = (np.asarray(part, dtype=np.int64) for part in (found, drawn, totals))
    k = np.asarray(labelled, dtype=np.int64).reshape(len(x), len(total))
    if len(total) == 1:
        return upper_tails(x, n[0], k[:, 0], int(total[0]))
    p = np.ones(len(x))
    # What is least possible has p = 1; most labels of a large collection are not found at all.
    open_ = np.flatnonzero(x > np.maximum(0, n + k - total).sum(axis=1))
    for start in range(0, len(open_), _AT_ONCE):
        rows = open_[start : start + _AT_ONCE]
        pmf = np.ones((len(rows), 1))
        for stratum in np.flatnonzero(n):
            pmf = _convolved(pmf, _hypergeometric(int(n[stratum]), k[rows, stratum], int(total[stratum])))
        is_tail = np.arange(pmf.shape[1]) >= x[rows, None]
        p[rows] = np.minimum(1.0, (pmf * is_tail).sum(axis=1))
    return p


def _hypergeometric(drawn: int, labelled: NDArray[np.int64], total: int) -> NDArray[np.float64]:
    """Return P(X = x) for x up to what the commonest label allows, (n, n_x)."""
    from scipy.special import gammaln

    x = np.arange(min(drawn, int(labelled.max())) + 1)
    k = labelled[:, None]
    is_possible = (x <= k) & (drawn - x <= total - k)
    log_factorial = gammaln(np.arange(total + 1) + 1.0)

    def ways(whole: NDArray[np.int64], part: NDArray[np.int64]) -> NDArray[np.float64]:
        part = np.where(is_possible, part, 0)
        return np.asarray(log_factorial[whole] - log_factorial[part] - log_factorial[whole - part])

    every = log_factorial[total] - log_factorial[drawn] - log_factorial[total - drawn]
    return np.where(is_possible, np.exp(ways(k, x) + ways(total - k, drawn - x) - every), 0.0)


def _convolved(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distribution of the sum of two numbers, (n, n_x + n_y − 1)."""
    short, long = sorted((one, other), key=lambda part: part.shape[1])
    found = np.zeros((len(one), one.shape[1] + other.shape[1] - 1))
    # All terms are positive: sums, unlike a Fourier transform, keep the digits of a small tail.
    for x in range(short.shape[1]):
        found[:, x : x + long.shape[1]] += short[:, x, None] * long
    return found


def share_interval(found: int, drawn: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson (1934) for the share that ``found`` of ``drawn`` estimates.

    It covers the true share in at least ``level`` of all samples; (0, 1) if nothing was drawn.
    """
    if not 0 <= found <= drawn:
        raise SettingError(f"counts: {found} of {drawn} drawn do not fit together; give a part of the whole")
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
