"""The choice of a ranker of dense vectors: what is installed, and what ``auto`` means for so many vectors."""

from __future__ import annotations

from pathlib import Path

from ...errors import OptionError, did_you_mean
from ...rankers.approximate import ApproximateRanker
from ...rankers.dense import ExactRanker
from ...registry import RANKERS, installed, load

AUTO = "auto"

_MOST = 220_000_000
"""Numbers in all vectors up to which exact queries take 50 ms at most, so that ``auto`` stays exact: measured
on one core of a busy machine (benchmarks/results/rankers.md), where the slowest of 102 million took 23 ms."""


def check_choice(choice: str) -> None:
    """Refuse a ranker that is not there.

    Raises
    ------
    OptionError : there is none of that name. NotInstalledError : it lacks a library.
    """
    known = [AUTO, *installed(RANKERS)]
    if choice not in known:
        raise OptionError(
            f"there is no {choice!r}; one of {', '.join(known)}{did_you_mean(choice, known)}", "ranker"
        )
    if choice != AUTO:
        kind = kind_of(choice)
        if issubclass(kind, ApproximateRanker):
            kind.check_installed()


def kind_of(choice: str, n: int = 0, dimension: int = 1) -> type[ExactRanker]:
    """Return the class of a chosen ranker for n vectors; NotInstalledError if it cannot be loaded."""
    if choice != AUTO:
        kind: type[ExactRanker] = load(choice, RANKERS)  # type: ignore[assignment]
        return kind
    return ExactRanker if n * dimension <= _MOST else kind_of("hnsw")


def structure_of(folder: Path) -> str | None:
    """Return the name of the ranker that made a search structure in the folder of a segment; None if none."""
    return next((name for name in ("annoy", "hnsw") if (folder / name).is_dir()), None)
