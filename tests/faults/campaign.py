"""The campaign: faults and kills at points drawn at random of every operation on an index.

    PYTHONPATH=tests python -m faults.campaign 1000 --seed 0

prints how many faults and kills there were, by operation, and what was lost: nothing.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .injection import ERRORS, attempt, count, fresh
from .operations import OPERATIONS, Operation, lost, state

SAYS_WHY = ("space", "quota", "permission", "refuses", "read or write")
"""An error of a fault has one of these words; never that the index is to be restored."""


@dataclass
class Outcome:
    """What became of faults: how many, by kind, and of each that did harm what it did."""

    by_kind: Counter[str] = field(default_factory=Counter)
    harm: list[str] = field(default_factory=list)


@dataclass
class Stage:
    """An operation, made ready: the index before it, its points, and what it holds before and afterwards."""

    name: str
    operation: Operation
    place: Path
    saved: Path
    n_points: int
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def of(cls, name: str, folder: Path) -> Stage:
        """Prepare an operation in a folder of its own."""
        operation, place, saved = OPERATIONS[name], folder / "index", folder / "saved"
        folder.mkdir(parents=True)
        operation.prepare(place)
        before: dict[str, Any] = {}
        if place.is_dir():
            shutil.copytree(place, saved)
            before = state(place) if name != "repair" else {}
        n_points = len(count(operation.act, place))
        return cls(name, operation, place, saved, n_points, before, state(place))

    def strike(self, at: int, number: int | None) -> tuple[str, list[str]]:
        """Let a point fail or kill, and return what came of it, and what harm it did."""
        fresh(self.saved, self.place)
        came = attempt(self.operation.act, self.place, at, number)
        harm = [] if "restore" not in came else [came]
        if came.startswith("died"):
            harm.append(came)
        if came.startswith("failed") and not any(word in came for word in SAYS_WHY):
            harm.append(f"says not why: {came}")
        if self.before:
            harm += lost(state(self.place), self.before, self.after)
        self.operation.act(self.place)
        if state(self.place) != self.after:
            harm.append("done again, it is another")
        return came.split()[0], harm


def run(stage: Stage, n: int, seed: int, kills: bool) -> Outcome:
    """Strike an operation n times, at points and with errors drawn at random."""
    outcome, chance = Outcome(), random.Random(f"{seed} {stage.name} {kills}")
    points = list(range(stage.n_points))
    for number in range(n):
        # Every point once before one comes twice.
        if number % len(points) == 0:
            chance.shuffle(points)
        at = points[number % len(points)]
        kind = None if kills else chance.choice(list(ERRORS))
        came, harm = stage.strike(at, kind)
        outcome.by_kind[came] += 1
        outcome.harm += [
            f"{stage.name}, point {at} of {stage.n_points}, error {kind}: {what}" for what in harm
        ]
    return outcome


def main() -> int:
    """Print a table of as many faults and as many kills as are asked for, over all operations together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=OPERATIONS, action="append", help="this operation; may be repeated")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="semblance-faults-"))
    harm: list[str] = []
    print(f"{'operation':16} {'faults':>7} {'outlived':>9} {'kills':>7} {'harm':>5}")
    for name in args.only or OPERATIONS:
        n = -(-args.n // len(OPERATIONS))
        stage = Stage.of(name, folder / name)
        faults, kills = (run(stage, n, args.seed, k) for k in (False, True))
        done = faults.by_kind["done"]
        n_harm = len(faults.harm) + len(kills.harm)
        print(f"{name:16} {n:7,} {done:9,} {kills.by_kind['killed']:7,} {n_harm:5,}", flush=True)
        harm += [*faults.harm, *kills.harm]
    shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(harm))
    return 1 if harm else 0


if __name__ == "__main__":
    sys.exit(main())
