"""The options of an evaluation: by what is ranked, which images are queries, and what is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from ..answers.rule_names import FUSION_RULES
from ..errors import SettingError, check_switches
from ..metadata.label_table import LabelTable
from .protocols import PROTOCOLS
from .ranking_scores import CUTOFFS

FUSIONS = FUSION_RULES
"""What a fusion may be; see ``retrieval.answers.fusion.fuse``."""
NOBODY = "none"
"""As ``not_same``: leave nothing out but the query itself."""

_KINDS: Mapping[str, Any] = {
    **dict.fromkeys(("blind", "seed"), Integral),
    "depth": Integral | None,
    "label": str,
    **dict.fromkeys(("hierarchy", "not_same", "where", "protocol"), str | None),
}
_CALLED: Mapping[Any, str] = {
    Integral: "a whole number",
    Integral | None: "a whole number",
    str: "text",
    str | None: "text",
}


@dataclass(frozen=True)
class EvaluationOptions:
    """What is measured, and on what.

    Parameters
    ----------
    by : ways of ranking: each a representation, or several joined by a comma of which only the fusion is
        measured. If several are given alone, their fusion is measured too. None given: all of the index.
    fusion : rules of fusion; see ``retrieval.answers.fusion``. The weights of ``learnt`` come from the
        queries of other groups than the query's own.
    labels : takes the place of the labels and columns in the index, by image or file.
    label : the column that says what is right.
    hierarchy, depth : of codes in levels; see ``Judgements``.
    not_same : the column of which the query's own value is left out of its answers; the first of
        ``patient``, ``group``, ``study``, ``series`` and ``slide`` that there is if None; ``none`` for
        nothing.
    queries : ids of images; ``split``: those whose column ``split`` says ``test``, and only those that say
        ``train`` are found. None: every image that has a label.
    where : a condition that images must meet to be found.
    protocol : a published one, ``medmnist``, ``denner`` or ``irma``, takes the place of the standard
        measures, and of ``queries`` if the images have a column ``split``.
    cutoffs : of the standard measures.
    baselines : measure a random order, a thumbnail and a colour histogram too.
    blind : number of first hits that count as liked in a second measurement of each system, 0 for none; see
        ``retrieval.index.QueryOptions``.
    has_leaks : look for near-duplicates; without that each group is resampled by itself, and copies vote.
    seed : of all that is random.

    Raises
    ------
    SettingError : a value that makes no sense.
    """

    by: Sequence[str] = ()
    fusion: Sequence[str] = FUSIONS
    labels: LabelTable | None = None
    label: str = "label"
    hierarchy: str | None = None
    depth: int | None = None
    not_same: str | None = None
    queries: Sequence[str] | str | None = None
    where: str | None = None
    protocol: str | None = None
    cutoffs: tuple[int, ...] = CUTOFFS
    blind: int = 0
    baselines: bool = True
    has_leaks: bool = True
    seed: int = field(default=0)

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            # Else the error would come from within, and name no option.
            if not isinstance(value, kind) or isinstance(value, bool):
                raise SettingError(f"{name}: {value!r} will not do; give {_CALLED[kind]}")
        check_switches({"baselines": self.baselines, "has_leaks": self.has_leaks})
        cutoffs: Any = self.cutoffs
        is_several = isinstance(cutoffs, Iterable) and not isinstance(cutoffs, str)
        if not is_several or not all(isinstance(one, Integral) and int(one) > 0 for one in cutoffs):
            raise SettingError(f"cutoffs: {cutoffs!r} will not do; give whole numbers of at least 1")
        if self.protocol is not None and tuple(self.cutoffs) != CUTOFFS:
            raise SettingError(f"cutoffs: {self.protocol} has measures of its own; leave it out")
        if self.blind < 0:
            raise SettingError(f"blind: {self.blind} hits; give 0 or more")
        if self.seed < 0:
            raise SettingError(f"seed: {self.seed} is below 0; give 0 or more")
        for how in self.fusion:
            if how not in FUSIONS:
                raise SettingError(f"fusion: {how!r} is unknown; give some of {', '.join(FUSIONS)}")
        if self.protocol is not None and self.protocol not in PROTOCOLS:
            raise SettingError(f"protocol: {self.protocol!r} is unknown; one of {', '.join(PROTOCOLS)}")
        if isinstance(self.queries, str) and self.queries != "split":
            raise SettingError(f"queries: {self.queries!r}; give ids of images, or split")
