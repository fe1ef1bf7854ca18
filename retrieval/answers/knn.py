"""Classification: the label that the nearest labelled pictures vote for, and its confidence.

A share of votes is no probability. ``calibrate`` learns from pictures whose labels are known how often the
label with such a share was right; ``benchmarks/quality/classify.py`` chose how votes weigh and what is
learnt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .duplicate_groups import NO_COPIES, Copies
from .enrichment import UNLIKE
from .image_kind import OTHER_KIND

UNSURE = 0.5
"""Below this confidence an answer is likelier to be wrong than right."""

FEWEST = 20
"""Minimum number of pictures from which it can be learnt how often a share is right."""

_CLIP = 0.02
"""Shares are kept this far from 0 and 1, whose log odds are infinite."""

_STEPS = 100


@dataclass(frozen=True)
class Neighbour:
    """A labelled picture that votes: its name, its rank from 1, its score, and its labels."""

    id: str
    rank: int
    score: float
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Classification:
    """What a picture is called after the pictures that look like it.

    Parameters
    ----------
    votes : the share of each label, most first; see ``vote``. Empty if nothing is alike at all.
    confidence : how often an answer of such a share is right, in [0, 1]; None if ``calibrated_on`` pictures
        are too few.
    unsure : below this confidence there is no label.
    unlike : as in ``retrieval.answers.enrichment.Findings``; None if the index has too few pictures.
    calibrated_on : pictures of known labels that the confidence was learnt from.
    neighbours : who voted, nearest first.
    withheld : learned metrics and fusions that saw the labels which the confidence would be learnt from; then
        it is None.
    kind : the share of the index's own images that are as unusual a kind of image; None if not known.
    copies : near-duplicates that vote once, and those of the query, which have no vote.
    """

    votes: Mapping[str, float]
    confidence: float | None
    unsure: float = UNSURE
    unlike: float | None = None
    calibrated_on: int = 0
    neighbours: tuple[Neighbour, ...] = field(default=())
    withheld: tuple[str, ...] = ()
    kind: float | None = None
    copies: Copies = NO_COPIES

    @property
    def best(self) -> str | None:
        """Return the label with the most votes, however few; None if there is no vote."""
        return next(iter(self.votes), None)

    @property
    def is_another_kind(self) -> bool:
        """Tell whether the query is another kind of image than those in the index."""
        return self.kind is not None and self.kind <= OTHER_KIND

    @property
    def doubt(self) -> str | None:
        """Return why there is no label, in a few words; None if there is one."""
        if not self.votes:
            return "nothing alike"
        if self.unlike is not None and self.unlike <= UNLIKE:
            return "unlike anything"
        if self.is_another_kind:
            return "another kind of image"
        if self.unsure <= 0:
            return None
        if self.withheld:
            return f"{'fusion' if self.withheld[0].startswith('fusion') else 'metric'} knows the labels"
        if self.confidence is None:
            return "too few labels"
        return "unsure" if self.confidence < self.unsure else None

    @property
    def label(self) -> str | None:
        """Return the label, or None for "don't know"."""
        return self.best if self.doubt is None else None


def vote(labels: Sequence[Collection[str]], scores: ArrayLike, k: int = 10) -> dict[str, float]:
    """Return what share of the votes each label gets from the first k pictures of a ranking, most first.

    The vote of the picture at rank r weighs 1 / r, and nothing behind rank k. Pictures of one score get the
    mean weight of their ranks, those behind k included, so that the names of files decide nothing; a score of
    0 has no vote: if nothing is shared, the order means nothing. A picture of several labels votes for each
    of them, so that shares may sum to more than 1; one without labels is passed over.

    Parameters
    ----------
    labels : of each picture, best first, (n,).
    scores : never rising, (n,).
    k : number of pictures with labels that vote; all if there are fewer.

    Returns
    -------
    Label to share in (0, 1], of equal shares the one with the better first voter, then by name. Empty if
    nobody votes.

    Raises
    ------
    ValueError : k below 1, or another number of scores than of labels.
    """
    values = np.asarray(scores, dtype=np.float64)
    if k < 1 or values.shape != (len(labels),):
        raise ValueError(f"vote: {len(labels)} labels, scores {values.shape}, k {k}; a score each, k > 0")
    # Pictures without labels take no rank: the first labelled one weighs 1, wherever it is.
    voters = [i for i, own in enumerate(labels) if own]
    weights = _weights(values[voters], k).tolist()
    total = sum(weights)  # in the order in which labels gather theirs, so that no share is above 1
    if total == 0:
        return {}
    gathered: dict[str, float] = {}
    first: dict[str, float] = {}  # the score of the best picture that votes for a label
    for i, weight in zip(voters, weights, strict=True):
        for label in sorted(set(labels[i])) if weight else ():
            gathered[label] = gathered.get(label, 0.0) + weight
            first.setdefault(label, float(values[i]))
    # Rounded, because sums of 1/r that are equal on paper differ in their last bits by the order of adding.
    shares = {label: weight / total for label, weight in gathered.items()}
    return dict(sorted(shares.items(), key=lambda item: (-round(item[1], 12), -first[item[0]], item[0])))


def _weights(scores: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return 1 / rank, 0 behind rank k, the mean of it where scores are equal, and 0 if they are 0; (n,)."""
    _, level = np.unique(scores, return_inverse=True)  # the same number for the same score
    alone = np.zeros(len(scores))
    alone[:k] = 1.0 / np.arange(1, min(k, len(scores)) + 1)
    means = np.bincount(level, alone) / np.maximum(np.bincount(level), 1)
    return np.asarray(np.where(scores == 0, 0.0, means[level]), dtype=np.float64)


def n_voting(scores: NDArray[np.floating], k: int) -> int:
    """Return how many of the first pictures may vote: k, and all behind that have the score of the k-th."""
    return int(np.count_nonzero(scores >= scores[k - 1])) if len(scores) > k else len(scores)


@dataclass(frozen=True)
class Calibration:
    """How often a share of votes is right: 1 / (1 + exp(−(slope · log odds of the share + intercept))).

    Learnt from ``n`` pictures. A slope of 1 and an intercept of 0 take shares for what they are.
    """

    slope: float = 1.0
    intercept: float = 0.0
    n: int = 0

    def confidence(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of being right, float64 in (0, 1), of each share; it never falls with it."""
        return _sigmoid(self.slope * _log_odds(shares) + self.intercept)


def calibrate(shares: ArrayLike, right: ArrayLike) -> Calibration:
    """Learn how often the label with the most votes is right, by the share that it had.

    Logistic regression on the log odds of the share, with Platt's targets, (n₊ + 1) / (n₊ + 2) and
    1 / (n₋ + 2), so that a few pictures never make an answer certain (Platt 1999, section 2.2). A slope below
    0 (larger shares are less often right) is taken as 0.

    Parameters
    ----------
    shares : in [0, 1], (n,): of pictures whose own group had no vote.
    right : bool (n,). Of no pictures nothing is learnt: slope 1, intercept 0.

    Raises
    ------
    ValueError : shapes that do not fit.
    """
    x, flags = _log_odds(shares), np.asarray(right, dtype=np.bool_)
    if x.shape != flags.shape or x.ndim != 1:
        raise ValueError(f"calibrate: shares {x.shape} for right {flags.shape}; give one each, (n,)")
    n_right, n = np.count_nonzero(flags), len(flags)
    if n == 0:
        return Calibration()
    target = np.where(flags, (n_right + 1) / (n_right + 2), 1 / (n - n_right + 2))
    slope, intercept = _logistic(np.stack([x, np.ones(n)], axis=1), target)
    # A confidence that falls with the share of votes would be noise: then all that is known is how many of
    # the answers are right, whatever their share.
    if slope < 0:
        slope, intercept = 0.0, float(np.log(target.mean() / (1 - target.mean())))
    return Calibration(slope, intercept, n)


def _logistic(design: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Return the two coefficients of least log loss, by Newton's method with steps halved until they help."""
    at = np.array([1.0, 0.0])
    loss = _loss(design, target, at)
    for _ in range(_STEPS):
        # Newton's step H⁻¹g: gradient g = Xᵀ(t − p), curvature H = Xᵀ diag(p(1 − p)) X.
        p = _sigmoid(design @ at)
        slope = design.T @ (target - p)
        curvature = (design * (p * (1 - p))[:, None]).T @ design
        step = np.linalg.pinv(curvature) @ slope  # shares that are all equal leave a direction open
        while (changed := _loss(design, target, at + step)) > loss and np.abs(step).max() > 1e-12:
            step /= 2
        if loss - changed < 1e-12:
            break
        at, loss = at + step, changed
    return float(at[0]), float(at[1])


def _loss(design: NDArray[np.float64], target: NDArray[np.float64], at: NDArray[np.float64]) -> float:
    z = design @ at
    # −Σ t log p + (1 − t) log(1 − p), with p = σ(z), in a form that does not overflow.
    return float(np.sum(np.logaddexp(0.0, z) - target * z))


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)), dtype=np.float64)


def _log_odds(shares: ArrayLike) -> NDArray[np.float64]:
    kept = np.clip(np.asarray(shares, dtype=np.float64), _CLIP, 1 - _CLIP)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)
