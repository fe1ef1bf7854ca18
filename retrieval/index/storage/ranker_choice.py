"""The choice of a ranker of dense vectors: what is installed, and what ``auto`` means for their number."""

from __future__ import annotations

from pathlib import Path

from ...errors import OptionError, did_you_mean
from ...rankers.approximate import ApproximateRanker
from ...rankers.dense import ExactRanker
from ...rankers.engine_ranker import EngineRanker
from ...registry import RANKERS, installed, load

AUTO = "auto"

_MOST = 220_000_000
"""Numbers in all vectors up to which exact queries take 50 ms at most, so that ``auto`` stays exact: measured
on one core of a busy machine (benchmarks/results/rankers.md), where the slowest of 102 million took 23 ms."""


_ENGINE = "milvus:http://HOST:PORT"
"""How an engine is written."""


def engine_of(choice: str) -> tuple[str, str]:
    """Return the name and the address of a choice, ``milvus`` and ``http://host:19530``, or empty."""
    name, _, place = choice.partition(":")
    return name, place


def is_engine(choice: str) -> bool:
    """Tell if a choice is an engine's address."""
    return ":" in choice


def check_choice(choice: str, option: str = "ranker") -> None:
    """Refuse a ranker that is not there; ``option`` is what the message calls it.

    Raises
    ------
    OptionError : there is none of that name, or its address makes no sense. NotInstalledError : it lacks a
        library.
    """
    known = [AUTO, *installed(RANKERS)]
    # The name alone may be mistyped; an address is checked by whoever connects to it.
    name, place = engine_of(choice)
    if name not in known:
        raise OptionError(
            f"there is no {choice!r}; one of {', '.join(known)}{did_you_mean(name, known)}", option
        )
    kind: type = ExactRanker if name == AUTO else kind_of(name)
    if place and not issubclass(kind, EngineRanker):
        raise OptionError(f"{name} is no engine, and takes no address; write {name} alone", option)
    if issubclass(kind, EngineRanker):
        if not place:
            raise OptionError(f"{name} needs the address of a server, {name}:http://HOST:PORT", option)
        kind.check_place(place)
    if issubclass(kind, ApproximateRanker):
        kind.check_installed()


def kind_of(choice: str, n: int = 0, dimension: int = 1) -> type[ExactRanker]:
    """Return the class of a chosen ranker for n vectors; NotInstalledError if it cannot be loaded."""
    if choice != AUTO:
        kind: type[ExactRanker] = load(engine_of(choice)[0], RANKERS)  # type: ignore[assignment]
        return kind
    return ExactRanker if n * dimension <= _MOST else kind_of("hnsw")


def check_engine(choice: str) -> None:
    """Refuse what is no engine that copies could be pushed to; raises as ``check_choice`` does."""
    name, _ = engine_of(choice)
    if name not in (AUTO, *installed(RANKERS)):
        # Most rankers take no copies: only what does is offered here.
        raise OptionError(
            f"there is no engine {name!r}; write {_ENGINE}{did_you_mean(name, ['milvus'])}", "to"
        )
    engine_kind(choice)
    check_choice(choice, "to")


def engine_kind(choice: str) -> type[EngineRanker]:
    """Return the class of an engine. OptionError if the choice is none."""
    kind: type = ExactRanker if engine_of(choice)[0] == AUTO else kind_of(choice)
    if not issubclass(kind, EngineRanker):
        raise OptionError(f"{choice} is no engine; write {_ENGINE}", "to")
    return kind


def structure_of(folder: Path) -> str | None:
    """Return the name of the ranker that made a search structure in the folder of a segment; None if none."""
    return next((name for name in ("annoy", "hnsw") if (folder / name).is_dir()), None)
