"""The findings: which labels are commoner than chance among the cases that look like a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import SettingError
from ..statistics.fisher_exact import holm, share_interval, upper_tail
from .duplicate_groups import NO_COPIES, Copies
from .image_kind import OTHER_KIND

LEVEL = 0.05
"""The chance that any label at all is called a finding if labels have nothing to do with looks."""

UNLIKE = 0.02
"""Below this share of its own pictures a query is unlike anything: two of a hundred ordinary ones are."""

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
    p : the chance of ``found`` or more, were the matching cases drawn at random
        (``retrieval.statistics.fisher_exact``).
    adjusted : p after Holm's correction for all labels of the collection.
    low, high : the 95 % interval (Clopper and Pearson) of the share of the label among cases that look so.
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

    @property
    def share(self) -> float:
        """Return the share of the label among the matching cases."""
        return self.found / self.drawn

    @property
    def expected(self) -> float:
        """Return how many matching cases would carry it by chance."""
        return self.drawn * self.labelled / self.total

    @property
    def enrichment(self) -> float:
        """Return how many times commoner it is among the matching cases than in the collection."""
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
        share that is no larger than the query's, in [0, 1]; small if the query is unlike anything in the
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


def find_labels(matching: Sequence[Collection[str]], cases: Sequence[Collection[str]]) -> tuple[Finding, ...]:
    """Return the labels of the matching cases with their tests, the least probable first, then by name.

    Parameters
    ----------
    matching : the labels of each matching case.
    cases : the labels of each case that could have been found, the matching ones among them.

    Raises
    ------
    SettingError : a matching case is not among ``cases``, as far as the counts tell.
    """
    # A case counts once for each of its labels, however many of its pictures carry it.
    found = Counter(label for case in matching for label in set(case))
    there = Counter(label for case in cases for label in set(case))
    drawn, total = len(matching), len(cases)
    if drawn > total or any(n > there[label] for label, n in found.items()):
        raise SettingError("findings: a matching case is not among the cases that could be found")
    # All labels of the collection are tested, also those that no matching case has: Holm's correction is for
    # what could have been found, not for what was.
    labels = sorted(there)
    p = [upper_tail(found[label], drawn, there[label], total) for label in labels]
    rows = [
        Finding(
            name,
            found[name],
            drawn,
            there[name],
            total,
            value,
            float(adjusted),
            *share_interval(found[name], drawn),
        )
        for name, value, adjusted in zip(labels, p, holm(p), strict=True)
        if found[name]
    ]
    return tuple(sorted(rows, key=lambda row: (row.p, row.label)))
