"""What ``growth.py`` prints of what it measured: tables, exponents, and a log-log plot."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

LARGE = 100_000
"""Images of a collection from which on an exponent is stated apart."""

COLUMNS = (
    *("images", "build s", "wall s", "bytes an image", "private MB", "cold ms", "p50 ms", "p95 ms", "p99 ms"),
    *("wall p50 ms", "recall@10", "margin", "touched", "probe ms"),
)


class Seconds(NamedTuple):
    """What passed: of the processor, and by the clock."""

    cpu: float
    wall: float

    @classmethod
    def now(cls) -> Seconds:
        """Return the two clocks."""
        return cls(time.process_time(), time.perf_counter())

    def since(self, begin: Seconds) -> Seconds:
        """Return what passed between the two."""
        return Seconds(self.cpu - begin.cpu, self.wall - begin.wall)


class Row(NamedTuple):
    """What was measured of one size: seconds, bytes, milliseconds by query; shares in [0, 1]."""

    n: int
    build: Seconds
    size: int
    private: int
    cold: float
    times: list[float]
    wall: float
    recall: float
    margin: float
    touched: float
    probe: float


def kept(path: Path | None) -> dict[str, list[Row]]:
    """Return the rows that a file keeps, by the way to search."""
    if path is None or not path.exists():
        return {}
    read = json.loads(path.read_text())
    return {name: [Row(n, Seconds(*build), *rest) for n, build, *rest in rows] for name, rows in read.items()}


def exponent(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Return b of time = a · n^b by medians, and its 95 % interval by bootstrap over queries."""
    random, n = np.random.default_rng(0), np.log([row.n for row in rows])
    fits = []
    for turn in range(1000):
        drawn_times = [random.choice(row.times, len(row.times)) if turn else row.times for row in rows]
        fits.append(np.polyfit(n, np.log([np.median(times) for times in drawn_times]), 1)[0])
    return (fits[0], *np.percentile(fits[1:], (2.5, 97.5)))


def plot(series: dict[str, list[Row]], path: Path) -> None:
    """Draw medians and 99th percentiles against the number of images, log–log."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), dpi=110)
    for name, rows in series.items():
        n = [row.n for row in rows]
        (line,) = axis.loglog(n, [np.median(row.times) for row in rows], "o-", label=name)
        axis.loglog(n, [np.percentile(row.times, 99) for row in rows], ":", color=line.get_color())
    axis.set_xlabel("images")
    axis.set_ylabel("ms a query: median, and dotted the 99th percentile")
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    figure.savefig(path, bbox_inches="tight")


def table(name: str, rows: Sequence[Row]) -> None:
    """Print the rows of one way to search, and its exponent."""
    print(f"\n## {name}\n")
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for row in rows:
        p50, p95, p99 = np.percentile(row.times, (50, 95, 99))
        touched = "" if np.isnan(row.touched) else f"{row.touched:.1%}"
        cells = [f"{row.n:,}", f"{row.build.cpu:.1f}", f"{row.build.wall:.1f}", f"{row.size / row.n:.0f}"]
        cells += [f"{row.private / 1e6:.0f}", f"{row.cold:.0f}", f"{p50:.2f}", f"{p95:.2f}", f"{p99:.2f}"]
        cells += [f"{row.wall:.2f}", f"{row.recall:.3f}", f"{row.margin:.3f}", touched, f"{row.probe:.1f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    for least in (0, LARGE):
        fitted = [row for row in rows if row.n >= least]
        if len(fitted) > 1 and (not least or len(fitted) < len(rows)):
            sizes, (b, low, high) = f"{fitted[0].n:,} to {fitted[-1].n:,} images", exponent(fitted)
            print(f"\nExponent over {sizes}: {b:.2f}, 95 % interval {low:.2f} to {high:.2f}.")
