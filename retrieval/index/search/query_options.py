"""Query options: which images may be found, and how they are ranked, each option written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ...answers.rule_names import FUSION_RULES, VolumeRule
from ...errors import SettingError

if TYPE_CHECKING:
    from ...picture import Picture
    from ...region import Region

QueryImage: TypeAlias = "Picture | str"
"""An image, or the name of an indexed one."""


@dataclass(frozen=True)
class QueryOptions:
    """The conditions of a query. The command line prints the first sentence of each as the help of its flag.

    Parameters
    ----------
    by : representation; several are fused. If none is named those of the index answer: a learnt metric in the
        place of its base if its trial showed a gain, none whose trial showed a loss, and no profile; of a
        region those that say where it is.
    k : how many images. Fewer if the index, or what the conditions leave of it, is smaller.
    region : the part of the query that is searched for. In its pixels.
    among : names of the only images that may be found.
    where : rank only images whose metadata fit an expression. See ``retrieval.metadata.filter``.
    not_same : leave out what shares the query's patient, study, …. Any column will do; an indexed query
        itself is left out too.
    group_by : best image of each patient, study, series, or column. Each value is a case, and a hit is the
        best image of a case; ``k`` cases are found if there are as many.
    include_self : leave an indexed query itself in its answer.
    fusion : rrf: reciprocal ranks; z: deviations; sum: 0 to 1; learnt: sum, weighted by `semblance
        learn-fusion`. None: rrf of a region; else learnt, if the index has weights for just these
        representations that were not behind fusion without them in their trial; else z, or rrf in indexes
        that earlier versions made. Deviations and range are those of a fixed sample of the index. See
        ``retrieval.answers.fusion``.
    adjust : settings of representations that change queries alone. For this query.
    case_by : score of a case: best, mean-3 (any number), rank-weighted. See ``retrieval.answers.grouping``.
    collapse : keep the best of slices of a stack this near to each other. In mm; 0 keeps all. None: 10 if
        cases are ranked by more than their best image, else 0.
    like : move the query towards this image of the index. See ``retrieval.answers.relevance_feedback``.
    unlike : move the query away from, and do not show, this image of the index.
    concept : move the query along a learnt concept, NAME or NAME=WEIGHT. The weight is 1 by default, below 0
        away from it; see ``retrieval.index.search.concepts``.
    blind : count the first N hits as liked, and rank again. They are those of the fused ranking, so that what
        the representations agree on moves each of them.
    smooth : move the score of each of the best images towards those of the N that are most like it. By each
        representation, before fusion; 0 for none. See ``retrieval.answers.smoothing``.
    volume_by : maxsim: mean of each slice's best match; votes: ranks of the case for each slice. Of a query
        of several slices; see ``retrieval.answers.late_interaction``.

    Raises
    ------
    SettingError : a value that makes no sense.
    """

    by: Sequence[str] = ()
    k: int = 10
    region: Region | None = None
    among: Collection[str] | None = None
    where: str | None = None
    not_same: str | None = None
    group_by: str | None = None
    include_self: bool = True
    fusion: str | None = None
    adjust: Mapping[str, Any] | None = None
    case_by: str = "best"
    collapse: float | None = None
    like: Sequence[str] = ()
    unlike: Sequence[str] = ()
    concept: Sequence[str] = ()
    blind: int = 0
    smooth: int = 0
    volume_by: VolumeRule = "maxsim"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise SettingError(f"k: {self.k} is below 1; ask for at least one image")
        if self.blind < 0:
            raise SettingError(f"blind: {self.blind} hits; give 0 or more")
        if self.smooth < 0:
            raise SettingError(f"smooth: {self.smooth} neighbours; give 0 or more")
        if len(set(self.by)) != len(self.by):
            raise SettingError(f"by: {', '.join(self.by)}; name each representation once")
        if self.fusion is not None and self.fusion not in FUSION_RULES:
            raise SettingError(f"fusion: {self.fusion!r} is unknown; use one of {', '.join(FUSION_RULES)}")
        if self.collapse is not None and not 0 <= self.collapse < float("inf"):
            raise SettingError(f"collapse: {self.collapse} mm; give a number of at least 0")
        if both := set(self.like) & set(self.unlike):
            raise SettingError(f"like: {min(both)} is in unlike too; choose one")
        self._check_case_rule()

    def refuse_others(self, *taken: str, because: str) -> None:
        """Raise SettingError if an option is set that is none of those that are taken."""
        for option in fields(self):
            value = getattr(self, option.name)
            # An empty list is no option that is set, where the default is an empty tuple.
            is_set = value != option.default and bool(value or option.default)
            if option.name not in taken and is_set:
                raise SettingError(f"{option.name}: {because}; leave it out")

    def _check_case_rule(self) -> None:
        if self.case_by == "best":
            return
        # The module compiles its kernels; help and completion, which read this one, must not wait for that.
        from ...answers.grouping import CaseRule

        CaseRule(self.case_by)
        if self.group_by is None:
            raise SettingError(
                f"case_by: {self.case_by} needs cases; say what makes one with group_by (--group-by)"
            )


def chosen_options(options: QueryOptions | None, changes: Mapping[str, Any]) -> QueryOptions:
    """Return options with those changed that were given as keywords."""
    return replace(options or QueryOptions(), **changes)


def option_help(name: str) -> str:
    """Return what the docstring of ``QueryOptions`` first says of a field, for the help of its flag."""
    # getdoc takes the indentation away, which the compiler itself does since Python 3.13.
    text = str(inspect.getdoc(QueryOptions))
    found = re.search(rf"^{name} : (.+?)\.(?:\s|$)", text, re.MULTILINE | re.DOTALL)
    return "" if found is None else " ".join(found[1].split())
