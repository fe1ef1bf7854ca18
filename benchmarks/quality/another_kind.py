"""Print how often an image of another modality gets "don't know", and how often one of the same does.

    python -m benchmarks.quality.another_kind [INDEX=OTHER...] [--by NAME] [--most N] [--data FOLDER]

Each set is indexed and asked by images of a set of another modality, which it has never seen, and by its own,
each without its own group. *Before* is without the rule that judges the kind of an image
(``retrieval.answers.image_kind``): too little confidence, or unlike anything. *After* is with it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.shared.indexing import index_set, labelled
from benchmarks.shared.labelled_sets import DATA, Set, drawn
from retrieval.answers.knn import Classification
from retrieval.index import Index
from retrieval.index.search.query_options import QueryOptions

PAIRS = ("brain4=ultrasound3", "ultrasound3=brain4", "skin7=wbc5")


def line(answers: Iterable[Classification]) -> str:
    """Return how many queries there are, and how many get no label before and after, as cells of a table."""
    found = list(answers)
    before = sum(replace(one, kind=None).doubt is not None for one in found) / len(found)
    kind = sum(one.is_another_kind for one in found) / len(found)
    after = sum(one.doubt is not None for one in found) / len(found)
    return f"{len(found)} | {before:.1%} | {kind:.1%} | {after:.1%}"


def measure(index: Index, name: str, other: Set, by: str, most: int) -> list[str]:
    """Return both rows of a pair: the other kind, and the index's own images."""
    options = QueryOptions(by=[by], k=10)
    names = labelled(index)
    own = [names[i] for i in np.random.default_rng(0).permutation(len(names))[: most or None]]
    asked = drawn(other, most)
    return [
        f"| {name} | {other.name} | {line(index.classify(item.read(), options) for item in asked)} |",
        f"| {name} | its own | {line(index.classify(one, options) for one in own)} |",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", nargs="*", default=list(PAIRS), metavar="INDEX=OTHER")
    parser.add_argument("--by", default="dense")
    parser.add_argument("--most", type=int, default=200, help="queries of a set, drawn at random; 0: all")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    print("| index | queries | n | don't know before | another kind | don't know after |")
    print("|---|---|--:|--:|--:|--:|")
    for pair in args.pairs:
        name, _, other = pair.partition("=")
        asked = Set.load(other, args.data)
        with (
            tempfile.TemporaryDirectory() as scratch,
            index_set(name, Path(scratch), [args.by], args.data, args.jobs) as index,
        ):
            print("\n".join(measure(index, name, asked, args.by, args.most)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
