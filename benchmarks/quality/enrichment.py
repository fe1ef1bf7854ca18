"""Print how often the true class is among the significant findings of an answer, and how often a wrong one
is.

    python -m benchmarks.quality.enrichment [SET...] [--data FOLDER] [-k N]... [--jobs N]

Each picture of a set asks once with its own group left out, and its best k cases are tested
(``retrieval.answers.enrichment``). ``shuffled`` is the same with the labels dealt anew among the cases: there
every finding is a false one, and at most 5 of 100 answers should have any. Intervals: 95 %, bootstrap by
group, 1,000 draws.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.shared.indexing import RECIPES, index_set, labelled
from benchmarks.shared.labelled_sets import DATA
from retrieval.answers.enrichment import find_labels
from retrieval.index import Index
from retrieval.statistics.measures import bootstrap_interval

SETS = ("brain4", "wbc5")
_LABELS = 20
"""Times that labels are shuffled."""


def cases_of(index: Index, name: str, by: Sequence[str], k: int) -> list[str]:
    """Return the groups of the best k cases of a query, its own left out."""
    hits = index.query(
        name, by=by, k=k, group_by="group", not_same="group", where="label is not null", fusion="rrf"
    )
    return [str(index.picture(hit.id).metadata["group"]) for hit in hits]


def rows(index: Index, by: Sequence[str], ks: Sequence[int]) -> list[str]:
    """Return a line of the table for each k."""
    names = labelled(index)
    group = {name: str(index.picture(name).metadata["group"]) for name in names}
    labels: dict[str, set[str]] = {}
    for name in names:
        labels.setdefault(group[name], set()).update(index.picture(name).labels)
    found = {name: cases_of(index, name, by, max(ks)) for name in names}
    return [_line(names, group, labels, found, k) for k in ks]


def _line(
    names: Sequence[str],
    group: dict[str, str],
    labels: dict[str, set[str]],
    found: dict[str, list[str]],
    k: int,
) -> str:
    right, wrong, silent = [], [], []
    sizes = Counter(group[name] for name in names)
    for name in names:
        own = labels[group[name]]
        said = significant(labels, sizes, group[name], found[name][:k])
        right.append(bool(said & own))
        wrong.append(bool(said - own))
        silent.append(not said)
    false = _shuffled(names, group, labels, sizes, found, k)
    low, high = bootstrap_interval(right, [group[name] for name in names])
    shares = (np.mean(wrong), np.mean(silent), false)
    rest = " | ".join(f"{share:.1%}" for share in shares)
    return f"| {k} | {np.mean(right):.1%} | {low:.1%} to {high:.1%} | {rest} |"


def significant(
    labels: dict[str, set[str]], sizes: Mapping[str, int], own: str, cases: Sequence[str]
) -> set[str]:
    """Return the labels that the cases share beyond chance, compared with cases of as many images."""
    others = [key for key in labels if key != own]
    findings = find_labels(
        [labels[case] for case in cases],
        [labels[case] for case in others],
        [sizes[case] for case in cases],
        [sizes[case] for case in others],
    )
    return {one.label for one in findings if one.is_significant}


def _shuffled(
    names: Sequence[str],
    group: dict[str, str],
    labels: dict[str, set[str]],
    sizes: Mapping[str, int],
    found: dict[str, list[str]],
    k: int,
) -> float:
    """Return the share of answers with any finding where labels are dealt anew among the cases."""
    random = np.random.default_rng(0)
    chosen = random.permutation(names)[:50]
    said = []
    for _ in range(_LABELS):
        order = random.permutation(len(labels))
        values = list(labels.values())
        dealt = {key: values[i] for key, i in zip(labels, order, strict=True)}
        said += [bool(significant(dealt, sizes, group[name], found[name][:k])) for name in chosen.tolist()]
    return float(np.mean(said))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("-k", type=int, action="append", help="matching cases [10, 20, 50]")
    parser.add_argument("--recipe", action="append", choices=list(RECIPES), help="[all]")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    recipes = {name: by for name, by in RECIPES.items() if name in (args.recipe or RECIPES)}
    print(
        "| set | by | matching cases | true class found | 95 % interval | a wrong one | not enough evidence "
        "| any found, labels shuffled |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    for name in args.sets:
        with tempfile.TemporaryDirectory() as scratch:
            names = [one for by in recipes.values() for one in by]
            with index_set(name, Path(scratch), names, args.data, args.jobs) as index:
                for recipe, by in recipes.items():
                    for line in rows(index, by, args.k or [10, 20, 50]):
                        print(f"| {name} | {recipe} {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
