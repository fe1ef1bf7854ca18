"""The findings: which labels are commoner than chance among the cases that look like a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SettingError
from ..statistics.fisher_exact import holm, share_interval, size_strata, stratified_upper_tails
from .duplicate_groups import NO_COPIES, Copies
from .image_kind import OTHER_KIND

LEVEL = 0.05
"""The chance that any label at all is called a finding if labels have nothing to do with looks."""

UNLIKE = 0.02
"""Below this share of its own pictures a query is unlike anything: at most two of a hundred new ones are."""

NOT_ENOUGH = "not enough evidence"
WITHHELD = "withheld"


@dataclass(frozen=True)
class Finding:
    """One label among the matching cases.

    Parameters
    ----------
    label : the label.
    found, drawn : number of matching cases that carry it, and of all matching cases.
    labelled, total : number of cases that carry it, and of all, among those that could have been found.
    p : the chance of ``found`` or more, were the matching cases drawn at random among cases of about as many
        images (``retrieval.statistics.fisher_exact``).
    adjusted : p after Holm's correction for all labels of the collection.
    low, high : the 95 % interval (Clopper and Pearson) of the share of the label among cases that look so.
    by_chance : how many matching cases would carry it, were they drawn so; None if all cases are alike.
    """

    label: str
    found: int
    drawn: int
    labelled: int
    total: int
    p: float
    adjusted: float
    low: float
    high: float
    by_chance: float | None = None

    @property
    def share(self) -> float:
        """Return the share of the label among the matching cases."""
        return self.found / self.drawn

    @property
    def expected(self) -> float:
        """Return how many matching cases would carry it by chance."""
        return self.drawn * self.labelled / self.total if self.by_chance is None else self.by_chance

    @property
    def enrichment(self) -> float:
        """Return how many times commoner it is among the matching cases than by chance."""
        return self.found / self.expected

    @property
    def is_significant(self) -> bool:
        """Tell whether it is more than chance, all labels considered."""
        return self.adjusted <= LEVEL


@dataclass(frozen=True)
class Findings:
    """The labels of the matching cases, the least probable first.

    Parameters
    ----------
    column : what makes a case: ``patient``, ``study``, …; ``id`` if each picture is one.
    drawn, total : matching cases, and all that could have been found; those with a label alone count.
    labels : each label that a matching case carries.
    unlike : of the nearest likenesses that the collection's own pictures have to those of other cases, the
        share that is no larger than the query's, in (0, 1]; small if the query is unlike anything in the
        index. None if it was not looked for, or the index has too few pictures.
    withheld : learned metrics and fusions that saw the labels, so that none is called a finding.
    kind : the share of the index's own images that are as unusual a kind of image; None if not known.
    copies : near-duplicates of other cases, counted once, and of the query, left out.
    """

    column: str
    drawn: int
    total: int
    labels: tuple[Finding, ...]
    unlike: float | None = None
    withheld: tuple[str, ...] = ()
    kind: float | None = None
    copies: Copies = NO_COPIES

    @property
    def significant(self) -> tuple[Finding, ...]:
        """Return the labels that are more than chance."""
        return () if self.withheld else tuple(one for one in self.labels if one.is_significant)

    def p_values(self, one: Finding) -> tuple[float, float] | tuple[None, None]:
        """Return p of a label and p corrected for all labels; None for both if they are withheld."""
        # A metric that saw the labels finds what it was taught: each p would be too small.
        return (None, None) if self.withheld else (one.p, one.adjusted)

    @property
    def is_unlike(self) -> bool:
        """Tell whether the query is unlike anything in the index."""
        return self.unlike is not None and self.unlike <= UNLIKE

    @property
    def is_another_kind(self) -> bool:
        """Tell whether the query is another kind of image than those in the index."""
        return self.kind is not None and self.kind <= OTHER_KIND

    @property
    def verdict(self) -> str:
        """Return the significant labels, with commas between them; or that there is not enough evidence."""
        if self.withheld:
            return WITHHELD
        return ", ".join(finding.label for finding in self.significant) or NOT_ENOUGH


def find_labels(
    matching: Sequence[Collection[str]],
    cases: Sequence[Collection[str]],
    matching_sizes: Sequence[int] | None = None,
    case_sizes: Sequence[int] | None = None,
) -> tuple[Finding, ...]:
    """Return the labels of the matching cases with their tests, the least probable first, then by name.

    A case of many images is found more easily, and carries more labels: cases are compared with those of
    about as many images (``size_strata``).

    Parameters
    ----------
    matching : the labels of each matching case.
    cases : the labels of each case that could have been found, the matching ones among them.
    matching_sizes, case_sizes : the number of images of each that could have been found; both or neither: all
        cases have as many then.

    Raises
    ------
    SettingError : a matching case is not among ``cases``, as far as the counts tell; or a case has no size.
    """
    drawn_strata, strata = _strata(matching_sizes, len(matching)), _strata(case_sizes, len(cases))
    # A case counts once for each of its labels, however many of its pictures carry it.
    found = Counter(label for case in matching for label in set(case))
    there = Counter(label for case in cases for label in set(case))
    drawn, totals = (
        np.bincount(part, minlength=max(strata, default=0) + 1) for part in (drawn_strata, strata)
    )
    if len(drawn) > len(totals) or (drawn > totals).any() or any(n > there[one] for one, n in found.items()):
        raise SettingError("findings: a matching case is not among the cases that could be found")
    # All labels of the collection are tested, also those that no matching case has: Holm's correction is for
    # what could have been found, not for what was.
    labels = sorted(there)
    number = {label: i for i, label in enumerate(labels)}
    labelled = np.zeros((len(labels), len(totals)), dtype=np.int64)
    for case, stratum in zip(cases, strata, strict=True):
        labelled[[number[label] for label in set(case)], stratum] += 1
    filled = totals > 0
    drawn, labelled, totals = drawn[filled], labelled[:, filled], totals[filled]
    p = stratified_upper_tails([found[label] for label in labels], drawn, labelled, totals)
    expected = labelled @ (drawn / totals)
    # Most labels were found once or twice, and SciPy takes milliseconds for each interval.
    intervals = {n: share_interval(n, len(matching)) for n in set(found.values())}
    rows = [
        Finding(
            name,
            found[name],
            len(matching),
            there[name],
            len(cases),
            float(value),
            float(adjusted),
            *intervals[found[name]],
            None if len(totals) == 1 else float(by_chance),
        )
        for name, value, adjusted, by_chance in zip(labels, p, holm(p), expected, strict=True)
        if found[name]
    ]
    return tuple(sorted(rows, key=lambda row: (row.p, row.label)))


def _strata(sizes: Sequence[int] | None, n: int) -> list[int]:
    """Return the stratum of each of n cases; one of all without sizes."""
    if sizes is None:
        return [0] * n
    if len(sizes) != n or min(sizes, default=1) < 1:
        raise SettingError(f"findings: sizes {list(sizes)[:5]} do not give each of {n} cases 1 image or more")
    return [int(one) for one in size_strata(sizes)]
