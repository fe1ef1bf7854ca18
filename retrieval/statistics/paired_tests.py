"""Paired tests: is one way of ranking better than another, or is the difference chance?

SciPy's permutation test changes the sign of every difference by itself; here a group of queries (those of one
patient) changes it together, and all systems are tested by the same choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingError
from .fisher_exact import holm
from .measures import bootstrap_interval

DRAWS = 10_000
"""Choices of signs that are drawn if there are too many to try all."""
_EXACT_UP_TO = 12
"""Groups of which all 2ⁿ choices of signs are tried."""
_SIGNS_AT_ONCE = 4_000_000
"""Bounds the memory: signs that are drawn at a time."""


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same queries.

    Parameters
    ----------
    first, second : their names.
    difference : mean of the first less that of the second; ``low`` and ``high`` are its 95 % interval, by
        bootstrap over groups.
    p : two-sided, of the randomisation test; ``adjusted`` by Holm for all comparisons that were made.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    adjusted: float


def randomisation_test(
    differences: ArrayLike, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> float:
    """Return the two-sided p-value of a mean of paired differences (Fisher 1935; Smucker et al. 2007).

    Were the two systems alike, each group's differences might as well have the other sign: p is the share of
    choices of signs whose mean is as far from 0 as the observed one. All choices are tried up to 12
    groups; else ``draws`` of them, and p = (1 + as far) / (1 + draws).

    Parameters
    ----------
    differences : float (n,), one a query; NaN are left out. Without any the p-value is 1.
    groups : (n,): queries of one patient change their sign together; None: each query alone.
    """
    given = np.asarray(differences, dtype=np.float64)
    return float(_randomised(given[None], groups, draws, seed)[0])


def _randomised(
    differences: NDArray[np.float64], groups: ArrayLike | None, draws: int, seed: int
) -> NDArray[np.float64]:
    """Return the p-value of each row of differences (n_tests, n), by the same choices of signs for all."""
    n_tests, n = differences.shape
    owners = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    if len(owners) != n:
        raise SettingError(f"groups: {len(owners)} of them for {n} differences; give one for each")
    sums = np.array([np.bincount(owners, row, minlength=1) for row in np.nan_to_num(differences)])
    sums = sums.reshape(n_tests, -1)[:, (sums != 0).any(axis=0)]  # a sign of nothing changes nothing
    n_groups = sums.shape[1]
    # A hair below, so that a choice equal to the observed one counts in spite of rounding.
    seen = np.abs(sums.sum(axis=1)) * (1 - 1e-12)
    if n_groups <= _EXACT_UP_TO:
        # Row b holds the binary digits of b: all choices of signs, (2ⁿ, n).
        bits = np.arange(2**n_groups)[:, None] >> np.arange(n_groups) & 1
        return np.asarray(np.mean(np.abs((1.0 - 2.0 * bits) @ sums.T) >= seen, axis=0))
    rng = np.random.default_rng(seed)
    at_once = max(1, _SIGNS_AT_ONCE // n_groups)
    as_far = np.zeros(n_tests, dtype=np.int64)
    for start in range(0, draws, at_once):
        shape = (min(at_once, draws - start), n_groups)
        signs = 1.0 - 2.0 * rng.integers(0, 2, size=shape, dtype=np.int8)
        as_far += np.count_nonzero(np.abs(signs @ sums.T) >= seen, axis=0)
    # The observed choice is one of the draws, so that p is never 0 (Phipson and Smyth 2010).
    return np.asarray((1 + as_far) / (1 + draws))


def compare(
    values: Mapping[str, NDArray[np.float64]],
    groups: ArrayLike | None = None,
    *,
    chosen: Sequence[tuple[str, str]] | None = None,
    seed: int = 0,
) -> list[Comparison]:
    """Compare systems with each other, by a measure of each query, and correct for how many (Holm 1979).

    ``values`` holds float (n,) for each system, of the same queries in one order; all pairs are compared, or
    those ``chosen`` beforehand. The one with the larger mean comes first.
    """
    pairs = []
    for one, other in combinations(values, 2) if chosen is None else chosen:
        better, worse = (one, other) if _mean(values[one]) >= _mean(values[other]) else (other, one)
        pairs.append((better, worse, values[better] - values[worse]))
    if not pairs:
        return []
    p = _randomised(np.array([difference for _, _, difference in pairs]), groups, DRAWS, seed)
    return [
        Comparison(better, worse, _mean(difference), *bootstrap_interval(difference, groups, seed=seed), a, b)
        for (better, worse, difference), a, b in zip(pairs, p.tolist(), holm(p).tolist(), strict=True)
    ]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
