"""Measure what `semblance --help` costs: CPU seconds of a cold process, beside a bare lazy click group.

    python -m benchmarks.speed.startup [--rounds 20]

Both are run in turns, so that a busy machine slows both. The least of all rounds counts: whatever else runs
can only add. The bare group has as many commands, none of which it loads.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence

from cli.main import COMMANDS

BARE = f"""
import click
class Lazy(click.Group):
    def list_commands(self, ctx): return {list(COMMANDS)!r}
    def get_command(self, ctx, name): return click.Command(name, short_help="does something")
Lazy("bare").main(["--help"], "bare")
"""
PROGRAMS = {
    "python alone": "pass",
    "bare lazy click group": BARE,
    "semblance": "import sys; from cli.main import main; sys.exit(main(['--help']))",
}


def cpu_seconds(program: str) -> float:
    """Run a program in a process of its own, and return the CPU time that it took, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(programs: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Return the least CPU seconds of each program, all run in turns."""
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            taken[name].append(cpu_seconds(program))
    return {name: min(seconds) for name, seconds in taken.items()}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    found = measure(PROGRAMS, parser.parse_args(argv).rounds)
    for name, seconds in found.items():
        print(f"{name:24}{1000 * seconds:8.1f} ms")
    print(f"{'ratio to the bare group':24}{found['semblance'] / found['bare lazy click group']:8.2f}")


if __name__ == "__main__":
    main()
