"""Print how far the confidence of a learnt metric is from what five folds say, on what it learnt from.

    python -m benchmarks.quality.learnt_confidence [SET...] [--by NAME] [--data FOLDER] [--jobs N]

A metric is learnt from all labels of an index, and every labelled image asks the index what it is called: a
confidence should say what the metric is worth on images it has not seen. *Five folds* measures that without
the index: whole groups are dealt to five folds, a metric is learnt on four of them, and the images of the
fifth are named by 10 votes of the others; groups that share near-duplicates are one, as in the index, and
*copies apart* is what comes out if they are not, so that an image is named by its copy. *Own labels* is what
the metric says of the images that it was learnt from, their own groups left out: what a confidence would
claim that was learnt from those.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.indexing import index_set, labelled
from benchmarks.shared.labelled_sets import DATA
from retrieval.answers.duplicate_groups import joined
from retrieval.answers.knn import vote
from retrieval.index import Index
from retrieval.index.search.query_options import QueryOptions
from retrieval.index.storage.near_duplicates import near_duplicates
from retrieval.index.update.training_set import MetricOptions
from retrieval.index.writer import IndexWriter
from retrieval.metric_learning import MetricLearner
from retrieval.metric_learning.matrix import unit
from retrieval.representation import Vector
from retrieval.statistics.groups import numbered

SETS = ("ultrasound3", "brain4", "wbc5", "skin7")
FOLDS, VOTES = 5, 10


class Labelled:
    """The labelled images of an index: their vectors by its base, labels and groups."""

    def __init__(self, index: Index, by: str) -> None:
        self.names = labelled(index)
        entries = [index.picture(name) for name in self.names]
        self.labels = [entry.labels[0] for entry in entries]
        self.apart = numbered([str(entry.metadata["group"]) for entry in entries])
        pairs, ranker, position = index.ask(
            lambda s: (near_duplicates(s).all_pairs, s.ranker(by), s.position)
        )
        place = {position(name): i for i, name in enumerate(self.names)}
        shared = [(place[p.one], place[p.other]) for p in pairs if p.one in place and p.other in place]
        self.groups = joined(self.apart.tolist(), shared)
        self.vectors: list[Vector] = [ranker.vector(position(name)) for name in self.names]

    def right(
        self, learnt_from: NDArray[np.intp], asked: NDArray[np.intp], groups: NDArray[np.int64]
    ) -> list[bool]:
        """Tell which images are named rightly by a metric and by the votes of what it was learnt from."""
        known = [self.labels[i] for i in learnt_from]
        projection = MetricLearner("nca").learn([self.vectors[i] for i in learnt_from], known)
        theirs = unit(projection.project_all([self.vectors[i] for i in learnt_from]).astype(np.float64))
        ours = unit(projection.project_all([self.vectors[i] for i in asked]).astype(np.float64))
        found = []
        for query, scores in zip(asked.tolist(), ours @ theirs.T, strict=True):
            scores[groups[learnt_from] == groups[query]] = -np.inf
            nearest = np.argsort(-scores, kind="stable")[:VOTES]
            votes = vote([(known[i],) for i in nearest], scores[nearest], VOTES)
            found.append(next(iter(votes)) == self.labels[query])
        return found

    def five_folds(self, groups: NDArray[np.int64]) -> float:
        """Return the share of images that are named rightly by what was learnt without their groups."""
        owners, group = np.unique(groups, return_inverse=True)
        # Another seed than the product's: its own folds must not be what it is measured by.
        fold = (np.random.default_rng(1).permutation(len(owners)) % FOLDS)[group]
        sides = ((np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(FOLDS))
        found = [self.right(*each, groups) for each in sides]
        return float(np.mean(np.concatenate(found)))


def line(name: str, folder: Path, by: str, data: Path, jobs: int) -> str:
    """Return the row of one set."""
    index_set(name, folder, [by], data, jobs).close()
    path = folder / f"{name}.index"
    with IndexWriter.open(path) as writer:
        metric = writer.learn_metric(MetricOptions(by, MetricLearner("nca"), has_trial=False)).name
    with Index.open(path) as index:
        options = QueryOptions(by=[metric], k=VOTES)
        images = Labelled(index, by)
        answers = [index.classify(one, options) for one in images.names]
    known = [one.confidence for one in answers if one.confidence is not None]
    everything = np.arange(len(images.names))
    own = float(np.mean(images.right(everything, everything, images.apart)))
    folds, apart = images.five_folds(images.groups), images.five_folds(images.apart)
    answered = sum(one.doubt is None for one in answers) / len(answers)
    cells = (
        f"{len(known) / len(answers):.0%}",
        f"{answered:.0%}",
        f"{own:.1%}",
        f"{apart:.1%}",
        f"{folds:.1%}",
    )
    confidence = float(np.mean(known)) if known else float("nan")
    return f"| {name} | {' | '.join(cells)} | {confidence:.1%} | {abs(confidence - folds):.3f} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--by", default="dense")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    print(
        "| set | have a confidence | get a label | right, own labels | copies apart | right, five folds "
        "| mean confidence | difference |\n|---|--:|--:|--:|--:|--:|--:|--:|"
    )
    for name in args.sets:
        with tempfile.TemporaryDirectory() as scratch:
            print(line(name, Path(scratch), args.by, args.data, args.jobs), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
