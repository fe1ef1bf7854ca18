"""Print how fast candidates are verified, and what verification gains on labelled sets.

    python -m benchmarks.speed.verification [SET...] [--data FOLDER] [--by NAME...] [--row ROW...] [--jobs N]
    python -m benchmarks.speed.verification --speed

Speed: 200 candidates of 400 points each, in one thread, by the number of words, without signatures and with
64 bits; one of them is the query, turned and scaled, the others are random. Processor time, best of 5.

Gain: each picture of a set asks once, the pictures of its own patient, lesion or group of near-duplicates
left out; the best are reranked as each row says. The words of all rows are the same. Differences are
to the ranking by words alone, paired, query by query, with intervals: 95 %, bootstrap by group, 1,000 draws.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.leave_one_out import encode
from benchmarks.speed.verification_time import print_speed
from bovw.bag_of_words import BagOfWords
from bovw.verification.evidence import EVIDENCE
from retrieval.evidence.localization import Candidates, Located
from retrieval.ranker import Ranker, Ranking, order
from retrieval.registry import make
from retrieval.representation import Encoding
from retrieval.statistics.measures import average_precision, bootstrap_interval, precision_at

SETS = ("brain4", "ultrasound3", "cxr3", "histology5", "skin7", "wbc5")
BY = ("superpixel", "dense", "sift")
Floats = NDArray[np.float64]


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

    def without_signatures(self) -> Collection:
        """Return the same without the signatures of points."""
        plain = np.empty(len(self.evidence), EVIDENCE)
        for column in EVIDENCE.names or ():
            plain[column] = self.evidence[column]
        parts = np.split(plain, self.offsets[1:-1])
        encodings = [Encoding(e.vector, p) for e, p in zip(self.encodings, parts, strict=True)]
        return replace(self, encodings=encodings, evidence=plain)

    def candidates(self, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> Candidates:
        """Return what is known of some pictures."""
        parts = [self.evidence[self.offsets[i] : self.offsets[i + 1]] for i in ids]
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return Candidates(np.concatenate(parts), offsets, self.shapes[ids], scores)


@dataclass(frozen=True)
class Kind:
    """What a row of the table measures: whether signatures are looked at, and the settings of the query."""

    has_signatures: bool
    settings: Mapping[str, int]


KINDS = {
    "verify 100": Kind(False, {"verify": 100}),
    "expand 5": Kind(False, {"verify": 100, "expand": 5}),
    "signature 64": Kind(True, {}),
    "signature 64, verify 100": Kind(True, {"verify": 100}),
}


def looked_again(made: BagOfWords, known: Collection, asking: int, ranking: Ranking) -> Ranking:
    """Leave the group of the one who asks out, and look at the best again."""
    return _sighted(made, known, asking, known.encodings[asking], _others(known, asking, ranking))[0]


def expanded(made: BagOfWords, known: Collection, asking: int, ranking: Ranking, ranker: Ranker) -> Ranking:
    """Rerank the best, ask with the query that verified hits are added to, and rerank again."""
    first, located = _sighted(made, known, asking, known.encodings[asking], _others(known, asking, ranking))
    verified = [i for i in range(len(located.n_inliers)) if located.n_inliers[i] > 0][: made.n_expanding]
    if not verified:
        return first
    hits = known.candidates(first.ids[verified], first.scores[verified])
    more = made.expanded(known.encodings[asking], hits, located.boxes[verified])
    again = _others(known, asking, ranker.rank(more.vector, len(known.encodings)))
    return _sighted(made, known, asking, more, again)[0]


def _others(known: Collection, asking: int, ranking: Ranking) -> Ranking:
    others = known.data.groups[ranking.ids] != known.data.groups[asking]
    return Ranking(ranking.ids[others], ranking.scores[others])


def _sighted(
    made: BagOfWords, known: Collection, asking: int, query: Encoding, ranking: Ranking
) -> tuple[Ranking, Located]:
    """Return a ranking after the second look, and what that said of its best, in their new order."""
    n = made.n_candidates(False)
    rows, cols = known.shapes[asking].tolist()
    best = known.candidates(ranking.ids[:n], ranking.scores[:n])
    found = made.locate(query, (rows, cols), None, best)
    places = order(np.arange(len(best)), found.scores, len(best)).ids
    scores = found.scores[places]
    rest = np.minimum(ranking.scores[n:], scores[-1])
    ids = np.concatenate([ranking.ids[places], ranking.ids[n:]])
    located = Located(scores, found.boxes[places], found.n_inliers[places])
    return Ranking(ids, np.concatenate([scores, rest])), located


def judged(known: Collection, found: Sequence[Ranking]) -> Floats:
    """Return average precision and precision at 1 of each query, (2, n); NaN if nothing is right."""
    labels, groups = known.data.labels, known.data.groups
    columns = []
    for i, ranking in enumerate(found):
        ids = ranking.ids[groups[ranking.ids] != groups[i]]
        right = labels[ids] == labels[i]
        columns.append([average_precision(right), precision_at(right, 1) if right.any() else np.nan])
    return np.array(columns).T


def lines(data: Set, names: Sequence[str], kinds: Sequence[str], jobs: int) -> Iterator[str]:
    """Measure each representation on one set."""
    for name in names:
        made = make(name, {"signature": 64})
        assert isinstance(made, BagOfWords)
        known = Collection.of(data, encode(made, data.items, jobs))
        ranker = made.make_ranker()
        ranker.add(np.arange(len(data)), [e.vector for e in known.encodings])
        words = [ranker.rank(e.vector, len(data)) for e in known.encodings]
        before = judged(known, words)
        yield f"| {data.name} | {name} | words alone | {_percent(before[0])} | | {_percent(before[1])} | |"
        for kind in kinds:
            asked = made if KINDS[kind].has_signatures else without_signatures(made)
            asked = asked.adjusted(**KINDS[kind].settings)
            among = known if KINDS[kind].has_signatures else known.without_signatures()
            if asked.n_expanding:
                after = judged(known, [expanded(asked, among, i, r, ranker) for i, r in enumerate(words)])
            else:
                after = judged(known, [looked_again(asked, among, i, r) for i, r in enumerate(words)])
            cells = []
            for was, now in zip(before, after, strict=True):
                low, high = bootstrap_interval(now - was, data.groups)
                cells += [_percent(now)]
                cells += [f"{100 * np.nanmean(now - was):+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"]
            yield f"| {data.name} | {name} | {kind} | {' | '.join(cells)} |"


def _percent(values: Floats) -> str:
    return f"{100 * np.nanmean(values):.1f}"


def without_signatures(made: BagOfWords) -> BagOfWords:
    """Return the same words without signatures."""
    plain = BagOfWords(made.name, made.detector, replace(made.chosen, signature=0))
    return plain.restore({name: a for name, a in made.learnt().items() if "signatures" not in name})


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--by", action="append", choices=BY)
    parser.add_argument("--row", action="append", choices=list(KINDS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--speed", action="store_true", help="the speed alone")
    args = parser.parse_args()
    print_speed()
    if args.speed:
        return 0
    print("\n| set | by | ranked by | mAP | difference | P@1 | difference |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in args.sets:
        for line in lines(Set.load(name, args.data), args.by or BY, args.row or list(KINDS), args.jobs):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
