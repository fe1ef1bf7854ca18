"""Put other people's tools beside ours, on the same pictures and the same queries.

    python -m benchmarks.peers.run_peers [SET...] [--most 300] [--vectors 100000] [--bags 100000] [--csv FILE]

Quality: each picture of a set asks once, and those of its own patient, lesion or group of near-duplicates are
left out. All see the same pictures, shrunk to 320 pixels and grey, in 8 bits for the peers; the networks see
them in colour, stretched to what they take. Percent; mAP over the whole ranking; intervals: 95 %, bootstrap
by group. p: paired randomisation test of the average precision against ours, by group, Holm over all of a
set; bold where it is below 0.05.

Speed: our deep vectors of all pictures of several sets, and points between them up to ``--vectors``, in our
exact ranker and in FAISS; bags of words by Zipf's law, as in ``benchmarks.shared.zipf_bags``, in our
inverted index, in scipy and in bm25s. One query at a time, taking turns, in one thread; of many bags, in our
inverted index and the plain one in numba, in as many as there are processors. Median milliseconds; recall:
share of the ten of a float64 reference.

The peers are the extra ``peers``; whichever is missing is left out with a line that says so.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import bovw
from benchmarks.peers import search
from benchmarks.peers.search import Timed, enlarged, unit
from benchmarks.peers.systems import PEERS, MissingError, words_by_bm25
from benchmarks.shared.labelled_sets import DATA, Set, drawn
from benchmarks.shared.leave_one_out import judged
from benchmarks.shared.plain_pipeline import Scores, grey_bytes
from retrieval.representation import Encoding
from retrieval.statistics.fisher_exact import holm
from retrieval.statistics.measures import bootstrap_interval
from retrieval.statistics.paired_tests import compare

SETS = ("ultrasound3", "brain4", "cxr3")
VECTORS_OF = ("ultrasound3", "brain4", "cxr3", "histology5", "skin7", "wbc5", "caltech20")
OURS = ("ours: superpixel", "ours: deep")
HELD_OUT = 200
"""Vectors that ask, and are not in the index."""

Judged = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def rankings(data: Set, folder: Path) -> Iterator[tuple[str, Scores | str, float]]:
    """Yield name, scores or the line that says why there are none, and seconds; ours first."""
    start = time.perf_counter()
    encodings = superpixels(data)
    yield OURS[0], by_product(encodings), time.perf_counter() - start
    start = time.perf_counter()
    vectors = deep_vectors(data)
    if isinstance(vectors, str):
        yield OURS[1], vectors, 0
    else:
        yield OURS[1], vectors @ vectors.T, time.perf_counter() - start
        yield from imagenet(data, folder)
    grey = [grey_bytes(item.read()) for item in data]
    for name, rank in PEERS.items():
        start = time.perf_counter()
        try:
            scores: Scores | str = rank(grey)
        except MissingError as error:
            scores = str(error)
        yield name, scores, time.perf_counter() - start
    start = time.perf_counter()
    try:
        yield "our words, BM25 (bm25s)", words_by_bm25(tokens(encodings)), time.perf_counter() - start
    except MissingError as error:
        yield "our words, BM25 (bm25s)", str(error), 0


def superpixels(data: Set) -> list[Encoding]:
    """Return the encodings of every image by our superpixels, by default."""
    made = bovw.superpixel().fit(item.read() for item in data)
    return [made.encode(item.read()) for item in data]


def by_product(encodings: list[Encoding]) -> Scores:
    """Return the score of every bag with every bag."""
    rows = np.stack([encoding.vector.dense() for encoding in encodings])
    return np.asarray(rows @ rows.T, dtype=np.float64)


def tokens(encodings: list[Encoding]) -> list[NDArray[np.int64]]:
    """Return the words of each picture, those for tone behind those for shape."""
    each = [(e.evidence["word"].astype(np.int64), e.evidence["tone"].astype(np.int64)) for e in encodings]
    behind = 1 + max(int(word.max()) for word, _ in each if len(word))
    return [np.concatenate([word, tone + behind]) for word, tone in each]


def deep_vectors(data: Set) -> NDArray[np.float32] | str:
    """Return the embeddings of every image by our embedder, at unit length; or why there are none."""
    try:
        from benchmarks.shared.networks import own_vectors
        from deep import deep
    except ImportError as error:
        return f"the deep family does not import ({error}); pip install 'semblance[deep]'"
    made = deep().fit(item.read() for item in data)
    return unit(own_vectors(made, (item.read() for item in data)))


def imagenet(data: Set, folder: Path) -> Iterator[tuple[str, Scores | str, float]]:
    """Yield an ImageNet network as packages of near-duplicates use them, where its weights are there."""
    from benchmarks.shared.networks import imagenet_vectors

    start = time.perf_counter()
    wanted = "MobileNetV2 average"
    found = imagenet_vectors((item.read() for item in data), folder, [wanted])
    name = f"ImageNet {wanted}, as imagededup uses V3"
    if wanted not in found:
        yield name, f"there are no weights of it in {folder / 'weights'}", 0
    else:
        rows = unit(found[wanted])
        yield name, rows @ rows.T, time.perf_counter() - start


def table(data: Set, folder: Path) -> Iterator[dict[str, object]]:
    """Measure every peer on one set and print the rows."""
    found: dict[str, Judged] = {}
    seconds: dict[str, float] = {}
    print(f"\n## {data.name}, {len(data)} pictures\n", flush=True)
    for name, scores, spent in rankings(data, folder):
        if isinstance(scores, str):
            print(f"left out: {name}: {scores}", flush=True)
        else:
            found[name], seconds[name] = judged(scores, data), spent
    p = against(found, data)
    ours = [name for name in OURS if name in found]
    print(f"\n| | mAP | P@1 | P@10 | s |{''.join(f' less {name} | p |' for name in ours)}")
    print(f"|---|--:|--:|--:|--:|{'--:|--:|' * len(ours)}")
    for name, measured in found.items():
        means = [100 * float(np.nanmean(each)) for each in measured]
        ends = [bootstrap_interval(100 * each, data.groups) for each in measured[:2]]
        cells = [f"{m:.1f} ({low:.1f}–{high:.1f})" for m, (low, high) in zip(means, ends, strict=False)]
        cells += [f"{means[2]:.1f}", f"{seconds[name]:.0f}"]
        for our in ours:
            apart = means[0] - 100 * float(np.nanmean(found[our][0]))
            sure = "**" if p.get((name, our), 1) < 0.05 else ""
            cells += [f"{sure}{apart:+.1f}{sure}", f"{p[name, our]:.3f}"] if (name, our) in p else ["", ""]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        values = {"map": means[0], "low": ends[0][0], "high": ends[0][1], "p1": means[1], "p10": means[2]}
        yield {"set": data.name, "system": name, **values, "seconds": seconds[name]}


def against(found: Mapping[str, Judged], data: Set) -> dict[tuple[str, str], float]:
    """Return the adjusted p of every peer against each of ours."""
    pairs = [(name, our) for name in found if name not in OURS for our in OURS if our in found]
    p = [compare({a: found[a][0], b: found[b][0]}, data.groups)[0].p for a, b in pairs]
    return dict(zip(pairs, holm(p).tolist(), strict=True))


def print_timed(rows: list[Timed]) -> None:
    """Print one table of ways to search."""
    print("\n| | built in s | ms a query | times ours | recall |\n|---|--:|--:|--:|--:|")
    for row in rows:
        build = "" if np.isnan(row.build) else f"{row.build:.1f}"
        ratio = row.milliseconds / rows[0].milliseconds
        print(f"| {row.name} | {build} | {row.milliseconds:.2f} | {ratio:.2f} | {row.recall:.1%} |")


def print_dense(n: int, folder: Path, names: list[str]) -> None:
    """Time the search of dense vectors: of real ones alone, and of as many as are wanted."""
    found = []
    for name in names:
        vectors = deep_vectors(Set.load(name, folder))
        if isinstance(vectors, str):
            print(f"left out: dense search: {vectors}")
            return
        found.append(vectors)
    rng = np.random.default_rng(0)
    real = rng.permutation(np.concatenate(found))
    asked = real[: min(HELD_OUT, len(real) // 5)]
    for size in sorted({len(real) - len(asked), max(n, len(real) - len(asked))}):
        rows = enlarged(real[len(asked) :], size, rng)
        print(f"\n### {size:,} dense vectors of {rows.shape[1]}, {len(asked)} queries", flush=True)
        try:
            print_timed(search.dense(rows, asked))
        except MissingError as error:
            print(f"left out: {error}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--most", type=int, default=300, help="pictures of a set, drawn at random; 0: all")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--vectors-of", nargs="+", default=list(VECTORS_OF), help="sets that are embedded")
    parser.add_argument("--bags", type=int, default=100_000)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        rows = [row for s in args.sets for row in table(drawn(Set.load(s, args.data), args.most), args.data)]
        if args.csv and rows:
            with args.csv.open("w", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
        print("\n## Search", flush=True)
        print_dense(args.vectors, args.data, args.vectors_of)
        found, line = search.words(args.bags, min(20_000, args.bags), 400, 20)
        print(f"\n### {args.bags:,} bags of 400 points, {min(20_000, args.bags):,} words\n")
        print(f"left out: {line}" if line else "bm25s ranks by BM25: its ten are not meant to be ours.")
        print_timed(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
