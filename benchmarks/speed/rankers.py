"""Measure rankers of dense vectors against the bare libraries, at equal recall.

    python -m benchmarks.speed.rankers [--n 100000] [--dimension 256] [--only exact] [--recall 0.95]

Vectors are made as networks make them (benchmarks/shared/embeddings.py). Each contender is built, saved,
opened again and asked in a process of its own, on one thread. Times are of the processor, not of the clock,
as the machine may have other work; the probe, a product of two matrices, says how fast it was meanwhile. Of
graphs and trees the row is that of the quickest setting whose recall@10 is at least ``--recall``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.embeddings import embeddings
from benchmarks.speed.ranker_systems import SYSTEMS, K, System

_LIBRARIES = ("faiss", "hnswlib", "usearch", "Annoy")
BATCH = 64


class Row(NamedTuple):
    """What was measured of a contender; times in milliseconds, sizes in bytes, ``many`` a query of 64."""

    setting: int
    recall: float
    build: float
    size: int
    private: int
    p50: float
    p99: float
    many: float
    probe: float


def measure(name: str, folder: Path, least: float) -> Row:
    """Build a contender in a folder beside the vectors, and ask it. Runs in a process of its own."""
    system = SYSTEMS[name]
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    place = folder / name.replace(" ", "-").replace(":", "").replace(",", "")
    build = _build(system, vectors, place)
    before = private_bytes()
    at = system.open(place, vectors)
    for setting in system.settings:
        answer = at(setting)
        times, found = _ask(answer, queries)
        recall = float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, truth, strict=True)]))
        if recall >= least:
            break
    private = private_bytes() - before
    many = np.nan if system.many is None else _in_batches(system.many(place, vectors), queries)
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    p50, p99 = np.percentile(times, (50, 99)) * 1e3
    return Row(setting, recall, build, size, private, p50, p99, many, probe())


def private_bytes() -> int:
    """Return the memory that is this process's own; pages of mapped files, which the disk has, are not."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


def _build(system: System, vectors: NDArray[np.float32], place: Path) -> float:
    """Build unless it was built before; return the seconds, which are kept beside it."""
    note = place.with_suffix(".seconds")
    if not note.exists():
        place.mkdir()
        begin = time.process_time()
        system.build(np.asarray(vectors), place)
        note.write_text(str(time.process_time() - begin))
    return float(note.read_text())


def _ask(answer: Callable, queries: NDArray[np.float32]) -> tuple[list[float], list[NDArray[np.int64]]]:
    for query in queries:  # what is compiled, or read and checked for the first time, is not counted
        answer(query)
    times, found = [], []
    for query in queries:
        begin = time.process_time()
        ids = answer(query)
        times.append(time.process_time() - begin)
        found.append(np.asarray(ids))
    return times, found


def _in_batches(answer: Callable, queries: NDArray[np.float32]) -> float:
    batch = np.resize(queries, (BATCH, queries.shape[1]))
    times = []
    for _ in range(4):
        begin = time.process_time()
        answer(batch)
        times.append(time.process_time() - begin)
    return min(times[1:]) / BATCH * 1e3


def probe() -> float:
    """Return the milliseconds of a fixed product of two matrices, the quickest of five."""
    matrix = np.random.default_rng(0).random((512, 512), dtype=np.float32)
    times = []
    for _ in range(5):
        begin = time.process_time()
        _ = matrix @ matrix
        times.append(time.process_time() - begin)
    return min(times) * 1e3


def main() -> None:
    """Measure the contenders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", default="", help="contenders whose name has this: exact, graph, trees")
    parser.add_argument("--recall", type=float, default=0.95, help="recall@10 of graphs and trees at least")
    parser.add_argument("--folder", type=Path, help="keep what is built here, and use it again")
    parser.add_argument("--out", type=Path, help="write the table here as well")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        scores = _prepare(folder, args)
        rows = {}
        for name in (name for name in SYSTEMS if args.only in name):
            if lacking := [one for one in _LIBRARIES if one in name and find_spec(one.lower()) is None]:
                print(f"{name} is left out: {lacking[0]} is not installed (extra peers)", file=sys.stderr)
                continue
            # A new process for each: so that private memory is its own, and threads are one.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows[name] = pool.apply(measure, (name, folder, args.recall))
            print(f"{name}: {rows[name]}", file=sys.stderr, flush=True)
    text = _table(rows, f"{args.n:,} × {args.dimension}, {args.queries} queries; {scores}")
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n")


def _prepare(folder: Path, args: argparse.Namespace) -> str:
    """Write vectors, queries and the true answers, and say how the scores of queries fall off."""
    if not (folder / "truth.npy").exists():
        vectors, queries = embeddings(args.n, args.dimension, args.queries)
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "queries.npy", queries)
        best = [np.argsort(-(vectors @ query), kind="stable")[:K] for query in queries]
        np.save(folder / "truth.npy", np.array(best))
    vectors, queries = np.load(folder / "vectors.npy", mmap_mode="r"), np.load(folder / "queries.npy")
    truth = np.load(folder / "truth.npy")
    cosines = np.array([vectors[ids] @ query for query, ids in zip(queries, truth, strict=True)])
    first, tenth = np.median(cosines[:, 0]), np.median(cosines[:, -1])
    return f"median cosine of the best {first:.2f}, of the tenth {tenth:.2f}"


def _table(rows: dict[str, Row], title: str) -> str:
    lines = [
        f"## {title}",
        "",
        "| | setting | recall@10 | build s | MB on disk | private MB | mapped | p50 ms | p99 ms "
        "| ms in batches of 64 | probe ms |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        setting = row.setting or ""
        many = "" if np.isnan(row.many) else f"{row.many:.2f}"
        mapped = "yes" if SYSTEMS[name].is_mapped else "no"
        lines.append(
            f"| {name} | {setting} | {row.recall:.3f} | {row.build:.0f} | {row.size / 1e6:.0f} | "
            f"{row.private / 1e6:.0f} | {mapped} | {row.p50:.3f} | {row.p99:.3f} | {many} | {row.probe:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
