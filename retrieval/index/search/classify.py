"""Classification by an index: its labelled pictures vote, and tell how often such votes are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from ...answers.knn import FEWEST, UNSURE, Calibration, Classification, Neighbour, calibrate, vote
from ...errors import SettingError
from ...picture import Picture, Value
from ...ranker import Ids
from ..storage.snapshot import Snapshot
from .group_cases import case_column
from .novelty import likeness_percentile
from .query import Mask, allowed, condition_holds, ranked, representations
from .query_options import QueryOptions

_WORK = 20_000_000
_MOST, _LEAST = 500, 100
"""Pictures that the confidence is learnt from: at most, and in a large index."""

_TAKEN = ("by", "k", "where", "not_same", "among", "fusion", "include_self")

Labels = Sequence[tuple[str, ...]]


def classify(
    snapshot: Snapshot,
    query: Picture | str,
    terms: QueryOptions,
    label_of: str = "label",
    unsure: float = UNSURE,
) -> Classification:
    """Say what a picture is called after the ``terms.k`` labelled pictures that look most like it.

    The confidence is learnt from up to 500 labelled pictures of the index, each asked with its own case left
    out: what shares a value of ``terms.not_same``, else of what ``case_column`` finds.

    Parameters
    ----------
    query : a picture, or the name of an indexed one, which never votes for itself.
    terms : ``by``, ``k``, ``where``, ``not_same``, ``among`` and ``fusion`` count.
    label_of : the column whose values are the labels.
    unsure : the least confidence of an answer, in [0, 1]; 0: always answer.

    Raises
    ------
    SettingError : no picture that may vote has a label, or terms that make no sense here.
    """
    _check(terms, unsure)
    labels = _labels(snapshot, label_of)
    names = representations(snapshot, terms)
    has_label = np.array([bool(own) for own in labels], dtype=np.bool_)
    mask = allowed(snapshot, query, replace(terms, include_self=False))
    voters = has_label if mask is None else mask & has_label
    if not voters.any():
        raise SettingError(
            f"label_of: no picture that may vote has a value of {label_of!r}; index with --labels, or name "
            "another column (--label-of)"
        )
    case = terms.not_same or case_column(snapshot)
    votes, neighbours = _asked(snapshot, names, query, terms, voters, labels)
    calibration = _calibration(snapshot, names, terms, label_of, case, labels)
    confidence = None
    if votes and calibration.n >= FEWEST:
        confidence = float(calibration.confidence(next(iter(votes.values()))))
    unlike = likeness_percentile(snapshot, query, None, terms, case)
    return Classification(votes, confidence, unsure, unlike, calibration.n, neighbours)


def _check(terms: QueryOptions, unsure: float) -> None:
    if not 0 <= unsure <= 1:
        raise SettingError(f"unsure: {unsure}; give a probability, from 0 to 1")
    plain = QueryOptions()
    for field in fields(QueryOptions):
        if field.name not in _TAKEN and getattr(terms, field.name) != getattr(plain, field.name):
            raise SettingError(f"{field.name}: whole pictures are classified, as they are; leave it out")


def _labels(snapshot: Snapshot, column: str) -> Labels:
    return [tuple(_text(value) for value in cell) for cell in snapshot.columns.values(column)]


def _text(value: Value) -> str:
    """Spell a value as its table did: a whole number without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _asked(
    snapshot: Snapshot,
    names: Sequence[str],
    query: Picture | str,
    terms: QueryOptions,
    voters: Mask,
    labels: Labels,
) -> tuple[dict[str, float], tuple[Neighbour, ...]]:
    """Return the votes for a query, and who cast them."""
    ranking = ranked(snapshot, names, query, None, terms, terms.k, voters)
    ids, scores = ranking.ids[: terms.k].tolist(), ranking.scores[: terms.k]
    own = [labels[position] for position in ids]
    found = zip(ids, scores.tolist(), own, strict=True)
    neighbours = tuple(
        Neighbour(snapshot.names[position], rank, score, mine)
        for rank, (position, score, mine) in enumerate(found, start=1)
    )
    return vote(own, scores, terms.k), neighbours


def _calibration(
    snapshot: Snapshot, names: Sequence[str], terms: QueryOptions, label_of: str, case: str, labels: Labels
) -> Calibration:
    key = ("calibration", label_of, case, terms.where or "", terms.fusion, str(terms.k), *names)
    if key not in snapshot.kept:
        snapshot.kept[key] = _calibrated(snapshot, names, terms, case, labels)
    found: Calibration = snapshot.kept[key]
    return found


def _calibrated(
    snapshot: Snapshot, names: Sequence[str], terms: QueryOptions, case: str, labels: Labels
) -> Calibration:
    """Learn how often votes are right from pictures of the index, each without the votes of its own case."""
    voters = np.array([bool(own) for own in labels], dtype=np.bool_)
    if terms.where is not None:
        voters &= condition_holds(snapshot, terms.where)
    cases = snapshot.places.cases(case)
    shares, right = [], []
    for position in _sample(snapshot, names, voters).tolist():
        others = voters & (cases != cases[position])
        if not others.any():
            continue
        votes, _ = _asked(snapshot, names, snapshot.names[position], terms, others, labels)
        best = next(iter(votes), None)
        if best is not None:
            shares.append(votes[best])
            right.append(best in labels[position])
    return calibrate(shares, right)


def _sample(snapshot: Snapshot, names: Sequence[str], voters: Mask) -> Ids:
    """Return positions of pictures that may ask: the larger the index, the fewer, so that it is quick."""
    able = np.flatnonzero(voters)
    for name in names:
        able = np.intersect1d(able, snapshot.ranker(name).ids())
    n = int(np.clip(_WORK // max(len(snapshot), 1), _LEAST, _MOST))
    return np.asarray(np.random.default_rng(0).permutation(able)[:n], dtype=np.int64)
