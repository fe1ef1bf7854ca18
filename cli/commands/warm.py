"""``semblance warm``: compile all kernels now, so that no later command waits for them."""

from __future__ import annotations

import os
import sys
import time
import zlib
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from retrieval.errors import SettingError

from ..options.command import command
from ..options.parameters import Arguments, quiet
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.region import Region

EXAMPLE = """example:
  semblance warm

The kernels, which do most of the computing, are compiled to machine code for this processor when they are
first needed, and kept beside the package or in numba's folder of the user (NUMBA_CACHE_DIR). That takes
about a minute, once. `semblance index` does it before its first run; with SEMBLANCE_WARM=never it does not,
and each kernel is compiled when it is first called."""

STAGE = "compiling kernels, once, about a minute"
NEVER = "never"
UNKEPT = (
    "they cannot be kept: neither the folder of the package nor yours can be written to; "
    "set NUMBA_CACHE_DIR to one that can"
)

SETTINGS: Sequence[tuple[str, dict[str, Any]]] = (
    ("sift", {}),
    ("dense", {"signature": 64}),
    ("superpixel", {"verify": 4, "expand": 2}),
    ("vlad", {}),
    ("asmk", {}),
    ("thumbnail", {}),
    ("colour", {}),
)
"""Representations that together call all kernels of the usual settings."""
OTHER_SETTINGS: Sequence[tuple[str, dict[str, Any]]] = (
    ("sift", {"descriptor": "rootsift", "approximate_above": 1}),
    ("dense", {"descriptor": "patch"}),
    ("superpixel", {"descriptor": "opponentsift", "signature": 32}),
)
"""The same representations with settings that call other kernels."""
SMALL = {"points": 60, "words": 16, "tone_words": 8}
N_IMAGES, SIDE = 8, 96


@command(EXAMPLE)
@quiet
def run(args: Arguments) -> int:
    """Compile, and say how long it took."""
    started = time.monotonic()
    with ProgressBar("steps", args.quiet) as progress:
        warm_up(progress)
    from retrieval.kernel import KERNELS

    print(f"kernels compiled in {time.monotonic() - started:.0f} s")
    if not KERNELS[0].can_be_cached:
        print(UNKEPT, file=sys.stderr)
    return 0


def warm_up_once(names: Sequence[str], progress: ProgressBar) -> None:
    """Compile all kernels if representations need them, none is cached yet, and the user allows it."""
    from retrieval.kernel import KERNELS
    from retrieval.registry import make

    if os.environ.get("SEMBLANCE_WARM") == NEVER:
        return
    for name in names:
        with suppress(SettingError):  # one that cannot be made is refused where it is used
            make(name)  # imports the modules of its kernels
    # Kernels of rankings compile quickly; those of visual words take a minute.
    kernels = [one for one in KERNELS if one.__module__.startswith("bovw.")]
    if any(one.is_cached_beside for one in kernels):  # seen without loading numba
        return
    # Where nothing can be kept, each process compiles what it calls, and no more.
    if kernels and kernels[0].can_be_cached and not any(one.is_cached for one in kernels):
        warm_up(progress)


def warm_up(progress: ProgressBar) -> None:
    """Index and query small synthetic images, in this process, so that numba compiles what is called."""
    with TemporaryDirectory(prefix="semblance-") as made:
        folder = Path(made)
        write_images(folder / "images")
        steps = _steps(folder)
        for done, step in enumerate(steps):
            progress(STAGE, done, len(steps))
            step()
        progress(STAGE, len(steps), len(steps))
    from retrieval.kernel import KERNELS

    for kernel in KERNELS:
        kernel.confirm()


def write_images(folder: Path) -> None:
    """Write smooth synthetic images, in colour and grey by turns, with points of all kinds, and stripes."""
    import cv2
    import numpy as np

    folder.mkdir(parents=True)
    for number in range(N_IMAGES):
        coarse = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number}.png"), image if number % 2 else image[:, :, 0])
    # Flat areas give too few superpixels, which a kernel of its own then halves.
    stripes = np.where(np.arange(SIDE) // 16 % 2, 200, 50).astype(np.uint8)
    cv2.imwrite(str(folder / "stripes.png"), np.tile(stripes, (SIDE, 1)))


def _steps(folder: Path) -> list[Callable[[], None]]:
    """Return the steps of the warm-up, which take about as long as each other."""
    indexing = [
        lambda name=name, settings=settings, number=number: _index(folder, number, name, settings)
        for number, kinds in enumerate((SETTINGS, OTHER_SETTINGS))
        for name, settings in kinds
    ]
    # Indexing compiles most kernels; queries of both indexes the rest.
    return [
        *indexing,
        *(lambda number=number: _query(folder, number) for number in (0, 1)),
        lambda: _rank_by_codes(folder),
        lambda: _rank_by_graph(folder / "coded"),
        lambda: _rank_pruned(folder / "bags"),
    ]


def _index(folder: Path, number: int, name: str, settings: dict[str, Any]) -> None:
    """Add a representation to an index, which is made if it is not there, and index all images."""
    from retrieval.index.writer import IndexWriter
    from retrieval.registry import make

    given = {**SMALL, **settings}
    # Baselines have neither points nor words.
    known = make(name).settings
    place = folder / f"{number}.index"
    # One representation at a time, so that the bar moves as each is compiled.
    opened = IndexWriter.open(place) if place.exists() else IndexWriter.create(place)
    with opened as index:
        index.add_representation(make(name, {key: given[key] for key in given if key in known}))
        index.update([folder / "images"], jobs=1)


def _query(folder: Path, number: int) -> None:
    """Query an index in all ways that rank by other kernels."""
    from retrieval.index import Index
    from retrieval.region import Region

    with Index.open(folder / f"{number}.index") as index:
        # A region searches windows by kernels of its own, and a file is encoded as no stored image is.
        for name in index.representations:
            _query_by(index, name, Region.box(10, 10, 40, 40))
        index.query("1.png", k=3, group_by="source", collapse=1.0)
        index.query_volume(["1.png", "2.png"])
        index.explain("1.png", "2.png", by=["dense"])


def _rank_by_codes(folder: Path) -> None:
    """Rank vectors of a segment that is large enough for byte codes, by themselves and as a blend."""
    import numpy as np

    from retrieval.metric_learning.blended_ranker import BlendedRanker
    from retrieval.rankers.dense import ExactRanker
    from retrieval.rankers.dense_block import CODED

    made = ExactRanker(8)
    vectors = np.random.default_rng(0).standard_normal((CODED, 8)).astype(np.float32)
    made.add(np.arange(CODED), vectors)
    made.save(folder / "coded")
    coded = ExactRanker.open([folder / "coded"], 8)
    coded.rank(vectors[0], 3)
    BlendedRanker(coded, coded, 8, 1.0).rank(np.append(vectors[0], vectors[0]), 3)


def _rank_by_graph(segment: Path) -> None:
    """Search a graph of vectors without links: faiss, which would build one, need not be installed."""
    import numpy as np

    from retrieval.rankers.block_sums import BlockSums, RowCheck
    from retrieval.rankers.dense_block import CODED, open_segment
    from retrieval.rankers.graph import LINKS, Families, Graph, open_graph, save_graph
    from retrieval.rankers.graph_walk import walk
    from retrieval.rankers.row_scores import best_of

    alone = np.full(CODED, -1, dtype=np.int32)
    links = np.repeat(alone[:, None], 2 * LINKS, axis=1)
    folder = segment.with_name("graph")
    graph = Graph(links, np.empty((0, LINKS), np.int32), alone, np.zeros(2, np.int64))
    save_graph(folder, graph, Families.of(np.arange(CODED)))
    ids, block = open_segment(segment, 8)
    codes, query = block.codes, np.ones(8, np.float32)
    assert codes is not None  # a segment of this size has codes
    walk(open_graph(folder, CODED)[0], codes.arrays, query, 3)
    # Candidates are checked in files that are too large to be checked at once, and scored by their vectors.
    large = BlockSums(segment, np.zeros(9, np.uint8), array("I", [zlib.crc32(bytes(9))]))
    RowCheck(large).some(np.arange(9))
    best_of(block.vectors, block.lengths, ids, np.arange(9), query, 3)


def _rank_pruned(folder: Path) -> None:
    """Score a selection of bags, in full precision and packed, rank all with pruning, and compare two."""
    import numpy as np

    from retrieval.answers.smoothing import smooth
    from retrieval.rankers.inverted import InvertedIndex
    from retrieval.rankers.packed.factors import Factors
    from retrieval.rankers.pruning import SMALLEST
    from retrieval.representation import SparseVector

    bag = SparseVector(np.arange(2, dtype=np.uint32), np.ones(2, np.float32), 4)
    made = InvertedIndex(4)
    made.add(np.arange(SMALLEST), [bag] * SMALLEST)
    made.save(folder)
    InvertedIndex.open([folder], 4).rank(bag, 1, np.arange(SMALLEST) < 1)
    factors = Factors(np.arange(2.0), np.ones(4), np.array([4]), np.ones(1, np.float32))
    segments = [folder / "first", folder / "second"]  # of the second, rows are masked
    for number, segment in enumerate(segments):
        made = InvertedIndex(4, factors)
        made.add(number * SMALLEST + np.arange(SMALLEST), [bag] * SMALLEST)
        made.save(segment)
    packed = InvertedIndex.open(segments, 4, factors)
    packed.rank(bag, 1, np.arange(SMALLEST) < 1)
    packed.rank(bag, SMALLEST)
    # Many rows are looked for in one pass.
    packed.scores(bag, np.arange(2 * SMALLEST))
    # Smoothing compares the best images with each other.
    smooth(packed.rank(bag, 2), packed.cosines(np.arange(2)), 1)


def _query_by(index: Index, name: str, region: Region) -> None:
    index.query("1.png", by=[name], k=3)
    index.query(index.read("2.png"), by=[name], k=3)
    index.query("1.png", by=[name], k=3, region=region)
