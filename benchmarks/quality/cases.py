"""Check cases, and measure how well a volume retrieves as a query.

    python -m benchmarks.quality.cases [--data FOLDER] [--people N] [--jobs N]

Three tables. *Answers*: every slice of ``ct_dicom`` asks for cases by each rule; how many answers hold two
rows of one case, and how many differ from a plain reference in Python (both must be 0); and how well the
contrast label of the best case and of the ranking fits, the query's own patient left out. *Order*: slices of
``volume_mrhead`` with shuffled InstanceNumbers and file names. *Volumes*: phantoms of N people, two scans
each, of other noise, place, turn and slices; the first scan asks for the person among all other scans, as a
whole or with its middle slice alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.quality.locate import write_volume
from benchmarks.shared.indexing import RECIPES, index_set
from benchmarks.shared.labelled_sets import DATA
from benchmarks.shared.phantoms import make_phantom
from retrieval.index import Hit, Index
from retrieval.index.writer import IndexWriter
from retrieval.readers.slice_stacks import Slice, find_stacks
from retrieval.registry import make
from retrieval.statistics.measures import bootstrap_interval
from retrieval.statistics.tied_ranking import TiedRanking

RULES = ("best", "mean-3", "rank-weighted")
COLUMNS = ("patient", "series")


def plain(hits: Sequence[Hit], value: dict[str, str], rule: str) -> dict[str, float]:
    """Return the score of each case, in plain Python, from the ranking of all pictures."""
    scores: dict[str, list[float]] = {}
    for hit in hits:
        scores.setdefault(value[hit.id], []).append(hit.score)
    found = {}
    for case, own in scores.items():
        n = {"best": 1, "mean-3": 3}.get(rule, len(own))
        weights = [1 / (j + 1) if rule == "rank-weighted" else 1.0 for j in range(len(own[:n]))]
        found[case] = sum(w * s for w, s in zip(weights, own, strict=False)) / sum(weights)
    return found


def answers(index: Index, by: Sequence[str]) -> Iterator[str]:
    """Yield a line for each rule and column."""
    entries = {entry.name: entry for entry in index.pictures()}
    for column in COLUMNS:
        value = {name: str(entry.groups.get(column, name)) for name, entry in entries.items()}
        for rule in RULES:
            twice = differing = 0
            precisions, first = [], []
            for name in index.names:
                kept = index.query(
                    name, by=by, k=len(index), group_by=column, case_by=rule, collapse=0.0, fusion="rrf"
                )
                cases = [value[hit.id] for hit in kept]
                twice += len(set(cases)) < len(cases)
                expected = plain(index.query(name, by=by, k=len(index), fusion="rrf"), value, rule)
                same = set(expected) == set(cases) and all(
                    abs(hit.score - expected[value[hit.id]]) < 1e-5 for hit in kept
                )
                differing += not same or any(a.score < b.score for a, b in pairwise(kept))
                others = index.query(
                    name, by=by, k=len(index), group_by=column, case_by=rule, not_same="patient", fusion="rrf"
                )
                right = np.array([entries[hit.id].labels == entries[name].labels for hit in others])
                ranking = TiedRanking(right, np.array([hit.score for hit in others]))
                precisions.append(ranking.average_precision())
                first.append(ranking.precision_at(1))
            yield (
                f"| {column} | {rule} | {len(index)} | {len(set(value.values()))} | {twice} | {differing} "
                f"| {np.mean(first):.0%} | {np.nanmean(precisions):.1%} |"
            )


def order(data: Path, scratch: Path) -> str:
    """Return a line on the order of real slices whose InstanceNumbers and names say nothing."""
    import pydicom

    folder = scratch / "shuffled"
    folder.mkdir()
    random = np.random.default_rng(0)
    files = sorted((data / "volume_mrhead").glob("*.IMA"))
    numbers = random.permutation(len(files))
    for path, number in zip(files, numbers.tolist(), strict=True):
        dataset = pydicom.dcmread(path)
        dataset.InstanceNumber = int(number) + 1
        dataset.save_as(folder / f"{number:03d}.dcm")
    with IndexWriter.create(scratch / "order") as index:
        index.add_representation(make("thumbnail"))
        index.update([folder], jobs=1)
        slices = [Slice.of(e.name, e.groups, e.metadata, e.shape) for e in index.pictures()]
        stacks = find_stacks(slices)
        found = [slices[i].name for i in stacks[0]]
    truth = {
        f"{number:03d}.dcm": pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[1]
        for path, number in zip(files, numbers.tolist(), strict=True)
    }
    expected = sorted(truth, key=lambda name: -truth[name])  # the normal is ±y; heights rise to the front
    return f"| volume_mrhead | {len(files)} | {len(stacks)} | {'yes' if found == expected else 'no'} |"


def volumes(folder: Path, people: int) -> None:
    """Write two scans of each person."""
    for person in range(people):
        for scan in (0, 1):
            phantom = make_phantom(person, scan=scan)
            write_volume(phantom, folder / f"person{person:02d}-{scan}.nii.gz")


def recalls(index: Index, by: Sequence[str], how: str) -> list[float]:
    """Return for each first scan the reciprocal rank of the person's other scan."""
    scans: dict[str, list[str]] = {}
    for name in index.names:
        scans.setdefault(name.partition("#")[0], []).append(name)
    found = []
    for scan, names in scans.items():
        if not scan.endswith("-0.nii.gz"):
            continue
        ordered = sorted(names, key=lambda name: int(name.partition("#")[2]))
        if how == "middle slice":
            hits = index.query(
                ordered[len(ordered) // 2],
                by=by,
                k=len(index),
                group_by="series",
                not_same="series",
                fusion="rrf",
            )
        else:
            hits = index.query_volume(
                ordered,
                by=by,
                k=len(index),
                volume_by=how,  # type: ignore[arg-type]
                not_same="series",
                fusion="rrf",
            )
        other = scan.replace("-0.nii", "-1.nii")
        found.append(1 / next(hit.rank for hit in hits if hit.id.startswith(other)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    names = [one for by in RECIPES.values() for one in by]
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        print(
            "| by | cases | rule | queries | cases in all | with a case twice | unlike the reference "
            "| P@1 of contrast | mAP of contrast |"
        )
        print("|---|---|---|--:|--:|--:|--:|--:|--:|")
        with index_set("ct_dicom", scratch, names, args.data, args.jobs) as index:
            for recipe, by in RECIPES.items():
                for text in answers(index, by):
                    print(f"| {recipe} {text}", flush=True)
        print("\n| series | slices | stacks found | in the order of their positions |\n|---|--:|--:|---|")
        print(order(args.data, scratch), flush=True)
        (scratch / "people").mkdir()
        volumes(scratch / "people", args.people)
        print("\n| by | asked with | people | other scan first | mean reciprocal rank | 95 % interval |")
        print("|---|---|--:|--:|--:|--:|")
        with IndexWriter.create(scratch / "people.index") as index:
            for name in names:
                index.add_representation(make(name))
            index.update([scratch / "people"], jobs=args.jobs)
            for recipe, by in RECIPES.items():
                for how in ("middle slice", "maxsim", "votes"):
                    found = recalls(index, by, how)
                    low, high = bootstrap_interval(found)
                    print(
                        f"| {recipe} | {how} | {len(found)} | {np.mean(np.array(found) == 1):.0%} "
                        f"| {np.mean(found):.2f} | {low:.2f} to {high:.2f} |",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
