"""Print how fast candidates are verified, and what verification is worth on labelled sets.

    python -m benchmarks.verification [SET...] [--data FOLDER] [--by NAME...] [--verify N] [--jobs N]
    python -m benchmarks.verification --speed

Speed: 200 candidates of 400 points each, in one thread, by the number of words; one of them is the query,
turned and scaled, the others are random. Processor time, best of 5.

Worth: each picture of a set asks once, the pictures of its own patient, lesion or group of near-duplicates
left out; the best 100 are looked at again. Differences are paired, query by query, with intervals: 95 %,
bootstrap by group, 1,000 draws.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import encode, make, rankings
from benchmarks.sets import DATA, Set
from bovw.matching import Frames
from bovw.verification import verify
from retrieval.locating import Candidates, Locator
from retrieval.measures import average_precision, bootstrap_interval, precision_at
from retrieval.ranker import Ranking, order
from retrieval.representation import Encoding

SETS = ("brain4", "ultrasound3", "cxr3", "histology5", "skin7", "wbc5")
BY = ("superpixel", "dense", "sift")
CANDIDATES, POINTS, SIDE, REPEATS = 200, 400, 320, 5
Floats = NDArray[np.float64]


def random_frames(rng: np.random.Generator, n_words: int) -> Frames:
    """Make a picture's worth of points at random."""
    rows, cols = rng.uniform(0, SIDE, (2, POINTS))
    places = np.stack(
        [rows, cols, np.log(rng.uniform(3, 9, POINTS)), rng.uniform(0, 2 * np.pi, POINTS)], axis=1
    )
    return Frames(rng.integers(0, n_words, POINTS), places)


def turned(query: Frames, turn: float, scale: float) -> Frames:
    """Turn and scale the points of a picture about its middle."""
    matrix = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    places = query.places.copy()
    places[:, :2] = (places[:, :2] - SIDE / 2) @ matrix.T + SIDE / 2
    places[:, 2] += np.log(scale)
    places[:, 3] = (places[:, 3] + turn) % (2 * np.pi)
    return Frames(query.words, places)


def print_speed() -> None:
    """Print the time for the candidates of one query."""
    print("| words | ms for 200 candidates of 400 points | proven |\n|---|---|---|")
    for n_words in (500, 1000, 2000, 4096, 16384):
        rng = np.random.default_rng(0)
        query = random_frames(rng, n_words)
        parts = [turned(query, 0.4, 0.8), *(random_frames(rng, n_words) for _ in range(CANDIDATES - 1))]
        words, places = np.concatenate([p.words for p in parts]), np.concatenate([p.places for p in parts])
        offsets, shapes = np.arange(CANDIDATES + 1) * POINTS, np.full((CANDIDATES, 2), SIDE)
        times = []
        for _ in range(REPEATS + 1):
            start = time.thread_time()
            found = verify(query, Frames(words, places), offsets, shapes, n_words)
            times.append(time.thread_time() - start)
        print(f"| {n_words:,} | {1000 * min(times[1:]):.1f} | {found.are_proven.sum()} |", flush=True)


@dataclass(frozen=True, eq=False)
class Collection:
    """The encodings of a set, ready to be looked at again: the evidence of all, end to end."""

    data: Set
    encodings: Sequence[Encoding]
    evidence: NDArray[np.void]
    offsets: NDArray[np.int64]
    shapes: NDArray[np.int64]

    @classmethod
    def of(cls, data: Set, encodings: Sequence[Encoding]) -> Collection:
        """Put the evidence of all encodings together."""
        parts = [e.evidence for e in encodings if e.evidence is not None]
        assert len(parts) == len(encodings)
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        shapes = np.array([item.read().shape for item in data], dtype=np.int64)
        return cls(data, encodings, np.concatenate(parts), offsets, shapes)

    def candidates(self, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> Candidates:
        """Return what is known of some pictures."""
        parts = [self.evidence[self.offsets[i] : self.offsets[i + 1]] for i in ids]
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return Candidates(np.concatenate(parts), offsets, self.shapes[ids], scores)


def looked_again(made: Locator, known: Collection, asking: int, ranking: Ranking, n: int) -> Ranking:
    """Leave the group of the one who asks out, and look at the best n again."""
    groups = known.data.groups
    others = groups[ranking.ids] != groups[asking]
    ids, scores = ranking.ids[others], ranking.scores[others]
    best = known.candidates(ids[:n], scores[:n])
    rows, cols = known.shapes[asking].tolist()
    located = made.locate(known.encodings[asking], (rows, cols), None, best)
    first = order(ids[:n], located.scores, n)
    rest = np.minimum(scores[n:], first.scores[-1])
    return Ranking(np.concatenate([first.ids, ids[n:]]), np.concatenate([first.scores, rest]))


def judged(known: Collection, found: Sequence[Ranking]) -> Floats:
    """Return average precision and precision at 1 of each query, (2, n); NaN where nothing is right."""
    labels, groups = known.data.labels, known.data.groups
    columns = []
    for i, ranking in enumerate(found):
        ids = ranking.ids[groups[ranking.ids] != groups[i]]
        right = labels[ids] == labels[i]
        columns.append([average_precision(right), precision_at(right, 1) if right.any() else np.nan])
    return np.array(columns).T


def lines(data: Set, names: Sequence[str], n: int, jobs: int) -> Iterator[str]:
    """Measure each representation on one set."""
    for name in names:
        made = make(name, {})
        known = Collection.of(data, encode(made, data.items, jobs))
        assert isinstance(made, Locator)
        plain = rankings(made, known.encodings)
        before = judged(known, plain)
        after = judged(known, [looked_again(made, known, i, r, n) for i, r in enumerate(plain)])
        cells = []
        for was, now in zip(before, after, strict=True):
            low, high = bootstrap_interval(now - was, data.groups)
            cells += [f"{100 * np.nanmean(was):.1f}", f"{100 * np.nanmean(now):.1f}"]
            cells += [f"{100 * np.nanmean(now - was):+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"]
        yield f"| {data.name} | {name} | {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--by", action="append", choices=BY)
    parser.add_argument("--verify", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--speed", action="store_true", help="the speed alone")
    args = parser.parse_args()
    print_speed()
    if args.speed:
        return 0
    print("\n| set | by | mAP | verified | difference | P@1 | verified | difference |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in args.sets:
        for line in lines(Set.load(name, args.data), args.by or BY, args.verify, args.jobs):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
