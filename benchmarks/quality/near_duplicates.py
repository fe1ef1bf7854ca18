"""Print how many near-duplicates the proposals find, against comparing all pairs, and what that costs.

    python -m benchmarks.quality.near_duplicates [SET...] [--data FOLDER] [--most N]

Up to 300 images of a set, and 75 copies of them: the same again, JPEG of quality 50, half the size, another
gamma, shifted, with noise, turned by 2°, mirrored, cropped by 5 %. *Found*: of all pairs whose correlation is
at the threshold or above, the share that is proposed; of the set alone, and with the copies. *Copies*: the
share of the copies that correlate with their original.

The last column: an index of the set with its copies, each of a patient of its own, is asked for findings
(k = 10) with 20 images of it, by thumbnails; milliseconds of the processor that looking for near-duplicates
adds to a query: the first time it is asked, and when the same queries are asked again; and, once in a
process, among all images (``retrieval.index.search.joined_cases``) and the samples that say what is usual.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.labelled_sets import DATA, Set, drawn
from retrieval.answers.duplicate_finder import DuplicateFinder, structure
from retrieval.answers.duplicate_proposals import propose
from retrieval.answers.near_duplicates import correlation
from retrieval.baselines import Thumbnail
from retrieval.index import Index
from retrieval.index.search import find_labels
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

Grey = NDArray[np.float32]

SETS = ("brain4", "ultrasound3", "wbc5", "skin7", "cxr3")
N_COPIES, SIDE, N_QUERIES = 75, 192, 20


def jpeg(grey: Grey, quality: int) -> Grey:
    """Return an image after JPEG."""
    coded = cv2.imencode(".jpg", (np.clip(grey, 0, 1) * 255).astype(np.uint8), [1, quality])[1]
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.float32) / np.float32(255)


def turned(grey: Grey) -> Grey:
    rows, cols = grey.shape
    matrix = cv2.getRotationMatrix2D((cols / 2, rows / 2), 2, 1)
    return cv2.warpAffine(grey, matrix, (cols, rows), borderMode=cv2.BORDER_REPLICATE)


CHANGES: dict[str, Callable[[Grey, np.random.Generator], Grey]] = {
    "same": lambda g, _: g,
    "JPEG": lambda g, _: jpeg(g, 50),
    "half": lambda g, _: cv2.resize(g, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "gamma": lambda g, _: g ** np.float32(1.6),
    "shifted": lambda g, _: np.roll(g, (7, -9), (0, 1)),
    "noise": lambda g, random: np.clip(g + random.normal(0, 0.03, g.shape).astype(np.float32), 0, 1),
    "turned": lambda g, _: turned(g),
    "mirrored": lambda g, _: np.ascontiguousarray(g[:, ::-1]),
    "cropped": lambda g, _: g[g.shape[0] // 20 :, : g.shape[1] - g.shape[1] // 20],
}


def images_of(data: Set) -> tuple[list[Grey], list[int]]:
    """Return the images, then the copies, all as thumbnails are, and the original of each."""
    random = np.random.default_rng(1)
    images = [jpeg(item.read().fit_within(SIDE)[0].grey, 85) for item in data]
    sources = list(range(len(images)))
    for number in range(N_COPIES):
        source = int(random.integers(len(data)))
        change = list(CHANGES.values())[number % len(CHANGES)]
        images.append(jpeg(change(images[source], random), 85))
        sources.append(source)
    return images, sources


def found(finder: DuplicateFinder, images: Sequence[Grey]) -> tuple[int, float, float]:
    """Return the number of near-duplicates among all pairs, the share found, and the proposals an image."""
    made = [structure(image) for image in images]
    proposed = {tuple(pair) for pair in propose([one.signature for one in made]).tolist()}
    n = len(images)
    true = {
        (i, j)
        for i in range(n)
        for j in range(i + 1, n)
        if correlation(made[i].spectrum, made[j].spectrum) >= max(made[i].threshold, made[j].threshold)
    }
    assert {(pair.one, pair.other) for pair in finder.pairs(range(n))} == true & proposed
    return len(true), len(true & proposed) / max(len(true), 1), len(proposed) / n


def added(images: Sequence[Grey], data: Set, sources: Sequence[int]) -> tuple[float, float, float]:
    """Return the milliseconds that near-duplicates add to findings: at first, again, and once for samples."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "scans").mkdir()
        lines = ["path,label,patient"]
        for number, (image, source) in enumerate(zip(images, sources, strict=True)):
            cv2.imwrite(str(place / "scans" / f"{number:03}.png"), (image * 255).astype(np.uint8))
            lines.append(f"{number:03}.png,{data.items[source].label},p{number}")
        (place / "labels.csv").write_text("\n".join([*lines, ""]))
        with IndexWriter.create(place / "i") as writer:
            writer.add_representation(Thumbnail())
            writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
        # What a thumbnail shows is kept by the process: the first question comes first.
        with Index.open(place / "i") as index:
            asking = index.names[:: len(index) // N_QUERIES][:N_QUERIES]
            once = looking(index, asking[:1])
        # Without the samples, which would leave few images that a query sees for the first time.
        with ExitStack() as off, Index.open(place / "i") as index:
            for name in ("kind_percentile", "likeness_percentile"):
                off.enter_context(patch.object(find_labels, name, lambda *_: None))
            _ = index.find_labels(index.names[-1], k=1)  # what is imported late is no part of the time
            first, again = (looking(index, asking) / N_QUERIES for _ in range(2))
        return first, again, once


def looking(index: Index, names: Sequence[str]) -> float:
    """Return the milliseconds that near-duplicates take in some queries: those within the finder."""
    spent, is_within = 0.0, False

    def timed(plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            nonlocal spent, is_within
            if is_within:
                return plain(*given)
            started, is_within = time.process_time(), True
            try:
                return plain(*given)
            finally:
                spent, is_within = spent + time.process_time() - started, False

        return call

    with ExitStack() as timing:
        for method in ("distinct", "pairs", "copies"):
            plain = getattr(DuplicateFinder, method)
            timing.enter_context(patch.object(DuplicateFinder, method, timed(plain)))
        for name in names:
            index.find_labels(name, k=10)
    return 1000 * spent


def line(name: str, data: Set) -> str:
    """Measure a set, and return a row of the table."""
    images, sources = images_of(data)
    n = len(data)
    finder = DuplicateFinder(lambda number: structure(images[number]), len(images))
    n_alone, alone, _ = found(finder, images[:n])
    n_pairs, share, proposals = found(finder, images)
    shown = f"{alone:.1%}" if n_alone else "-"
    copies = np.mean([finder.likeness(sources[i], i) > 0 for i in range(n, len(images))])
    first, again, once = added(images, data, sources)
    return (
        f"| {name} | {n} | {n_alone} | {shown} | {n_pairs} | {share:.1%} | {proposals:.1f} "
        f"| {copies:.0%} | {first:.1f}, {again:.1f}, {once:.0f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--most", type=int, default=300, metavar="N", help="images of a set, 0 for all")
    args = parser.parse_args()
    print(
        "| set | images | pairs | found | pairs with copies | found | proposed | copies "
        "| ms first, again, once |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name in args.sets:
        print(line(name, drawn(Set.load(name, args.data), args.most)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
