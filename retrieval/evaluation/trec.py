"""Run and qrels files of TREC, so that other tools can check a figure.

trec_eval orders a run by score, not by rank, in single precision, and equal scores by id the other way round;
so a score is written as the next smaller number if it would equal the one before.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import numpy as np
from numpy.typing import NDArray

Gains = NDArray[np.int32]
_TINY = np.float32(1e-30)


class TrecFolder:
    """Write ``qrels.txt`` and a ``SYSTEM.run`` for each system into a folder, query by query: a context."""

    def __init__(self, folder: Path, systems: list[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._qrels = (folder / "qrels.txt").open("w", encoding="utf-8")
        # All runs are open at once: a ranking is written as soon as it is there, and memory holds one.
        names = {name: folder / f"{file_name(name)}.run" for name in systems}
        self._runs: dict[str, TextIO] = {n: p.open("w", encoding="utf-8") for n, p in names.items()}

    def judge(self, query: str, ids: list[str], gains: Gains) -> None:
        """Write how right each picture is that a query may find."""
        lines = (f"{token(query)} 0 {token(i)} {g}\n" for i, g in zip(ids, gains.tolist(), strict=True))
        self._qrels.writelines(lines)

    def rank(self, system: str, query: str, ids: list[str], scores: NDArray[np.float32]) -> None:
        """Write a ranking, best first."""
        written = zip(ids, falling(scores).tolist(), strict=True)
        tag = file_name(system)
        lines = (f"{token(query)} Q0 {token(i)} {r} {s:.9g} {tag}\n" for r, (i, s) in enumerate(written, 1))
        self._runs[system].writelines(lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._qrels, *self._runs.values()):
            file.close()


def falling(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scores (n,) that fall strictly, each as near as can be to the one given, which never rise."""
    return np.asarray(_lowered(np.asarray(scores, dtype=np.float32)), dtype=np.float32)


def _lowered(scores: NDArray[np.float32]) -> list[float]:
    # Few scores tie, and each becomes a line of text: a compiled loop would save nothing.
    lowered: list[float] = scores.tolist()
    for i in range(1, len(lowered)):
        if lowered[i] >= lowered[i - 1]:
            above = np.float32(lowered[i - 1])
            # A step of 2⁻²³ of its size reaches the next number in single precision, or the one after.
            lowered[i] = float(above - max(_TINY, np.float32(1.2e-7) * abs(above)))
    return lowered


def token(text: str) -> str:
    """Return an id without white space, so that a line keeps its columns: ``%20`` for a space and such."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogateescape"))
        if c.isspace() or c == "%"
        else c
        for c in text
    )


def file_name(system: str) -> str:
    """Return the name of a system as files and tags of runs have it."""
    return "".join(
        c if c.isalnum() or c in "+-." else "_" for c in system.replace(" & ", "+").replace(", ", "-")
    )
