"""What semantic profiles are worth: images with a shared finding, ranked by vectors and by profiles of them.

    python -m benchmarks.quality.semantics [SET...] [--by NAME...] [--shuffles 200] [--cache FOLDER]

A query's right answers are images of other patients whose reports affirm a finding that its own does, too.
Profiles are learnt without the patients of the query's fold (five folds), so that no report of a query or of
its patient counts. Then the cells of clusters and findings that are beyond chance, in the reports as they
are, and in reports dealt anew among the patients: at most 5 % of those runs may show any. mAP and P@1 in
percent; p: paired randomisation test by patient.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.defaults import kept_one, unit
from benchmarks.shared.labelled_sets import DATA, Set
from retrieval.metadata.reports import read_reports, read_terms
from retrieval.metric_learning.held_out import fold_by_fold
from retrieval.metric_learning.semantics import ClusterProfile, ProfileLearner, associations
from retrieval.ranker import order
from retrieval.statistics.groups import numbered
from retrieval.statistics.paired_tests import randomisation_test
from retrieval.statistics.tied_ranking import TiedRanking

TEXTS: Mapping[str, Sequence[str]] = {
    "medpix": ("caption", "findings", "diagnosis"),
    "cxr_notes": ("notes", "finding"),
}
"""The sets that have reports, and the columns that are read."""
FEWEST_PATIENTS = 5


@dataclass(frozen=True, eq=False)
class Reported:
    """The images of a set that have a report: vectors at unit length, findings, and patients."""

    vectors: NDArray[np.float32]
    terms: list[str]
    marks: NDArray[np.bool_]
    groups: list[str]


def load(name: str, by: str, data: Path, cache: Path) -> Reported:
    """Return the images of a set with a report, and the findings of five patients or more."""
    images, terms = Set.load(name, data), read_terms()
    table = read_reports(data / name / "reports.csv", terms, TEXTS[name])
    vectors = kept_one(images, by, cache)
    places = [i for i, item in enumerate(images) if item.name in table.rows]
    items = list(images)
    found = [set(table.rows[items[i].name].labels) for i in places]
    groups = [items[i].group for i in places]
    marks = np.array([[term.name in own for term in terms] for own in found], dtype=np.bool_)
    n_patients = per_patient(marks, groups).sum(axis=0)
    kept = np.flatnonzero(n_patients >= FEWEST_PATIENTS)
    return Reported(unit(vectors[places]), [terms[i].name for i in kept], marks[:, kept], groups)


def per_patient(marks: NDArray[np.bool_], groups: Sequence[str]) -> NDArray[np.bool_]:
    """Return which findings each patient has, (n_patients, n_terms)."""
    owners = numbered(groups)
    has = np.zeros((int(owners.max()) + 1, marks.shape[1]), dtype=np.bool_)
    np.logical_or.at(has, owners, marks)
    return has


def measured(data: Reported, learner: ProfileLearner) -> tuple[NDArray[np.float64], list[str]]:
    """Return mAP and P@1 of each query by vectors and profiles, (2, 2, n), and the patients who ask."""
    owners = numbered(data.groups)

    def learn(kept: Sequence[int]) -> ClusterProfile:
        return learner.learn(list(data.vectors[kept]), data.marks[kept], [data.groups[i] for i in kept])

    folds = fold_by_fold(learn, data.groups, range(len(owners)), learner.seed)
    assert folds is not None, "these sets have enough patients for five folds"
    spaces = [unit(one.project_all(list(data.vectors))) for one in folds.projections]
    relevant = (data.marks.astype(np.int64) @ data.marks.T) > 0
    found, asked = [], []
    for i in range(len(owners)):
        allowed = np.flatnonzero(owners != owners[i])
        if not relevant[i, allowed].any():
            continue
        space = spaces[int(folds.folds[i])]
        rows = []
        for scores in (data.vectors @ data.vectors[i], space @ space[i]):
            best = order(allowed, scores[allowed], len(allowed))
            tied = TiedRanking(relevant[i, best.ids], best.scores)
            rows.append([100 * tied.average_precision(), 100 * tied.precision_at(1)])
        found.append(rows)
        asked.append(data.groups[i])
    return np.moveaxis(np.array(found), 0, -1), asked


def n_shown(data: Reported, profile: ClusterProfile, marks: NDArray[np.bool_]) -> int:
    """Return how many cells are beyond chance."""
    return len(associations(profile, data.terms, list(data.vectors), marks, data.groups))


def shuffled(data: Reported, profile: ClusterProfile, runs: int) -> int:
    """Return how many of so many runs show any cell after the findings were dealt anew among patients."""
    owners, has = numbered(data.groups), per_patient(data.marks, data.groups)
    rng = np.random.default_rng(0)
    return sum(n_shown(data, profile, has[rng.permutation(len(has))][owners]) > 0 for _ in range(runs))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(TEXTS))
    parser.add_argument("--by", nargs="+", default=["deep", "superpixel"])
    parser.add_argument("--shuffles", type=int, default=200)
    parser.add_argument("--cache", type=Path, default=Path("defaults.cache"))
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    print(f"Commit {commit.stdout.strip() or 'unknown'}.\n")
    print("| set | by | images, patients, findings | mAP / P@1 | profiles | gain, p | cells | shuffled |")
    print("|---|---|---|---|---|---|--:|--:|")
    learner = ProfileLearner()
    for name in args.sets:
        for by in args.by:
            data = load(name, by, args.data, args.cache)
            values, asked = measured(data, learner)
            gain = values[1, 0] - values[0, 0]
            p = randomisation_test(gain, asked)
            profile = learner.learn(list(data.vectors), data.marks, data.groups)
            sizes = f"{len(data.groups)}, {len(set(data.groups))}, {len(data.terms)}"
            means = [" / ".join(f"{v:.1f}" for v in row.mean(axis=1)) for row in values]
            cells = n_shown(data, profile, data.marks)
            runs = f"{shuffled(data, profile, args.shuffles)} of {args.shuffles}"
            row = [name, by, sizes, *means, f"{gain.mean():+.2f}, {p:.4f}", str(cells), runs]
            print(f"| {' | '.join(row)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
