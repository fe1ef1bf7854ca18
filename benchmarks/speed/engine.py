"""Measure what share of the ten best a ranker with an engine finds: filters, deletes, a killed server.

    python -m benchmarks.speed.engine [--n 20000] [--dimension 256] [--at milvus:http://HOST:19530]

Without --at it starts milvus-lite on loopback, which proves the protocol and says nothing of the speed of a
cluster; only such a server is killed. Two processes ask at the same time. Times are of the clock.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.embeddings import embeddings
from benchmarks.shared.milvus_server import MilvusServer
from retrieval.ranker import Ids
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.engine import CopiedRows, HasCell, filtered, row_sums
from retrieval.rankers.engine_link import EngineLink
from retrieval.rankers.engine_ranker import HeldCopy
from scale.milvus.ranker import MilvusRanker

K, QUERIES = 10, 100
SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
"""Parts of the images that the filters leave; all without a filter."""
_NAME = "semblance_benchmark"
_GONE = 10
"""One image of so many is deleted."""


class Row(NamedTuple):
    """What was found at a share of the images; ``by_engine``: the part of the queries that it answered."""

    share: float
    recall: float
    milliseconds: float
    by_engine: float


def gone(n: int) -> NDArray[np.int64]:
    """Return the numbers of the images that are deleted."""
    return np.arange(n)[::_GONE]


def cells(n: int) -> NDArray[np.int64]:
    """Return a cell for each share, int64 (n, 5): 1 for the images that are part of it, else 0."""
    return (np.random.default_rng(5).random((n, len(SHARES))) < SHARES).astype(np.int64)


def fill(place: str, vectors: NDArray[np.float32]) -> float:
    """Copy all vectors, and return the seconds."""
    started = time.monotonic()
    with closing(MilvusRanker.connect(place, _NAME, patient=True)) as copy:
        own = cells(len(vectors))
        copy.create(vectors.shape[1], "cosine", own.shape[1])
        copy.put(CopiedRows(np.arange(len(vectors)), vectors, own, row_sums(vectors, own)))
        copy.settle()
    return time.monotonic() - started


def delete(place: str, numbers: NDArray[np.int64]) -> None:
    """Delete numbers from the copy."""
    with closing(MilvusRanker.connect(place, _NAME, patient=True)) as copy:
        copy.delete(numbers)
        copy.settle()


class CountedLink(EngineLink):
    """A link that counts what its copy answered."""

    n_answered = 0

    def find(self, *about: Any) -> Ids | None:
        """Ask the copy; see ``EngineLink.find``."""
        found = super().find(*about)
        self.n_answered += found is not None
        return found


def ask(folder: Path, place: str, has_deleted: bool, part: int) -> Iterator[Row]:
    """Ask a half of the queries at each share, and yield what was found."""
    queries = np.load(folder / "queries.npy")[part::2]
    exact, ranker = (
        kind.open([folder / "segment"], queries.shape[1]) for kind in (ExactRanker, MilvusRanker)
    )
    n, told = len(exact), list[str]()
    link = CountedLink(lambda: MilvusRanker.connect(place, _NAME, patient=True), told.append)
    ranker.attach(HeldCopy(link, np.array([[0, n - 1]])))
    for one in (exact, ranker) if has_deleted else ():
        one.remove(gone(n))
    own = cells(n)
    for number, share in enumerate(SHARES):
        among = own[:, number] == 1
        mask = None if share == 1 else filtered(among, partial(HasCell, number, (1,)))
        best = [exact.rank(query, K, None if mask is None else among) for query in queries]
        link.n_answered, started = 0, time.monotonic()
        found = [ranker.rank(query, K, mask) for query in queries]
        seconds = time.monotonic() - started
        both = sum(len(np.intersect1d(a.ids, b.ids)) for a, b in zip(found, best, strict=True))
        wanted = sum(len(one) for one in best)
        yield Row(share, both / wanted, 1000 * seconds / len(queries), link.n_answered / len(queries))
    link.close()
    if told:
        raise SystemExit(told[0])


def two_clients(folder: Path, place: str, has_deleted: bool) -> list[Row]:
    """Let two processes ask at the same time, and return the worse of what they found."""
    words = [sys.executable, "-m", "benchmarks.speed.engine", "--client", str(folder), "--at", place]
    words += ["--deleted"] if has_deleted else []
    clients = [
        subprocess.Popen([*words, "--part", str(p)], stdout=subprocess.PIPE, text=True) for p in (0, 1)
    ]
    answers = [client.communicate()[0] for client in clients]
    if any(client.returncode for client in clients):
        raise SystemExit("a client failed")
    rows = [[Row(*row) for row in json.loads(answer)] for answer in answers]
    return [min(pair, key=lambda row: row.recall) for pair in zip(*rows, strict=True)]


def table(when: str, rows: Sequence[Row]) -> list[str]:
    """Return rows of the table."""
    return [
        f"| {when} | {row.share:.1%} | {row.recall:.4f} | {row.by_engine:.0%} | {row.milliseconds:.1f} |"
        for row in rows
    ]


def run(n: int, dimension: int, place: str, server: MilvusServer | None, folder: Path) -> list[str]:
    """Copy, ask, delete, ask, kill and start the server, ask; return the lines of the table."""
    vectors, queries = embeddings(n, dimension, QUERIES)
    np.save(folder / "queries.npy", queries)
    ranker = ExactRanker(dimension)
    ranker.add(np.arange(n), vectors)
    ranker.save(folder / "segment")
    seconds = fill(place, vectors)
    lines = [
        f"{n:,} vectors of {dimension} numbers were copied in {seconds:.0f} s.",
        "",
        "| when | filter leaves | recall@10 | answered by the engine | ms a query |",
        "|---|---|---|---|---|",
        *table("copied", two_clients(folder, place, False)),
    ]
    delete(place, gone(n))
    lines += table("a tenth deleted", two_clients(folder, place, True))
    if server is not None:
        server.kill()
        started = time.monotonic()
        server.start()
        with closing(MilvusRanker.connect(place, _NAME, patient=True)) as copy:
            copy.settle()
        again = time.monotonic() - started
        lines += table("server killed and started again", two_clients(folder, place, True))
        lines += ["", f"The killed server answered again after {again:.0f} s."]
    return lines


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=20_000, help="vectors")
    parser.add_argument("--dimension", type=int, default=256, help="numbers of a vector")
    parser.add_argument("--at", help=f"a server; its collection {_NAME} is made and dropped")
    parser.add_argument("--out", type=Path, help="write the table there as well")
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--part", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--deleted", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client is not None:
        print(json.dumps(list(ask(args.client, args.at, args.deleted, args.part))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        server = None if args.at else MilvusServer(Path(folder) / "server")
        place = args.at.partition(":")[2] if server is None else server.place.partition(":")[2]
        try:
            if server is not None:
                server.start()
            lines = run(args.n, args.dimension, place, server, Path(folder))
            with closing(MilvusRanker.connect(place, _NAME, patient=True)) as copy:
                copy.drop()
        finally:
            if server is not None:
                server.kill()
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if args.out is not None:
        args.out.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
