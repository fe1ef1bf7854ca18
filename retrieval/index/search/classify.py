"""Classification by an index: its labelled images vote, and tell how often such votes are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...answers.knn import FEWEST, UNSURE, Calibration, Classification, calibrate
from ...errors import SettingError
from ...ranker import Ids
from ..storage.near_duplicates import near_duplicates
from ..storage.snapshot import Snapshot
from .candidates import Mask, candidate_mask, condition_holds
from .electorate import Electorate
from .encode_query import encode_query
from .fusion import fusion_rule
from .group_cases import case_column
from .held_out import hold_out, without_folds
from .metric_folds import can_be_asked, unknown_to
from .novelty import kind_percentile, likeness_percentile
from .query_options import QueryImage, QueryOptions

_MOST_RANKED = 20_000_000
"""Vectors that may be compared to learn the confidence, so that a first answer takes seconds in any index."""

_MOST, _FEWEST = 500, 100
"""Images that the confidence is learnt from: at most, and in a large index."""

_TAKEN = ("by", "k", "where", "not_same", "among", "fusion", "include_self")


def classify(
    snapshot: Snapshot,
    query: QueryImage,
    options: QueryOptions,
    label_of: str = "label",
    unsure: float = UNSURE,
) -> Classification:
    """Name an image after the ``options.k`` labelled images that look most like it.

    The confidence is learnt from up to 500 labelled images of the index, each a query without its own case:
    what shares a value of ``options.not_same``, else of what ``case_column`` finds.

    Parameters
    ----------
    query : an image, or the name of an indexed one, which never votes for itself.
    options : ``by``, ``k``, ``where``, ``not_same``, ``among`` and ``fusion`` count.
    label_of : the column whose values are the labels.
    unsure : the least confidence of an answer, in [0, 1]; 0: always answer.

    Raises
    ------
    SettingError : no image that may vote has a label, or options that make no sense here.
    """
    _check(options, unsure)
    electorate = Electorate.of(snapshot, label_of)
    # By what learned metrics learnt without the query: its label must not confirm itself.
    encoded = hold_out(snapshot, query, encode_query(snapshot, query, options), options)
    voters = _voters(electorate, query, options)
    nearest = electorate.nearest(query, encoded, voters, options, options.not_same)
    votes = nearest.votes(options.k)
    case = options.not_same or case_column(snapshot)
    calibration = _calibration(electorate, [one.name for one in encoded], case, options)
    # A metric that keeps no folds has seen the labels that its confidence would be learnt from.
    names = [one.name for one in encoded]
    withheld = without_folds(snapshot, names, options) if label_of == "label" else ()
    withheld += unknown_to(snapshot, query, names) if label_of == "label" else ()
    confidence = None if withheld else _confidence(votes, calibration)
    unlike = likeness_percentile(snapshot, query, encoded, options, case)
    kind = kind_percentile(snapshot, [query], options, case)
    copies = nearest.hits.copies(snapshot)
    return Classification(
        votes, confidence, unsure, unlike, calibration.n, nearest.neighbours(), withheld, kind, copies
    )


def _check(options: QueryOptions, unsure: float) -> None:
    if not 0 <= unsure <= 1:
        raise SettingError(f"unsure: {unsure}; give a probability, from 0 to 1")
    options.refuse_others(*_TAKEN, because="whole images are classified, as they are")


def _confidence(votes: dict[str, float], calibration: Calibration) -> float | None:
    """Return how often a label with such a share is right; None without a vote, or if too few images tell."""
    if not votes or calibration.n < FEWEST:
        return None
    # A share of votes is no probability: of two classes, 60 % may be right 55 or 95 times in 100.
    return float(calibration.confidence(next(iter(votes.values()))))


def _voters(electorate: Electorate, query: QueryImage, options: QueryOptions) -> Mask:
    mask = candidate_mask(electorate.snapshot, query, replace(options, include_self=False))
    voters = electorate.labelled if mask is None else mask & electorate.labelled
    if not voters.any():
        remedy = "index with --labels, or name another column (--label-of)"
        if electorate.labelled.any():
            remedy = "others have, which conditions (where, not_same, among) leave out"
        raise SettingError(f"label_of: no image that may vote has a value of {electorate.column!r}; {remedy}")
    return voters


def _calibration(
    electorate: Electorate, names: Sequence[str], case: str, options: QueryOptions
) -> Calibration:
    """Return how often such votes are right, learnt once for each commit of the index."""
    # All that the learnt confidence depends on; `among` is left out, which is of one query.
    rule = fusion_rule(electorate.snapshot, names, options)
    key = ("calibration", electorate.column, case, options.where or "", rule, str(options.k))
    return electorate.snapshot.cached((*key, *names), lambda: _calibrate(electorate, names, case, options))


def _calibrate(electorate: Electorate, names: Sequence[str], case: str, options: QueryOptions) -> Calibration:
    """Learn how often votes are right from images of the index, each without the votes of its own case."""
    snapshot, voters = electorate.snapshot, electorate.labelled
    if options.where is not None:
        voters = voters & condition_holds(snapshot, options.where)
    cases = snapshot.stack_positions.independent_cases(case)
    shares, right = [], []
    # As the query is asked: its own case has no vote, so that no image is recognised by its neighbours.
    for position in _sample(snapshot, names, voters).tolist():
        others = voters & (cases != cases[position])
        if not others.any():
            continue
        name = snapshot.names[position]
        encoded = hold_out(snapshot, name, encode_query(snapshot, name, options), options)
        # Its copy under another name would recognise it, and so would that patient's other images.
        votes = electorate.nearest(name, encoded, others, options, case).votes(options.k)
        best = next(iter(votes), None)
        if best is not None:
            shares.append(votes[best])
            right.append(best in electorate.labels[position])
    return calibrate(shares, right)


def _sample(snapshot: Snapshot, names: Sequence[str], voters: Mask) -> Ids:
    """Return positions of images that may ask: the larger the index, the fewer, so that it is quick."""
    # Only images that every representation has encoded: an interrupted update may have left some out. Those
    # that changed since a metric was learnt would ask by the labels that they gave.
    able = np.flatnonzero(voters & can_be_asked(snapshot, names))
    for name in names:
        able = np.intersect1d(able, snapshot.ranker(name).ids())
    n = int(np.clip(_MOST_RANKED // max(len(snapshot), 1), _FEWEST, _MOST))
    drawn = np.random.default_rng(0).permutation(able)[:n]
    # An image that is there three times asks once.
    copies = {pair.other for pair in near_duplicates(snapshot).pairs(drawn.tolist())}
    return np.array([one for one in drawn.tolist() if one not in copies], dtype=np.int64)
