"""The query of several slices: a series or a volume is asked as one, and cases answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...answers.grouping import Case
from ...answers.late_interaction import Alignment, spread
from ...errors import SettingError
from ...picture import Picture
from ...ranker import Ranking
from ..storage.snapshot import Snapshot
from .query import allowed, hits, ranked, representations
from .query_options import Hit, QueryOptions

_SHOWN = 5


def answer_volume(snapshot: Snapshot, slices: Sequence[Picture | str], terms: QueryOptions) -> list[Hit]:
    """Rank the cases of a snapshot by late interaction with the slices of a query.

    At most 32 slices ask, evenly spread. Each hit is the picture of a case that is most like any slice; its
    ``case`` says for each slice which picture of the case matches it best.
    """
    _check(slices, terms)
    terms = replace(terms, group_by=terms.group_by or "series")
    column = str(terms.group_by)
    chosen = [slices[int(number)] for number in spread(len(slices))]
    names, mask = representations(snapshot, terms), allowed(snapshot, slices[0], terms)
    if not terms.include_self or terms.not_same is not None:
        mask = np.ones(len(snapshot), dtype=bool) if mask is None else mask
        mask[[snapshot.position(name) for name in slices if isinstance(name, str)]] = False
    together = Alignment(snapshot.places.cases(column), terms.volume_by)
    for one in chosen:
        together.add(ranked(snapshot, names, one, None, terms, len(snapshot), mask))
    numbers, scores, best = together.ranking()
    sizes = _sizes(snapshot, column, mask)
    cases = [
        _case(snapshot, column, together.matches(int(number)), chosen, int(position), int(sizes[number]))
        for number, position in zip(numbers[: terms.k], best[: terms.k], strict=True)
    ]
    return hits(snapshot, Ranking(best, scores), terms.k, cases)


def _case(
    snapshot: Snapshot,
    column: str,
    matches: Sequence[tuple[int, float]],
    slices: Sequence[Picture | str],
    best: int,
    n: int,
) -> Case:
    pairs = [
        (one if isinstance(one, str) else one.id, snapshot.names[id], score)
        for one, (id, score) in zip(slices, matches, strict=True)
        if id >= 0
    ]
    found: dict[str, float] = {}
    for _, id, score in sorted(pairs, key=lambda pair: -pair[2]):
        found.setdefault(id, score)
    value = snapshot.places.value(column, best)
    return Case(column, value, tuple(found.items())[:_SHOWN], n, tuple(pairs))


def _sizes(snapshot: Snapshot, column: str, mask: np.ndarray | None) -> np.ndarray:
    numbers = snapshot.places.cases(column)
    return np.bincount(numbers if mask is None else numbers[mask], minlength=int(numbers.max(initial=0)) + 1)


def _check(slices: Sequence[Picture | str], terms: QueryOptions) -> None:
    if not slices:
        raise SettingError("slices: there is none; give the pictures of a series or a volume")
    if terms.blind:
        raise SettingError("blind: a volume cannot be refined by its first hits; leave it out")
    if terms.region is not None:
        raise SettingError(
            "region: a box is a part of one picture; ask with a single slice, or without a region"
        )
    if terms.adjust and any(isinstance(one, str) for one in slices):
        raise SettingError("adjust: stored vectors cannot be changed; ask with the files of the volume")
    if terms.case_by != "best" or terms.collapse:
        raise SettingError(
            "case_by: a volume's slices are aligned, so that rules for single pictures do not apply"
        )
