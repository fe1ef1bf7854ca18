"""The terms of a query and what comes of it: conditions on one side, hits on the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from ...answers.fusion import Vote
from ...answers.grouping import Case, CaseRule
from ...answers.late_interaction import How
from ...errors import SettingError
from ...region import Region


@dataclass(frozen=True)
class Hit:
    """One row of an answer: the picture, its score, its rank from 1, the matched box if known, its groups.

    ``box`` is (row, col, height, width) in pixels. ``case`` says of a grouped answer what the picture is the
    best of, and the score is then the case's. ``proof`` is how many local matches within the box agree in
    space; None where no box is known. ``votes`` says of a fused answer how each representation voted.
    """

    id: str
    score: float
    rank: int
    box: tuple[float, float, float, float] | None = None
    group: Mapping[str, str] = field(default_factory=dict)
    case: Case | None = None
    proof: int | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)


class QueryKeywords(TypedDict, total=False):
    """The keywords of ``Index.query``: those of ``QueryOptions``."""

    by: Sequence[str]
    k: int
    region: Region | None
    among: Collection[str] | None
    where: str | None
    not_same: str | None
    group_by: str | None
    include_self: bool
    fusion: str
    adjust: Mapping[str, Any] | None
    case_by: str
    collapse: float | None
    like: Sequence[str]
    unlike: Sequence[str]
    blind: int
    volume_by: How


@dataclass(frozen=True)
class QueryOptions:
    """The conditions of a query.

    Parameters
    ----------
    by : representations; several are fused, none stands for all of the index.
    k : how many hits; fewer where the index, or what the conditions leave of it, is smaller.
    region : the part of the query, in its pixels, that is looked for.
    among : names of the only pictures that may be found.
    where : a condition that they must meet; see ``retrieval.metadata.filter``.
    not_same : ``series``, ``study``, ``patient`` or any other column: pictures that share a value with the
        query are left out, and the query itself.
    group_by : a column: each value is a case, and a hit is the best picture of a case; k cases are found
        where there are k.
    include_self : leave an indexed query itself in its answer.
    fusion : ``rrf``, ``sum`` or ``learnt``; see ``retrieval.answers.fusion``. The weights of ``learnt`` are
        those that ``learn_fusion`` left in the index for just these representations.
    adjust : settings of representations that change queries alone, for this one.
    case_by : how the scores of a case's pictures become one; see ``retrieval.answers.grouping``.
    collapse : millimetres: of slices of a stack that lie so near to each other, only the best is kept. None:
        10 where cases are ranked by more than their best picture, else 0, which keeps all.
    like, unlike : names of pictures that the query is moved towards, or away from; see
        ``retrieval.answers.relevance_feedback``. What is in ``unlike`` is not found any more.
    blind : so many of the first hits count as liked, and the query is asked again (blind relevance
        feedback): what the fused representations agree on moves each of them.
    volume_by : of a query of several slices; see ``retrieval.answers.late_interaction``.

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
    fusion: str = "rrf"
    adjust: Mapping[str, Any] | None = None
    case_by: str = "best"
    collapse: float | None = None
    like: Sequence[str] = ()
    unlike: Sequence[str] = ()
    blind: int = 0
    volume_by: How = "maxsim"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise SettingError(f"k: {self.k} is below 1; ask for at least one picture")
        if self.blind < 0:
            raise SettingError(f"blind: {self.blind} hits; give 0 or more")
        if len(set(self.by)) != len(self.by):
            raise SettingError(f"by: {', '.join(self.by)}; name each representation once")
        if self.collapse is not None and not 0 <= self.collapse < float("inf"):
            raise SettingError(f"collapse: {self.collapse} mm; give a number of at least 0")
        if both := set(self.like) & set(self.unlike):
            raise SettingError(f"like: {min(both)} is in unlike too; choose one")
        CaseRule(self.case_by)
        if self.case_by != "best" and self.group_by is None:
            raise SettingError(
                f"case_by: {self.case_by} needs cases; say what makes one with group_by (--group-by)"
            )
