"""Fuzzing: mutated inputs of every kind, read in forked batches within limits.

    python -m support.fuzz --seconds 600 --seed 1        (in tests/; ``make fuzz`` does it)

Good ends are an answer, and an error of our own classes. A crash ends the process; a hang takes more of a
processor than a file may; anything else that is raised is foreign. Input number i of a target depends on the
target, the seed and i alone, so that each finding can be made again: ``input_of``.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import mmap
import os
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.fuzz_mutations import mutant
from support.fuzz_targets import TARGETS, Target

from retrieval.errors import SemblanceError
from retrieval.readers.limits import Limits
from retrieval.readers.reading_watch import measured

BATCH = 2000  # inputs of a process
SECONDS = Limits().seconds(0, 0)
"""Of a processor, for an input: what a small file may take."""
Batch = tuple[str, Sequence[bytes], int, int, int]
"""The target, its seeds, the seed of the mutations, the first number, and the one behind the last."""
_MEMORY = 1 << 31  # bytes that a batch may have besides what is there when it begins


@dataclass
class Count:
    """What came of the inputs of a target: how many were answered, and what was found, by number."""

    n: int = 0
    answered: int = 0
    crashes: list[tuple[int, str]] = field(default_factory=list)
    hangs: list[tuple[int, str]] = field(default_factory=list)
    foreign: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Count) -> None:
        """Add what came of more inputs of the target."""
        for key in ("n", "answered", "seconds", "crashes", "hangs", "foreign"):
            setattr(self, key, getattr(self, key) + getattr(other, key))

    @property
    def is_clean(self) -> bool:
        """Tell whether all ends were good."""
        return not (self.crashes or self.hangs or self.foreign)


def seeds_of(name: str) -> Sequence[bytes]:
    """Return the inputs of a target that are mutated."""
    with tempfile.TemporaryDirectory() as folder:
        return TARGETS[name].seeds(Path(folder))


def input_of(name: str, seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    """Return one mutated input of a target."""
    data = mutant(seeds, f"{name}/{seed}/{number}")
    # Half of them with checksums put right, so that what is behind those is reached too.
    return TARGETS[name].mend(data) if number % 2 else data


def fuzz(name: str, seeds: Sequence[bytes], seed: int, start: int, n: int, seconds: float = SECONDS) -> Count:
    """Read n mutated inputs of a target, beginning at number ``start``, each within ``seconds``."""
    count, end, begun = Count(), start + n, time.monotonic()
    number = start
    with tempfile.TemporaryDirectory() as folder, mmap.mmap(-1, mmap.PAGESIZE) as shared:
        log = Path(folder) / "foreign.txt"
        while number < end:
            _write(shared, number, _read(shared)[1])
            batch = (name, seeds, seed, number, min(end, number + BATCH))
            status, hung = _batch(batch, Path(folder), shared, seconds)
            number = _read(shared)[0]
            if hung:
                count.hangs.append((number, f"more than {seconds:g} s"))
                number += 1
            elif status:
                code = os.waitstatus_to_exitcode(status)
                count.crashes.append(
                    (number, signal.Signals(-code).name if code < 0 else f"exit code {code}")
                )
                number += 1
        count.answered = _read(shared)[1]
        for line in log.read_text().splitlines() if log.exists() else ():
            at, _, text = line.partition(" ")
            count.foreign.append((int(at), text))
    count.n, count.seconds = n, time.monotonic() - begun
    return count


def _batch(batch: Batch, folder: Path, shared: mmap.mmap, limit: float) -> tuple[int, bool]:
    """Read inputs in a process of their own; return how it ended, and whether because of a hang."""
    pid = os.fork()
    if pid == 0:
        try:
            _live(batch, folder, shared)
        except BaseException:
            traceback.print_exc()
            os._exit(99)
        os._exit(0)
    last, used = batch[3], measured(pid).seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status, False
        now, taken = _read(shared)[0], measured(pid).seconds
        if now != last:
            last, used = now, taken
        elif taken - used > limit:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return 0, True
        time.sleep(0.02)


def _live(batch: Batch, folder: Path, shared: mmap.mmap) -> None:
    name, seeds, seed, start, end = batch
    target = TARGETS[name]
    faulthandler.disable()  # that of pytest: a crash is counted, not printed
    # Libraries write on stderr of what they decode.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    data = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_DATA, (data + _MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    place = folder / "input"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with (folder / "foreign.txt").open("a") as log:
        for number in range(start, end):
            answered = _end_of(target, place / target.name, input_of(name, seeds, seed, number), number, log)
            _write(shared, number + 1, _read(shared)[1] + answered)


def _end_of(target: Target, path: Path, data: bytes, number: int, log: object) -> bool:
    path.write_bytes(data)
    try:
        target.read(path)
    except SemblanceError:
        return False
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(f"{type(error).__name__}: {error}".split())[:150]
        print(number, text, f"({Path(where.filename).name}:{where.lineno})", file=log, flush=True)  # type: ignore[call-overload]
        return False
    return True


def _write(shared: mmap.mmap, number: int, answered: int) -> None:
    shared[:16] = struct.pack("<qq", number, answered)


def _read(shared: mmap.mmap) -> tuple[int, int]:
    number, answered = struct.unpack("<qq", shared[:16])
    return number, answered


def table(counts: dict[str, Count], seed: int) -> str:
    """Return the counts as a table, and below it what was found, a line each."""
    lines = [
        "| what is read | inputs | answered | refused | crashes | hangs | foreign | a second |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    sums = [0] * 6
    for name, c in counts.items():
        found = [len(c.crashes), len(c.hangs), len(c.foreign)]
        row = [c.n, c.answered, c.n - c.answered - sum(found), *found]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        lines.append(
            f"| {name} | " + " | ".join(f"{v:,}" for v in row) + f" | {c.n / max(c.seconds, 1e-9):,.0f} |"
        )
    lines.append("| **all** | " + " | ".join(f"{v:,}" for v in sums) + " | |")
    decoded = sum(c.n for name, c in counts.items() if TARGETS[name].decodes)
    lines += ["", f"Seed {seed}; {decoded:,} of the inputs go through decoders of images."]
    for name, c in counts.items():
        for kind in ("crashes", "hangs", "foreign"):
            lines += [f"{kind}: {name} {seed}/{number}: {text}" for number, text in getattr(c, kind)[:20]]
    return "\n".join(lines)


def main() -> int:
    """Fuzz all targets in turns, for a time or up to a number; exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(description="Read mutated inputs of every kind.")
    parser.add_argument("--seconds", type=float, default=0, help="go on for this long")
    parser.add_argument("--total", type=int, default=0, help="go on up to so many inputs")
    parser.add_argument("--inputs", type=int, default=2000, help="of each image format, in one turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="go on where the run ended that wrote this file")
    parser.add_argument("--only", choices=TARGETS, action="append", help="this kind; may be repeated")
    args = parser.parse_args()
    names = args.only or list(TARGETS)
    seeds, counts = {name: seeds_of(name) for name in names}, {name: Count() for name in names}
    end, begun = time.monotonic() + args.seconds, 0
    if args.keep is not None and args.keep.exists():
        begun, kept = json.loads(args.keep.read_text())
        counts = {name: Count(**kept[name]) for name in names}
    turn = begun
    # The first turn is whole, so that no kind is left out.
    while turn == begun or time.monotonic() < end or sum(count.n for count in counts.values()) < args.total:
        for name in names:
            n = int(args.inputs * TARGETS[name].share)
            counts[name].add(fuzz(name, seeds[name], args.seed, turn * n, n))
        turn += 1
        if args.keep is not None:
            args.keep.write_text(json.dumps([turn, {name: vars(count) for name, count in counts.items()}]))
    print(table(counts, args.seed))
    return 0 if all(count.is_clean for count in counts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
