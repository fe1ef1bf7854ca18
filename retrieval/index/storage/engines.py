"""Engines: the copies that rankers ask, over all snapshots of an open index, and what was said of them."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np

from ...errors import NotInstalledError
from ...rankers.engine import EngineCopy, EngineError
from ...rankers.engine_link import EngineLink
from ...rankers.engine_ranker import EngineRanker, HeldCopy
from ..catalogue.engine_copies import StoredCopy
from .ranker_choice import engine_kind, engine_of

TRUSTED = 0.95
"""The recall@10 of a copy's candidates on a sample, below which the index ranks by itself."""


class Engines:
    """Keep the links to engines of one open index, and the sentences on those that did not answer."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], EngineLink] = {}
        # By thread: each asks questions of its own.
        self._told = threading.local()

    @property
    def said(self) -> str:
        """Why engines were not asked in the last question of this thread; empty if they were."""
        return "; ".join(dict.fromkeys(getattr(self._told, "sentences", ())))

    def listen(self) -> None:
        """Forget what was said: a question of this thread begins."""
        self._told.sentences = []

    def attach(self, ranker: EngineRanker, choice: str, copy: StoredCopy | None, commit: int) -> None:
        """Give a ranker the copy that its engine holds, or what says why it ranks alone.

        ``copy`` is of the same recipe as the ranker's vectors, or None; ``commit`` is that of the snapshot.
        """
        distrust = _distrust(choice, copy)
        if copy is None or distrust:
            ranker.attach(
                HeldCopy(EngineLink(partial(_refuse, distrust), self._tell), np.empty((0, 2), np.int64))
            )
            return
        key = copy.engine, copy.name
        if key not in self._links:
            self._links[key] = EngineLink(partial(open_copy, copy.engine, copy.name), self._tell)
        ranges = np.array(copy.ranges, np.int64).reshape(-1, 2)
        ranker.attach(HeldCopy(self._links[key], ranges, copy.commit == commit))

    def _tell(self, sentence: str) -> None:
        self._told.sentences = [*getattr(self._told, "sentences", ()), sentence]

    def close(self) -> None:
        """Let go of all connections."""
        for link in self._links.values():
            link.close()


def open_copy(choice: str, name: str, *, patient: bool = False) -> EngineCopy:
    """Open a copy by the choice of its engine and its name. Raise EngineError if that cannot be done."""
    try:
        return engine_kind(choice).connect(engine_of(choice)[1], name, patient=patient)
    except NotInstalledError as error:
        raise EngineError(str(error)) from error


def _distrust(choice: str, copy: StoredCopy | None) -> str:
    """Return why a copy is not asked; empty if it is."""
    if copy is None or copy.engine != choice:
        return f"{choice}: holds no copy of these vectors yet; `semblance push` makes it"
    if copy.recall < TRUSTED:
        return f"{choice}: had {copy.recall:.0%} of the ten best among its candidates at the last push"
    return ""


def _refuse(why: str) -> EngineCopy:
    raise EngineError(why)
