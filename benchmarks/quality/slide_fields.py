"""What representations score on fields of slides, with stain as it is and made alike; and a test of leaks.

    python -m benchmarks.quality.slide_fields [--data FOLDER] [--set NAME] [--by TEXT] [--most N] [--jobs N]

``he_slides``: 22 slides of 22 patients, 8 organs, 16 tiles each; every tile asks, its slide (which is its
patient) left out. ``he_regions``: fields of 7 patients, 4 organs; its field left out, or its patient. mAP and
P@1 in percent, by class: the organ. ``site``: of the first hits among tiles of other patients with the same
organ, how many are of the query's tissue source site (the second field of the barcode), and how many would
be by chance: what is above it is stain and scanner, not tissue. Only queries with both to choose from count.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.labelled_sets import DATA, Item, Set, drawn, read_table
from benchmarks.shared.leave_one_out import encode, rankings
from retrieval.picture import Picture
from retrieval.readers.slides.stain import normalise
from retrieval.registry import make
from retrieval.statistics.tied_ranking import TiedRanking

RECIPES = {
    "thumbnail": ("thumbnail", {}),
    "colour histogram": ("colour", {}),
    "superpixel words": ("superpixel", {}),
    "superpixel words in colour": ("superpixel", {"descriptor": "opponentsift"}),
    "SIFT words in colour": ("sift", {"descriptor": "opponentsift"}),
    "deep": ("deep", {}),
    "deep, 8 symmetries": ("deep", {"symmetries": 8}),
}
SETS = ("he_slides", "he_regions")
STAINED = ("superpixel words in colour", "deep")
"""Those that are measured with stain made alike as well."""


@dataclass(frozen=True)
class StainedItem(Item):
    """A file that is read with its stain normalised."""

    stain: str = "none"

    def read(self) -> Picture:
        """Read it as an index with ``--stain`` reads a tile."""
        picture = super().read()
        values = np.rint(picture.rgb * 255).astype(np.uint8)
        return replace(picture, pixels=normalise(values, self.stain).astype(np.float32) / np.float32(255))


def stained(data: Set, stain: str) -> Set:
    """Return a set whose images have their stain normalised."""
    made = (StainedItem(item.path, item.name, item.label, item.group, stain) for item in data)
    return Set(data.name, tuple(made))


def left_out(data: Set, folder: Path) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Return the field and the patient (TCGA-site-number) of each item."""
    rows = {row["file"]: row for row in read_table(folder / "manifest.csv") if row["set"] == data.name}
    found = [(rows[item.name]["group"], rows[item.name]["patient"]) for item in data]
    return np.array([field for field, _ in found]), np.array([patient for _, patient in found])


def scored(found: list[TiedRanking]) -> str:
    """Return mAP and P@1 as cells."""
    kept = [ranking for ranking in found if ranking.relevant.any()]
    precision = np.mean([ranking.average_precision() for ranking in kept])
    first = np.mean([ranking.precision_at(1) for ranking in kept])
    return f"{100 * precision:.1f} | {100 * first:.1f}"


def site_leak(ranked: list[tuple[NDArray[np.int64], NDArray[np.generic]]], labels: NDArray[np.str_],
              patients: NDArray[np.str_]) -> str:  # fmt: skip
    """Return the share of first hits of the same site, and that of chance, as cells."""
    sites = np.array([patient.split("-")[1] for patient in patients])
    found, chance = [], []
    for i, (ids, scores) in enumerate(ranked):
        kept = (patients[ids] != patients[i]) & (labels[ids] == labels[i])
        same = sites[ids[kept]] == sites[i]
        if same.any() and not same.all():
            found.append(TiedRanking(same, scores[kept]).precision_at(1))
            chance.append(same.mean())
    return f"{100 * np.mean(found):.1f} | {100 * np.mean(chance):.1f}" if found else "– | –"


def rows(data: Set, folder: Path, jobs: int, chosen: str = "") -> Iterator[str]:
    """Yield the rows of a set; ``chosen`` is a part of the titles of those that are wanted."""
    (fields, patients), labels = left_out(data, folder), data.labels
    for title, (name, settings) in RECIPES.items():
        if chosen not in title:
            continue
        for stain in ("none", "reinhard", "macenko") if title in STAINED else ("none",):
            made = make(name, settings)
            encodings = encode(made, list(stained(data, stain)), jobs)
            ranked = [(ranking.ids, ranking.scores) for ranking in rankings(made, encodings)]
            cells = []
            for apart in (fields, patients):
                kept = [apart[ids] != apart[i] for i, (ids, _) in enumerate(ranked)]
                answers = zip(ranked, kept, strict=True)
                cells.append(
                    scored([
                        TiedRanking(labels[ids[k]] == labels[i], scores[k])
                        for i, ((ids, scores), k) in enumerate(answers)
                    ])
                )  # fmt: skip
            leak = site_leak(ranked, labels, patients)
            yield f"| {data.name} | {title} | {stain} | {' | '.join(cells)} | {leak} |"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--set", choices=SETS, action="append", help="both if none is named")
    parser.add_argument("--by", default="", help="a part of the titles of the rows that are wanted")
    parser.add_argument("--most", type=int, default=0, help="images of a set; 0 for all")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    print("| set | representation | stain | field out: mAP | P@1 | patient out: mAP | P@1 | site | chance |")
    print("|---|---|---|--:|--:|--:|--:|--:|--:|")
    for name in args.set or SETS:
        data = drawn(Set.load(name, args.data), args.most)
        for row in rows(data, args.data, args.jobs, args.by):
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
